// SPDX-License-Identifier: MIT
/*
 * file.h - an open file (an "open file description" in POSIX): what descriptors refer to.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/path.h"
#include "mm/io.h"
#include "sync/mutex.h"

struct epoll_item;
struct file;
struct page_cache;
struct poll_table;

/*
 * Takes directory entries one by one; returns false when it has no room left, and then has not taken this one.
 * `next` is the file position that continues behind this entry. `type` is a DT_ number.
 */
struct dir_emitter {
    bool (*emit)(struct dir_emitter *emitter, const char *name, size_t length, uint64_t ino, unsigned type,
                 uint64_t next);
};

/*
 * What an open file does. A missing function has the answer in brackets.
 *
 * => read, write: from or to io->offset, which they do not change if the file is a stream; bytes moved (0: end of
 *    file), or -errno with nothing moved
 */
struct file_ops {
    bool stream;                                                                // has no position
    uint8_t splices;                    // of files that are not regular: splice(2) may read (FILE_READ), write (FILE_WRITE)
    int (*open)(struct file *file);                                             // [0]
    void (*release)(struct file *file);                                         // [nothing] the last reference is gone
    int64_t (*read)(struct file *file, struct io *io);                          // [-EINVAL]
    int64_t (*write)(struct file *file, struct io *io);                         // [-EINVAL]
    int64_t (*seek)(struct file *file, int64_t offset, int whence);             // [generic; -ESPIPE for streams]
    int64_t (*ioctl)(struct file *file, unsigned command, vaddr_t argument);    // [-ENOTTY]
    uint32_t (*poll)(struct file *file, struct poll_table *table);              // [EPOLLIN|OUT|RDNORM|WRNORM]
    // Entries from `*position` on, which moves behind the last one taken. 0 or -errno.
    int (*readdir)(struct file *file, uint64_t *position, struct dir_emitter *emitter);    // [-ENOTDIR]
    // The pages to map, for `prot` and `flags` of mmap(2); *out NULL means anonymous memory.
    int (*mmap)(struct file *file, int prot, int flags, struct page_cache **out);       // [-ENODEV]
    int (*truncate)(struct file *file, uint64_t size);                          // [-EINVAL]
    int (*fsync)(struct file *file, bool data_only);                            // [-EINVAL]
};

enum {
    FILE_READ = 1,                      // open for reading
    FILE_WRITE = 2,                     // open for writing
    FILE_STREAM = 4,                    // has no position: pipes, terminals
    FILE_PATH = 8,                      // O_PATH: names a path, does nothing
    FILE_COUNTED_WRITER = 16,           // counted in inode->writers
    FILE_KEEPS_SETID = 64,              // opened by the superuser: writing leaves set-id bits alone
    FILE_DENIES_WRITE = 32,             // a program to run: nobody may write to it while this file is open
};

/*
 * Fields: (c) constant after creation  (a) atomic  (p) position_lock
 */
struct file {
    _Atomic uint32_t refs;              // (a) descriptors, and calls under way
    _Atomic uint32_t flags;             // (a) O_APPEND, O_NONBLOCK, ... as F_GETFL tells them, with the access mode
    uint32_t mode;                      // (c) FILE_*, once it is open
    const struct file_ops *ops;         // (c)
    struct path path;                   // (c) holds references; empty for a file that has no inode
    void *private;                      // (c) what `open` set
    struct mutex position_lock;
    uint64_t position;                  // (p)
    void *cursor;                       // (p) readdir's own: where the position was last
    struct epoll_item *watchers;        // epolls that watch it: fs/epoll.c
    _Atomic bool has_locks;             // (a) may have locks of its own: OFD, flock
};

/*
 * A new open file with one reference, over `path` (whose references it takes over).
 *
 * => calls ops->open last; on failure the path is still the caller's
 * => `flags`: O_ACCMODE and what F_GETFL shows; O_NOCTTY for ops->open alone
 * => 0, -ENOMEM, or what open says
 */
int file_create(const struct path *path, const struct file_ops *ops, unsigned flags, void *private, struct file **out)
    __must_check;

/*
 * The same in two steps, for who has to have the memory before anything else happens: file_begin needs none but what ops->open takes. A
 * file that was not begun, or could not be, is discarded.
 */
struct file *file_alloc(void) __must_check;
int file_begin(struct file *file, const struct path *path, const struct file_ops *ops, unsigned flags, void *private) __must_check;
void file_discard(struct file *file);

/*
 * A new open file with no name of its own ("pipe:[7]", "anon_inode:[eventpoll]"): has a nameless inode of the given
 * mode, so that fstat works.
 *
 * => 0, -ENOMEM, or what open says; `name` must stay valid
 */
int file_create_nameless(const char *name, uint32_t inode_mode, const struct file_ops *ops, unsigned flags,
                         void *private, struct file **out) __must_check;

void file_get(struct file *file);
// The last put releases the file. May sleep.
void file_put(struct file *file);

static inline struct inode *file_inode(const struct file *file)
{
    return file->path.dentry->inode;
}

/*
 * read(2), write(2): at the file's position, which moves.
 *
 * => io->left bytes wanted; io->offset is set here
 * => bytes moved, or -EBADF (not open for that), -EISDIR, -EAGAIN, -EINTR, -EFAULT, -EPIPE, ...
 */
int64_t file_read(struct file *file, struct io *io) __must_check;
int64_t file_write(struct file *file, struct io *io) __must_check;

// pread(2), pwrite(2): at io->offset; -ESPIPE for streams.
int64_t file_pread(struct file *file, struct io *io) __must_check;
int64_t file_pwrite(struct file *file, struct io *io) __must_check;

// lseek(2), SEEK_DATA and SEEK_HOLE included; the new position or -errno.
int64_t file_seek(struct file *file, int64_t offset, int whence) __must_check;

int64_t file_ioctl(struct file *file, unsigned command, vaddr_t argument) __must_check;

// What is ready now (EPOLL* bits, the same as POLL*); with a table, arranges to be woken.
uint32_t file_poll(struct file *file, struct poll_table *table);

/*
 * getdents(2)'s work from the file's position on. The emitter may write into kernel memory only.
 *
 * => 0, -ENOTDIR, -ENOENT (the directory is gone), -errno
 */
int file_readdir(struct file *file, struct dir_emitter *emitter) __must_check;

/*
 * mmap(2)'s question: which pages? Checks the open mode against `prot` and `flags`.
 *
 * => *out: the pages, kept alive by the file until the region holds them; NULL: anonymous memory (as /dev/zero)
 * => 0, -EACCES, -ENODEV, -EPERM (mount without exec)
 */
int file_mmap(struct file *file, int prot, int flags, struct page_cache **out) __must_check;

// ftruncate(2); fallocate's plain growth is done with it too.
int file_truncate(struct file *file, uint64_t size) __must_check;
int file_sync(struct file *file, bool data_only) __must_check;

// What seek does if a file does not say otherwise. => position_lock held
int64_t file_seek_generic(struct file *file, int64_t offset, int whence) __must_check;

// F_SETFL: changes O_APPEND, O_NONBLOCK, O_NOATIME, O_DIRECT, FASYNC; others are ignored.
void file_set_flags(struct file *file, unsigned flags);

static inline bool file_is_nonblocking(const struct file *file)
{
    return file->flags & 04000 /* O_NONBLOCK */;
}

// At boot: the cache of open files.
void file_cache_init(void);

#endif
