// SPDX-License-Identifier: MIT
/*
 * pipe_private.h - what pipe.c and pipe_splice.c share.
 */
#ifndef FS_PIPE_PRIVATE_H
#define FS_PIPE_PRIVATE_H

#include <stdatomic.h>

#include "fs/pipe.h"
#include "mm/io.h"
#include "mm/kalloc.h"
#include "sync/mutex.h"
#include "sync/wait.h"

// One more than the capacity fills, since the first and the last of them may be in part used.
#define PIPE_FRAMES (PIPE_CAPACITY / PAGE_SIZE + 1)

#define FEW_BYTES 64u

/* Fields: (l) lock  (a) atomic, changed under lock  (i) the inode's lock */
struct pipe {
    struct mutex lock;
    struct wait_queue readable, writable;   // bytes or room have come, or an end was opened or closed
    uint64_t head, tail;                    // (l) bytes read and written since it was last empty
    _Atomic uint32_t bytes;                 // (a) tail - head
    _Atomic uint32_t readers, writers;      // (a) open ends
    _Atomic uint32_t reader_opens;          // (a) ends ever opened: a FIFO's open waits for a change
    _Atomic uint32_t writer_opens;          // (a)
    uint32_t files;                         // (i) open files
    char *frames[PIPE_FRAMES];              // (l) the first may be `few`
    char few[FEW_BYTES];                    // (l) bytes [0, 64) since the pipe was last empty
};

static inline void pipe_drop_frame(struct pipe *pipe, char **slot)
{
    if (*slot != pipe->few)
        kfree(*slot);
    *slot = NULL;
}

// Where the byte at `position` lies.
static inline char **pipe_slot(struct pipe *pipe, uint64_t position)
{
    return &pipe->frames[position / PAGE_SIZE % PIPE_FRAMES];
}

static inline void pipe_count(struct pipe *pipe, uint32_t bytes)
{
    atomic_store_explicit(&pipe->bytes, bytes, memory_order_relaxed);
}

// Bytes in `slot`, the first ones, were read: give back the memory that holds no more. => lock held
static inline void pipe_advance_head(struct pipe *pipe, char **slot, size_t moved)
{
    uint32_t left = pipe->bytes - (uint32_t)moved;

    pipe->head += moved;
    pipe_count(pipe, left);
    if (left == 0 || pipe->head % PAGE_SIZE == 0)
        pipe_drop_frame(pipe, slot);
    if (left == 0)
        pipe->head = pipe->tail = 0;
}

// Would a read, or a write of `need` bytes, not wait?
static inline bool pipe_may_read(const struct pipe *pipe)
{
    return pipe->bytes != 0 || pipe->writers == 0;
}

static inline bool pipe_may_write(const struct pipe *pipe, size_t need)
{
    return PIPE_CAPACITY - pipe->bytes >= need || pipe->readers == 0;
}

// Take bytes from the writer, up to the end of a frame. => lock held, there is room; bytes, -EFAULT, -ENOMEM
int64_t pipe_put_run(struct pipe *pipe, struct io *io, size_t room);

// Give bytes to the reader. => bytes, 0 (empty), -EFAULT
int64_t pipe_take(struct pipe *pipe, struct io *io);

// Take bytes from the writer. => bytes moved; 0: no room for `need` bytes; -EPIPE, -EFAULT, -ENOMEM
int64_t pipe_put(struct pipe *pipe, struct io *io, size_t need);

#endif
