// SPDX-License-Identifier: MIT
/*
 * printf.h - formatted text.
 *
 * Conversions: d i u x X o p s c %%; sizes hh h l ll z j t; flags - + space 0 #; width and precision, also as `*`.
 * As in ISO C, but: no floating point, no %n, and a NULL string prints as (null).
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Write into `size` bytes at `buffer`, cut if too long, ended with a 0 byte unless size is 0.
 * => the length that the whole text has; not less than `size` means that it was cut
 */
int snprintf(char *buffer, size_t size, const char *format, ...) __printf_like(3, 4);
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments) __printf_like(3, 0);

/*
 * The same, but the result is what was written, never more than size - 1: for text built piece by piece.
 */
int scnprintf(char *buffer, size_t size, const char *format, ...) __printf_like(3, 4);

#endif
