// SPDX-License-Identifier: MIT
/* strlcpy.c - the functions of the kernel's lib/ that this libc lacks, over it. */
#include <string.h>

size_t strlcpy(char *restrict to, const char *restrict from, size_t size);

size_t strlcpy(char *restrict to, const char *restrict from, size_t size)
{
    size_t length = strlen(from), part = length < size ? length : size - 1;

    if (size > 0) {
        memcpy(to, from, part);
        to[part] = '\0';
    }
    return length;
}
