// SPDX-License-Identifier: MIT
/*
 * usercopy.h - the kernel reads and writes user memory, through the same faults as the user.
 *
 * Every function checks first that the range lies below USER_END, so that no system call reaches kernel memory through a
 * pointer. Touching may fault and sleep: no spinlock, no vspace lock. Sizes are bytes.
 */
#ifndef MM_USERCOPY_H
#define MM_USERCOPY_H

#include "lib/types.h"

/* All n bytes, or -EFAULT (some of them may have been moved). */
__must_check int copy_to_user(vaddr_t dst, const void *src, size_t n);
__must_check int copy_from_user(void *dst, vaddr_t src, size_t n);
__must_check int clear_user(vaddr_t dst, size_t n);

/* The number of bytes moved before the first that could not be. */
size_t copy_to_user_partial(vaddr_t dst, const void *src, size_t n);
size_t copy_from_user_partial(void *dst, vaddr_t src, size_t n);
size_t clear_user_partial(vaddr_t dst, size_t n);

/*
 * A string with its end into a buffer of `size` bytes.
 *
 * => its length without the end; -EFAULT; -ENAMETOOLONG when it does not end within `size` bytes
 */
__must_check int64_t strncpy_from_user(char *dst, vaddr_t src, size_t size);

__must_check int get_user_u32(uint32_t *value, vaddr_t src);
__must_check int get_user_u64(uint64_t *value, vaddr_t src);
__must_check int put_user_u32(vaddr_t dst, uint32_t value);
__must_check int put_user_u64(vaddr_t dst, uint64_t value);

#endif
