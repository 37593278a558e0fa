// SPDX-License-Identifier: MIT
/*
 * string.c - memory and strings.
 *
 * Theory      A copy of eight bytes or more is whole words by one string instruction, and one last word that may
 *             overlap them: fewest counted instructions at every size. The compiler itself calls memcpy, memmove,
 *             memset and memcmp; NO_IDIOM keeps it from turning their own loops into such calls.
 */
#include "lib/string.h"

#ifdef __clang__
#define NO_IDIOM __attribute__((no_builtin))
#else
#define NO_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

/* Words at any address, aliasing anything. */
typedef uint64_t __attribute__((aligned(1), may_alias)) word64;
typedef uint32_t __attribute__((aligned(1), may_alias)) word32;
typedef uint16_t __attribute__((aligned(1), may_alias)) word16;

/* Fewer than eight bytes; all are read before one is written, so they may overlap. */
static inline void copy_few(char *to, const char *from, size_t size)
{
    if (size >= 4) {
        uint32_t first = *(const word32 *)from;
        uint32_t last = *(const word32 *)(from + size - 4);

        *(word32 *)to = first;
        *(word32 *)(to + size - 4) = last;
    } else if (size >= 2) {
        uint16_t first = *(const word16 *)from;
        uint16_t last = *(const word16 *)(from + size - 2);

        *(word16 *)to = first;
        *(word16 *)(to + size - 2) = last;
    } else if (size == 1) {
        *to = *from;
    }
}

/* Eight bytes or more, upwards: right when `to` is not inside [from, from + size). The last word is read first. */
static inline void copy_upwards(char *to, const char *from, size_t size)
{
    uint64_t last = *(const word64 *)(from + size - 8);
    char *end = to + size - 8;
    size_t words = (size - 1) / 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    *(word64 *)end = last;
}

NO_IDIOM void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    kasan_check_read(from, size);
    kasan_check_write(to, size);
    if (size < 8)
        copy_few(to, from, size);
    else
        copy_upwards(to, from, size);
    return to;
}

/* Eight bytes or more, downwards: `to` lies above `from` and they overlap. The first word is read first. */
static NO_IDIOM void copy_downwards(char *to, const char *from, size_t size)
{
    uint64_t first = *(const word64 *)from;
    size_t left = size;

    for (; left >= 8; left -= 8)
        *(word64 *)(to + left - 8) = *(const word64 *)(from + left - 8);
    *(word64 *)to = first;
}

NO_IDIOM void *memmove(void *to, const void *from, size_t size)
{
    kasan_check_read(from, size);
    kasan_check_write(to, size);
    if (size < 8)
        copy_few(to, from, size);
    else if ((uintptr_t)to - (uintptr_t)from >= size)
        copy_upwards(to, from, size);
    else
        copy_downwards(to, from, size);
    return to;
}

NO_IDIOM void *memset(void *to, int byte, size_t size)
{
    uint64_t pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);
    char *at = to;

    kasan_check_write(to, size);
    if (size >= 8) {
        size_t words = (size - 1) / 8;

        *(word64 *)(at + size - 8) = pattern;
        __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    } else if (size >= 4) {
        *(word32 *)at = (uint32_t)pattern;
        *(word32 *)(at + size - 4) = (uint32_t)pattern;
    } else {
        for (size_t i = 0; i < size; i++)
            at[i] = (char)byte;
    }
    return to;
}

NO_IDIOM int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    size_t i = 0;

    while (size - i >= 8 && *(const word64 *)(left + i) == *(const word64 *)(right + i))
        i += 8;
    for (; i < size; i++) {
        if (left[i] != right[i])
            return left[i] - right[i];
    }
    return 0;
}

NO_IDIOM void *memchr(const void *memory, int byte, size_t size)
{
    const unsigned char *at = memory;

    for (size_t i = 0; i < size; i++) {
        if (at[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(at + i);
    }
    return NULL;
}

NO_IDIOM size_t strlen(const char *string)
{
    const char *end = string;

    while (*end != '\0')
        end++;
    return (size_t)(end - string);
}

NO_IDIOM size_t strnlen(const char *string, size_t size)
{
    size_t length = 0;

    while (length < size && string[length] != '\0')
        length++;
    return length;
}

NO_IDIOM int strncmp(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char left = (unsigned char)a[i], right = (unsigned char)b[i];

        if (left != right || left == '\0')
            return left - right;
    }
    return 0;
}

NO_IDIOM int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

NO_IDIOM char *strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)(uintptr_t)string;
        if (*string == '\0')
            return NULL;
    }
}

NO_IDIOM char *strrchr(const char *string, int character)
{
    const char *found = NULL;

    for (;; string++) {
        if (*string == (char)character)
            found = string;
        if (*string == '\0')
            return (char *)(uintptr_t)found;
    }
}

NO_IDIOM size_t strlcpy(char *restrict to, const char *restrict from, size_t size)
{
    size_t length = strlen(from);

    if (size > 0) {
        size_t copied = MIN(length, size - 1);

        memcpy(to, from, copied);
        to[copied] = '\0';
    }
    return length;
}
