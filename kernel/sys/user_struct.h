// SPDX-License-Identifier: MIT
/*
 * user_struct.h - structures in user memory that grow over the years.
 */
#ifndef SYS_USER_STRUCT_H
#define SYS_USER_STRUCT_H

#include "lib/types.h"

/*
 * Read one of which the program knows `user_size` bytes and we know `size`.
 *
 * => what the program does not know is zero; 0, -EFAULT, -E2BIG: it knows more than we, and that is not zero
 */
__must_check int user_struct(void *to, size_t size, vaddr_t address, size_t user_size);

#endif
