// SPDX-License-Identifier: MIT
/*
 * bitmap.h - sets of small numbers in arrays of 64-bit words.
 *
 * => the owner's lock guards the words; nothing is atomic here (sets of CPUs: arch/x86/cpu.h)
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

/* Set or clear the bits [start, start + count). */
void bitmap_set_range(uint64_t *map, size_t start, size_t count);
void bitmap_clear_range(uint64_t *map, size_t start, size_t count);

/* => the first set (clear) bit in [from, size), or `size` when there is none */
size_t bitmap_find_set(const uint64_t *map, size_t size, size_t from);
size_t bitmap_find_clear(const uint64_t *map, size_t size, size_t from);

/* => the number of set bits in [0, size) */
size_t bitmap_count(const uint64_t *map, size_t size);

#endif
