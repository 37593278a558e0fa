// SPDX-License-Identifier: MIT
/*
 * kasan.h - which of the kernel's memory may be touched, for a kernel with the address sanitizer; in others this is nothing.
 *
 * Of each 8 bytes one byte of shadow tells how many of them, from the first on, may be touched: 0 all, 1 to 7, else none, and
 * why not. The compiler puts a test before each access; who hands out memory says here what may be touched.
 */
#ifndef LIB_KASAN_H
#define LIB_KASAN_H

#include "lib/types.h"

#define KASAN_GRANULE 8

/* Why memory must not be touched. The first five are the compiler's (gcc/asan.h, LLVM's asan_mapping.h). */
enum kasan_code {
    KASAN_STACK_LEFT = 0xf1,   // around the variables of a function
    KASAN_STACK_MIDDLE = 0xf2,
    KASAN_STACK_RIGHT = 0xf3,
    KASAN_STACK_SCOPE = 0xf8,  // a variable whose block has ended
    KASAN_GLOBAL = 0xf9,       // behind a global variable
    KASAN_STACK_FREE = 0xe5,   // a stack that no thread has
    KASAN_SLAB_UNUSED = 0xea,  // of a slab's frame: not handed out yet, and between objects
    KASAN_SLAB_RED = 0xec,     // behind an object
    KASAN_SLAB_FREED = 0xed,   // an object that was given back
    KASAN_FRAME_FREE = 0xef,   // a free frame
    KASAN_SLAB_TWICE = 0x100,  // no shadow: an object is given back that was given back before
};

#ifdef SANITIZE

/* A function that may touch what nobody has. */
#define __no_kasan __attribute__((no_sanitize_address))

/* An access that must not be; or, with KASAN_SLAB_TWICE, an object that must not be given back. */
struct kasan_access {
    vaddr_t address;
    size_t size;
    bool write;
    vaddr_t bad;           // the first byte that may not be touched
    enum kasan_code code;  // why
    uint64_t caller;       // an address in the code that did it
};

/*
 * Say that memory may not be touched, or that it may. => start aligned to KASAN_GRANULE. The last granule of what is poisoned
 * is so as a whole; of what is unpoisoned it may end in the middle
 */
void kasan_poison(const volatile void *start, size_t size, enum kasan_code code);
void kasan_unpoison(const volatile void *start, size_t size);

/* Report an access to memory that may not be touched, for code that the compiler does not see (assembly). */
void kasan_check_read(const volatile void *start, size_t size);
void kasan_check_write(const volatile void *start, size_t size);

/* From here on mistakes are reported: the shadow is there. Then: by whom, who does not return. */
void kasan_enable(void);
void kasan_set_report(void (*report)(const struct kasan_access *access));

/* Report the first mistake; later ones, while the machine ends, are passed over. */
void kasan_report(const struct kasan_access *access);

/* "slab-use-after-free", ...; the shadow of an address; the global variable at or before one, NULL if none is near. */
const char *kasan_code_name(enum kasan_code code);
uint8_t kasan_shadow(vaddr_t address);
const char *kasan_global(vaddr_t address, vaddr_t *start, size_t *size);

#else

#define __no_kasan

static inline void kasan_poison(const volatile void *start, size_t size, enum kasan_code code)
{
    (void)start, (void)size, (void)code;
}

static inline void kasan_unpoison(const volatile void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void kasan_check_read(const volatile void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void kasan_check_write(const volatile void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void kasan_enable(void)
{
}

#endif
#endif
