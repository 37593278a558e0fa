// SPDX-License-Identifier: MIT
/* errno.h - Linux's error numbers. Functions return 0 or -errno; sys/ hands that to the program as it is. */
#ifndef LIB_ERRNO_H
#define LIB_ERRNO_H

#include <asm/errno.h>

#endif
