// SPDX-License-Identifier: MIT
/*
 * checked.h - arithmetic on lengths and addresses that come from programs.
 *
 * => true when the exact answer does not fit; the result is then the answer modulo 2^64
 */
#ifndef LIB_CHECKED_H
#define LIB_CHECKED_H

#include "lib/types.h"

static inline bool __must_check add_overflows(uint64_t a, uint64_t b, uint64_t *sum)
{
    return __builtin_add_overflow(a, b, sum);
}

static inline bool __must_check sub_overflows(uint64_t a, uint64_t b, uint64_t *difference)
{
    return __builtin_sub_overflow(a, b, difference);
}

static inline bool __must_check mul_overflows(uint64_t a, uint64_t b, uint64_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

/* Round up to a multiple of `unit`, a power of two. */
static inline bool __must_check align_up_overflows(uint64_t value, uint64_t unit, uint64_t *aligned)
{
    bool wrapped = add_overflows(value, unit - 1, aligned);

    *aligned &= ~(unit - 1);
    return wrapped;
}

/* Does [start, start + size) lie within [0, limit)? An empty range lies where its start may. */
static inline bool range_within(uint64_t start, uint64_t size, uint64_t limit)
{
    return size <= limit && start <= limit - size;
}

#endif
