// SPDX-License-Identifier: MIT
/* string.h - the kernel's, but for whole pages: sanitizers cannot see what string instructions touch. */
#ifndef HOST_LIB_STRING_H
#define HOST_LIB_STRING_H

#define page_zero page_zero_by_instruction
#define page_copy page_copy_by_instruction
#include_next "lib/string.h"
#undef page_zero
#undef page_copy

static inline void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

static inline void page_copy(void *restrict to, const void *restrict from)
{
    memcpy(to, from, PAGE_SIZE);
}

#endif
