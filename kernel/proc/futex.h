// SPDX-License-Identifier: MIT
/*
 * futex.h - sleep until a word in user memory changes.
 */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include "lib/types.h"

struct thread;

#define FUTEX_FOREVER UINT64_MAX
#define FUTEX_ANYONE UINT32_MAX     // FUTEX_BITSET_MATCH_ANY

struct futex_wait_request {
    vaddr_t address;            // of a 32-bit word, aligned to 4
    uint32_t value;             // sleep only if the word has this value
    uint32_t bitset;            // not 0; FUTEX_BITSET_MATCH_ANY
    uint64_t deadline;          // ns of clock_ns(); FUTEX_FOREVER
    bool shared;                // other address spaces may wait on the same memory
};

/*
 * => 0, -EAGAIN (the word has another value), -ETIMEDOUT, -EINTR, -EFAULT, -EINVAL
 */
int64_t futex_wait(const struct futex_wait_request *request);

/* => the number woken, or -EFAULT, -EINVAL */
int64_t futex_wake(vaddr_t address, uint32_t count, uint32_t bitset, bool shared);

struct futex_requeue_request {
    vaddr_t from, to;
    uint32_t wake, requeue;     // how many
    bool compare;               // FUTEX_CMP_REQUEUE: only if the word at `from` is `value`, else -EAGAIN
    uint32_t value;
    bool shared;
};

/* => the number woken and requeued, or -errno */
int64_t futex_requeue(const struct futex_requeue_request *request);

struct futex_wake_op_request {
    vaddr_t first, second;
    uint32_t wake_first, wake_second;
    uint32_t operation;         // as FUTEX_OP() of <linux/futex.h> encodes it
    bool shared;
};

/* FUTEX_WAKE_OP. => the number woken, or -errno */
int64_t futex_wake_op(const struct futex_wake_op_request *request);

/*
 * A thread ends: the locks in its robust list are marked as their owner's death left them, and waiters woken.
 */
void futex_exit_robust_list(struct thread *thread);

/* The size of struct robust_list_head that set_robust_list(2) accepts. */
#define ROBUST_LIST_HEAD_SIZE 24

#endif
