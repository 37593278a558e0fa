// SPDX-License-Identifier: MIT
/*
 * pipe.h - pipes and FIFOs: bytes from writers to readers through at most 64 KiB of frames.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "lib/types.h"

struct file;
struct file_ops;

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

#endif
