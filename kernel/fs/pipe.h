// SPDX-License-Identifier: MIT
/*
 * pipe.h - pipes and FIFOs: bytes from writers to readers through at most 64 KiB of frames.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "lib/types.h"

struct file;
struct file_ops;
struct io;

#define PIPE_CAPACITY (64u * 1024)      // bytes, as Linux's default (pipe(7))

/*
 * pipe2(2): two open files, the reading and the writing end. `flags`: O_NONBLOCK, O_DIRECT is -EINVAL.
 *
 * => each has one reference; a write without readers is -EPIPE (the signal is the caller's)
 * => 0, -ENOMEM, -EINVAL
 */
int pipe_create(unsigned flags, struct file **reader, struct file **writer) __must_check;

// What an open FIFO does; open waits for the other end as fifo(7) says.
extern const struct file_ops fifo_file_ops;

// Whether the file is a pipe or a FIFO.
bool file_is_pipe(const struct file *file);
bool pipes_are_same(const struct file *a, const struct file *b);

/*
 * splice(2), tee(2) (`take` false: the bytes stay in `in` as well) and vmsplice(2). They wait, if `wait`, until
 * something can be moved, and move what can be moved then. *offset moves along.
 *
 * => the pipes are open for that; the file is a regular one
 * => bytes; 0: the end of `in`; -EAGAIN, -EINTR, -EPIPE, -EFAULT, -ENOMEM, -ENOSPC
 */
int64_t pipe_to_file(struct file *in, struct file *out, uint64_t *offset, size_t size, bool wait) __must_check;
int64_t pipe_from_file(struct file *in, uint64_t *offset, struct file *out, size_t size, bool wait) __must_check;
int64_t pipe_to_pipe(struct file *in, struct file *out, size_t size, bool take, bool wait) __must_check;
int64_t pipe_put_some(struct file *file, struct io *io, bool wait) __must_check;
int64_t pipe_take_some(struct file *file, struct io *io, bool wait) __must_check;

#endif
