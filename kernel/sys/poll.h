// SPDX-License-Identifier: MIT
/*
 * poll.h - what poll.c and select.c share.
 */
#ifndef SYS_POLL_H
#define SYS_POLL_H

#include "fs/poll.h"
#include "lib/types.h"

/* Give back the files of `count` entries. */
void poll_entries_put(struct poll_entry *entries, unsigned count);

/* The deadline that a struct timespec at user address `timeout` means; 0: never. => 0, -EFAULT, -EINVAL */
__must_check int poll_deadline(vaddr_t timeout, uint64_t *deadline);

/* Take the signal mask at user address `mask` (0: none) until the call returns. => 0, -EFAULT, -EINVAL */
__must_check int poll_take_mask(vaddr_t mask, uint64_t size);

/*
 * The last step of a call that may have taken a mask: puts the old one back, unless a signal ended the wait.
 *
 * => `result`; -EINTR becomes -ERESTARTNOHAND: again, unless a handler runs
 */
int64_t poll_result(int64_t result);

#endif
