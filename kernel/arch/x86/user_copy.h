// SPDX-License-Identifier: MIT
/*
 * user_copy.h - the only instructions that touch user addresses.
 *
 * Each opens SMAP, touches, closes it, and has an entry in the exception table: when a fault cannot be resolved,
 * exception_fixup makes it return early. No range checks here: mm/usercopy.h has them, and everything above uses that.
 */
#ifndef GAUR_ARCH_USER_COPY_H
#define GAUR_ARCH_USER_COPY_H

#include "arch/x86/trap.h"
#include "lib/types.h"

/*
 * Copy, one side being a user address. => bytes NOT copied, 0 on success; may sleep in a fault
 */
size_t user_copy_raw(void *dst, const void *src, size_t n);

/* Zero user memory. => bytes NOT zeroed */
size_t user_zero_raw(void *dst, size_t n);

/*
 * Copy a string of at most `size` bytes with its end. => its length; `size` if no end within; -EFAULT
 */
int64_t user_strncpy_raw(char *dst, const char *src, size_t size);

/* Single aligned words, each in one access. => 0, or -EFAULT */
int user_fetch_u32(const uint32_t *src, uint32_t *value);
int user_fetch_u64(const uint64_t *src, uint64_t *value);
int user_store_u32(uint32_t *dst, uint32_t value);
int user_store_u64(uint64_t *dst, uint64_t value);

/* If *word == expected then *word = desired, atomically; what was there goes to *found. => 0, or -EFAULT */
int user_cmpxchg_u32(uint32_t *word, uint32_t expected, uint32_t desired, uint32_t *found);

/* Whether the instruction at `rip` is one of the above, so that its faults on user addresses are expected. */
bool exception_expected(uint64_t rip);

/* Make the interrupted function return its error. => false if tf->rip is not in the table: a bug in the kernel */
bool exception_fixup(struct trap_frame *tf);

#endif
