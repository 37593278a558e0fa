// SPDX-License-Identifier: MIT
/*
 * types.h - the words that every file uses: sizes of integers, kinds of addresses, pages, small macros.
 *
 * Nothing here depends on the machine beyond its page size; the host tests use it as it is.
 * Considered: `__unused` as an attribute; the UAPI's <asm/stat.h> has a member of that name.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t vaddr_t;   // a virtual address, the user's or ours
typedef uint64_t paddr_t;   // a physical address
typedef uint64_t pfn_t;     // a physical address divided by PAGE_SIZE

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define __must_check   __attribute__((warn_unused_result))
#define __maybe_unused __attribute__((unused))
#define __packed       __attribute__((packed))
#define __cold         __attribute__((cold, noinline))
#define __printf_like(text, first) __attribute__((format(printf, text, first)))
#ifndef __noreturn
#define __noreturn     __attribute__((noreturn))
#endif
#ifndef __aligned
#define __aligned(n)   __attribute__((aligned(n)))
#endif

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The structure of `type` whose `member` is `*pointer`. */
#define container_of(pointer, type, member) \
    ((type *)((char *)(uintptr_t)(pointer) - offsetof(type, member)))

#ifndef MIN
#define MIN(a, b) ({ __typeof__(a) min_a_ = (a); __typeof__(b) min_b_ = (b); min_a_ < min_b_ ? min_a_ : min_b_; })
#define MAX(a, b) ({ __typeof__(a) max_a_ = (a); __typeof__(b) max_b_ = (b); max_a_ > max_b_ ? max_a_ : max_b_; })
#endif

/* `unit` is a power of two. Rounding up may wrap to 0: check a length from a user first (lib/checked.h). */
#define ALIGN_DOWN(value, unit) ((value) & ~((__typeof__(value))(unit) - 1))
#define ALIGN_UP(value, unit)   ALIGN_DOWN((value) + ((__typeof__(value))(unit) - 1), unit)
#define IS_ALIGNED(value, unit) (((value) & ((__typeof__(value))(unit) - 1)) == 0)

#endif
