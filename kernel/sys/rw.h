// SPDX-License-Identifier: MIT
/*
 * rw.h - what all calls that move bytes have in common.
 */
#ifndef SYS_RW_H
#define SYS_RW_H

#include "arch/x86/layout.h"
#include "lib/checked.h"
#include "lib/types.h"

/* No single transfer is larger (Linux's MAX_RW_COUNT): 2 GiB less a page. */
#define RW_MAX 0x7ffff000ul

/* Whether [address, address + size) lies in the user's half; what is mapped there is found out by touching it. */
static inline bool user_range_ok(vaddr_t address, uint64_t size)
{
    return range_within(address, size, USER_END);
}

/* Turn the -EPIPE of a write into the signal that goes with it. => result, unchanged */
int64_t write_result(int64_t result);

#endif
