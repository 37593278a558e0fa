// SPDX-License-Identifier: MIT
/*
 * lock.c - locks on files: fcntl's F_SETLK and its kin, flock.
 */
#include "sys/lock.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include "fs/file_lock.h"
#include "fs/inode.h"
#include "lib/checked.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"

/* Where the lock's start is counted from. => 0, -EINVAL */
static int base_of(struct file *file, int whence, int64_t *base)
{
    switch (whence) {
    case SEEK_SET:
        *base = 0;
        return 0;
    case SEEK_CUR:
        *base = file->mode & FILE_STREAM ? 0 : file_seek(file, 0, SEEK_CUR);
        return 0;
    case SEEK_END:
        *base = inode_size(file_inode(file));
        return 0;
    default:
        return -EINVAL;
    }
}

/* The bytes that a struct flock means. A negative length counts back from the start. => 0, -EINVAL, -EOVERFLOW */
static int read_range(struct file *file, const struct flock *flock, struct file_lock_request *request)
{
    int64_t start, end = INT64_MAX;
    int error = base_of(file, flock->l_whence, &start);

    if (error)
        return error;
    if (__builtin_add_overflow(start, flock->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (flock->l_len > 0) {
        if (__builtin_add_overflow(start, flock->l_len - 1, &end))
            return -EOVERFLOW;
    } else if (flock->l_len < 0) {
        if (start + flock->l_len < 0)
            return -EINVAL;
        end = start - 1;
        start += flock->l_len;
    }
    request->start = start;
    request->end = end;
    return 0;
}

static bool is_ofd(unsigned command)
{
    return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* => 0, -EINVAL, -EOVERFLOW; F_UNLCK is the caller's case */
static int read_request(struct file *file, unsigned command, const struct flock *flock,
                        struct file_lock_request *request)
{
    if (flock->l_type != F_RDLCK && flock->l_type != F_WRLCK && flock->l_type != F_UNLCK)
        return -EINVAL;
    if (is_ofd(command) && flock->l_pid)
        return -EINVAL;
    *request = (struct file_lock_request){
        .kind = is_ofd(command) ? FILE_LOCK_OFD : FILE_LOCK_POSIX,
        .write = flock->l_type == F_WRLCK,
        .pid = is_ofd(command) ? -1 : current_process()->id,
        .owner = is_ofd(command) ? (void *)file : (void *)current_process()->files,
    };
    return read_range(file, flock, request);
}

static int64_t get_lock(struct file *file, const struct file_lock_request *request, struct flock *flock,
                        vaddr_t argument)
{
    struct file_lock_request found;

    if (flock->l_type == F_UNLCK)
        return -EINVAL;
    if (!file_lock_test(file_inode(file), request, &found)) {
        flock->l_type = F_UNLCK;
    } else {
        *flock = (struct flock){
            .l_type = found.write ? F_WRLCK : F_RDLCK,
            .l_whence = SEEK_SET,
            .l_start = found.start,
            .l_len = found.end == FILE_LOCK_EOF ? 0 : found.end - found.start + 1,
            .l_pid = found.pid,
        };
    }
    return copy_to_user(argument, flock, sizeof(*flock));
}

/* Another thread may have closed the descriptor meanwhile, and so have ended the process's locks: then this one, too. */
static int64_t check_open(int fd, struct file *file, const struct file_lock_request *request)
{
    struct file *now = descriptor_any(fd);

    if (now)
        file_put(now);
    if (now == file || request->kind == FILE_LOCK_OFD)
        return 0;
    file_locks_release(file_inode(file), request->owner);
    return -EBADF;
}

static int64_t set_lock(int fd, struct file *file, const struct file_lock_request *request, short type, bool wait)
{
    int64_t result;

    if (type == F_UNLCK)
        return file_lock_clear(file_inode(file), request);
    if (!(file->mode & (type == F_RDLCK ? FILE_READ : FILE_WRITE)))
        return -EBADF;
    if (request->kind == FILE_LOCK_POSIX)
        file_table_has_locks(current_process()->files);
    else
        file->has_locks = true;
    result = restartable(file_lock_set(file_inode(file), request, wait));
    return result ? result : check_open(fd, file, request);
}

int64_t fcntl_lock(int fd, struct file *file, unsigned command, vaddr_t argument)
{
    struct file_lock_request request;
    struct flock flock;
    int error;

    if (copy_from_user(&flock, argument, sizeof(flock)))
        return -EFAULT;
    error = read_request(file, command, &flock, &request);
    if (error)
        return error;
    if (command == F_GETLK || command == F_OFD_GETLK)
        return get_lock(file, &request, &flock, argument);
    return set_lock(fd, file, &request, flock.l_type, command == F_SETLKW || command == F_OFD_SETLKW);
}

static int64_t flock_file(struct file *file, unsigned operation, bool wait)
{
    struct file_lock_request request = {
        .kind = FILE_LOCK_FLOCK,
        .write = operation == LOCK_EX,
        .pid = current_process()->id,
        .owner = file,
        .end = FILE_LOCK_EOF,
    };

    if (operation == LOCK_UN)
        return file_lock_clear(file_inode(file), &request);
    file->has_locks = true;
    return restartable(file_lock_set(file_inode(file), &request, wait));
}

SYSCALL2(flock, int, fd, unsigned, operation)
{
    unsigned what = operation & ~LOCK_NB;
    struct file *file;
    int64_t result;

    if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    result = what == LOCK_UN || (file->mode & (FILE_READ | FILE_WRITE))
                 ? flock_file(file, what, !(operation & LOCK_NB)) : -EBADF;
    file_put(file);
    return result;
}
