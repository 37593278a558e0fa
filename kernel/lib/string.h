// SPDX-License-Identifier: MIT
/*
 * string.h - the C library's memory and string functions that the kernel uses, and whole pages.
 *
 * Bulk work is done by `rep movsq` and `rep stosq`: one counted instruction for 8 bytes.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/kasan.h"
#include "lib/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int byte, size_t size);

size_t strlen(const char *string);
size_t strnlen(const char *string, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strchr(const char *string, int character);
char *strrchr(const char *string, int character);

/*
 * Copy a string into `size` bytes, cutting it if it is too long; always ended with a 0 byte unless size is 0.
 * => strlen(from): not less than `size` means that it was cut
 */
size_t strlcpy(char *restrict to, const char *restrict from, size_t size);

/*
 * Zero, or copy, one page. => addresses aligned to 8
 */
static inline void page_zero(void *page)
{
    uint64_t words = PAGE_SIZE / 8;

    kasan_check_write(page, PAGE_SIZE);
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(UINT64_C(0)) : "memory");
}

static inline void page_copy(void *restrict to, const void *restrict from)
{
    uint64_t words = PAGE_SIZE / 8;

    kasan_check_read(from, PAGE_SIZE);
    kasan_check_write(to, PAGE_SIZE);
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

#endif
