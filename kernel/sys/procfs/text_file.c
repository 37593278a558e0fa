// SPDX-License-Identifier: MIT
/*
 * text_file.c - open text files of /proc.
 *
 * The text is made at the first read and again at each read from its beginning, so that what is read in parts is of
 * one moment, and who looks again sees news. A text that may be very long is made part by part (text->next), as it is read.
 */
#include <linux/fs.h>

#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/io.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/mutex.h"
#include "sys/procfs/node.h"

#define VALUE_MAX 127       // longest line that can be written

/* One open file.    Fields: (l) lock */
struct text_file {
    struct mutex lock;
    struct text text;       // (l) the part that was read last
    uint64_t start;         // (l) where it lies in the file
    bool made;              // (l)
};

static const struct proc_inode *inode_of(const struct file *file)
{
    return proc_inode_of(file_inode(file));
}

static int text_open(struct file *file)
{
    struct text_file *text_file;
    int error = proc_check_inspect(inode_of(file));

    if (error)
        return error;
    if ((file->mode & FILE_WRITE) && (inode_of(file)->node->flags & PROC_FIXED))
        return -EACCES;
    text_file = slab_zalloc(sizeof(*text_file));
    if (!text_file)
        return -ENOMEM;
    mutex_init(&text_file->lock, "proc text", RANK_FILE_OFFSET);
    file->private = text_file;
    return 0;
}

static void text_release(struct file *file)
{
    struct text_file *text_file = file->private;

    text_clear(&text_file->text);
    slab_free(text_file);
}

/* The part that begins at `from`, as text->next has it; 0: the first. */
static int make_text(const struct proc_inode *inode, struct text_file *text_file, uint64_t from)
{
    struct text *text = &text_file->text;
    int error;

    text_file->start = from ? text_file->start + text->size : 0;
    text_clear(text);
    text->next = from;
    if (inode->process && inode->process->state == PROCESS_DEAD && !(inode->node->flags & PROC_OUTLIVES))
        return -ESRCH;
    error = inode->node->show(inode, text);
    if (!error)
        error = text->error;
    text_file->made = !error;
    return error;
}

/* Have the part that byte `offset` lies in. */
static int find_part(const struct proc_inode *inode, struct text_file *text_file, uint64_t offset)
{
    int error = 0;

    if (!text_file->made || !offset || offset < text_file->start)
        error = make_text(inode, text_file, 0);
    while (!error && text_file->text.next && offset >= text_file->start + text_file->text.size)
        error = make_text(inode, text_file, text_file->text.next);
    return error;
}

static int64_t text_file_read(struct file *file, struct io *io)
{
    struct text_file *text_file = file->private;
    int64_t result;

    if (io->offset + io->left > INT64_MAX)
        return -EINVAL;
    // Nested in the file's position lock, or alone (pread).
    mutex_lock_nested(&text_file->lock);
    result = find_part(inode_of(file), text_file, io->offset);
    if (!result) {
        io->offset -= text_file->start;
        result = text_read(&text_file->text, io);
        io->offset += text_file->start;
    }
    mutex_unlock(&text_file->lock);
    return result;
}

static int64_t text_file_write(struct file *file, struct io *io)
{
    const struct proc_inode *inode = inode_of(file);
    char value[VALUE_MAX + 1];
    size_t size = io->left, length;
    int error;

    if (!inode->node->store)
        return inode->process ? -EINVAL : -EIO;
    if (size > VALUE_MAX)
        return -EINVAL;
    if (io_copy_in(io, value, size) < size)
        return -EFAULT;
    value[size] = '\0';
    length = strlen(value);
    if (length && value[length - 1] == '\n')
        value[length - 1] = '\0';
    error = inode->node->store(inode, value);
    return error ? error : (int64_t)size;
}

/* How long a text will be is not known before it is made. */
static int64_t text_file_seek(struct file *file, int64_t offset, int whence)
{
    if (whence > SEEK_CUR && !(inode_of(file)->node->flags & PROC_PLAIN))
        return -EINVAL;
    return file_seek_generic(file, offset, whence);
}

const struct file_ops proc_text_ops = {
    .open = text_open,
    .release = text_release,
    .read = text_file_read,
    .write = text_file_write,
    .seek = text_file_seek,
};
