// SPDX-License-Identifier: MIT
/* bitmap.c - ranges of bits, and searches, word by word. */
#include "lib/bitmap.h"

/* The bits of word number `word` that lie in [start, end). => the range touches that word */
static uint64_t range_mask(size_t word, size_t start, size_t end)
{
    uint64_t mask = UINT64_MAX;

    if (start > word * 64)
        mask &= UINT64_MAX << (start % 64);
    if (end < (word + 1) * 64)
        mask &= ~(UINT64_MAX << (end % 64));
    return mask;
}

void bitmap_set_range(uint64_t *map, size_t start, size_t count)
{
    size_t end = start + count;

    for (size_t word = start / 64; word * 64 < end; word++)
        map[word] |= range_mask(word, start, end);
}

void bitmap_clear_range(uint64_t *map, size_t start, size_t count)
{
    size_t end = start + count;

    for (size_t word = start / 64; word * 64 < end; word++)
        map[word] &= ~range_mask(word, start, end);
}

/* The first bit in [from, size) that is set once each word is exclusive-ored with `flip`. */
static size_t find(const uint64_t *map, size_t size, size_t from, uint64_t flip)
{
    for (size_t word = from / 64; word * 64 < size; word++) {
        uint64_t bits = (map[word] ^ flip) & range_mask(word, from, size);

        if (bits != 0)
            return word * 64 + (size_t)__builtin_ctzll(bits);
    }
    return size;
}

size_t bitmap_find_set(const uint64_t *map, size_t size, size_t from)
{
    return find(map, size, from, 0);
}

size_t bitmap_find_clear(const uint64_t *map, size_t size, size_t from)
{
    return find(map, size, from, UINT64_MAX);
}

/* The bits of one word that are set; by halves, since `popcnt` is not in the baseline x86-64. */
static unsigned count_bits(uint64_t bits)
{
    bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + ((bits >> 2) & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)((bits * UINT64_C(0x0101010101010101)) >> 56);
}

size_t bitmap_count(const uint64_t *map, size_t size)
{
    size_t count = 0;

    for (size_t word = 0; word * 64 < size; word++)
        count += count_bits(map[word] & range_mask(word, 0, size));
    return count;
}
