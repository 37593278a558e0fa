// SPDX-License-Identifier: MIT
/*
 * kasan.c - what the address sanitizer calls (gcc's and clang's -fsanitize=kernel-address), and the shadow.
 *
 * Theory      The shadow of an address is at address / 8 + SHADOW_OFFSET. The compiler tests it before each access and calls
 *             __asan_report_... when it forbids it. Until the shadow is there (arch/x86/sanitizer/shadow.c) one page stands
 *             in for all of it: functions write theirs into it, all mixed up, so that nothing is reported before kasan_enable.
 * Locking     None: who hands memory out is the only one to change its shadow.
 */
#include "lib/kasan.h"

#include "lib/log.h"
#include "lib/string.h"

/* As the compilers lay them out. */
struct asan_global {
    vaddr_t start;
    size_t size, size_with_zone;
    const char *name, *module;
    size_t initialised;
    const void *where, *indicator;
};

/* What one source file has registered. */
struct globals {
    const struct asan_global *first;
    size_t count;
};

#define FILES_MAX 512

static struct globals files[FILES_MAX]; // set at boot
static unsigned file_count;

static bool enabled;
static void (*print_report)(const struct kasan_access *access);

extern void (*const init_array_start[])(void); // kernel.ld: functions that register the globals of a file each
extern void (*const init_array_end[])(void);

/* User addresses have no shadow. */
static bool is_user(vaddr_t address)
{
    return (int64_t)address >= 0;
}

static int8_t *shadow_of(vaddr_t address)
{
    return (int8_t *)((address >> 3) + SHADOW_OFFSET);
}

uint8_t kasan_shadow(vaddr_t address)
{
    return (uint8_t)*shadow_of(address);
}

/* The compiler's memset would be checked; and there are a few bytes, mostly. */
static void fill(int8_t *shadow, uint8_t code, size_t count)
{
    __asm__ volatile("rep stosb" : "+D"(shadow), "+c"(count) : "a"(code) : "memory");
}

void kasan_poison(const volatile void *start, size_t size, enum kasan_code code)
{
    fill(shadow_of((vaddr_t)start), code, (size + KASAN_GRANULE - 1) / KASAN_GRANULE);
}

void kasan_unpoison(const volatile void *start, size_t size)
{
    fill(shadow_of((vaddr_t)start), 0, size / KASAN_GRANULE);
    if (size % KASAN_GRANULE)
        *shadow_of((vaddr_t)start + size) = (int8_t)(size % KASAN_GRANULE);
}

/* The first byte of [start, end) that may not be touched; `end` if all may. => end > start */
static vaddr_t first_bad(vaddr_t start, vaddr_t end)
{
    for (vaddr_t at = start; at < end;) {
        int8_t allowed = *shadow_of(at);
        vaddr_t granule = ALIGN_DOWN(at, (vaddr_t)KASAN_GRANULE), next = granule + KASAN_GRANULE;

        if (allowed != 0 && MIN(next, end) > granule + (vaddr_t)MAX(allowed, 0))
            return MAX(at, granule + (vaddr_t)MAX(allowed, 0));
        at = next;
    }
    return end;
}

/* Why a byte may not be touched: what its granule says, or, where that ends in the middle, what follows. */
static enum kasan_code code_at(vaddr_t bad)
{
    uint8_t code = kasan_shadow(bad);

    return code < KASAN_GRANULE ? kasan_shadow(bad + KASAN_GRANULE) : code;
}

__cold void kasan_report(const struct kasan_access *access)
{
    if (!__atomic_exchange_n(&enabled, false, __ATOMIC_SEQ_CST))
        return; // before the shadow is there, or after the first report
    if (print_report)
        print_report(access);
    panic("%s: of %zu bytes at %#lx", kasan_code_name(access->code), access->size, access->address);
}

static __cold void report(vaddr_t start, size_t size, bool write, const void *caller)
{
    struct kasan_access access = {.address = start, .size = size, .write = write, .bad = start, .caller = (uint64_t)caller};

    if (enabled && !is_user(start)) {
        access.bad = first_bad(start, start + size);
        access.code = code_at(access.bad);
    }
    kasan_report(&access);
}

static void check(const volatile void *start, size_t size, bool write, const void *caller)
{
    vaddr_t address = (vaddr_t)start;

    if (!enabled || size == 0)
        return;
    if (unlikely(is_user(address) || address + size < address || first_bad(address, address + size) < address + size))
        report(address, size, write, caller);
}

void kasan_check_read(const volatile void *start, size_t size)
{
    check(start, size, false, __builtin_return_address(0));
}

void kasan_check_write(const volatile void *start, size_t size)
{
    check(start, size, true, __builtin_return_address(0));
}

void kasan_set_report(void (*function)(const struct kasan_access *access))
{
    print_report = function;
}

void kasan_enable(void)
{
    for (void (*const *function)(void) = init_array_start; function < init_array_end; function++)
        (*function)();
    enabled = true;
}

const char *kasan_code_name(enum kasan_code code)
{
    switch (code) {
    case KASAN_STACK_LEFT:
    case KASAN_STACK_MIDDLE:
    case KASAN_STACK_RIGHT: return "stack-out-of-bounds";
    case KASAN_STACK_SCOPE: return "stack-use-after-scope";
    case KASAN_GLOBAL: return "global-out-of-bounds";
    case KASAN_STACK_FREE: return "stack-use-after-exit";
    case KASAN_SLAB_UNUSED:
    case KASAN_SLAB_RED: return "slab-out-of-bounds";
    case KASAN_SLAB_FREED: return "slab-use-after-free";
    case KASAN_SLAB_TWICE: return "slab-double-free";
    case KASAN_FRAME_FREE: return "frame-use-after-free";
    }
    return "wild-access";
}

/* ---- Globals ---- */

void __asan_register_globals(const struct asan_global *globals, size_t count)
{
    if (file_count < FILES_MAX)
        files[file_count++] = (struct globals){globals, count};
    for (size_t i = 0; i < count; i++) {
        size_t used = ALIGN_UP(globals[i].size, (size_t)KASAN_GRANULE);

        kasan_unpoison((void *)globals[i].start, globals[i].size);
        kasan_poison((void *)(globals[i].start + used), globals[i].size_with_zone - used, KASAN_GLOBAL);
    }
}

void __asan_unregister_globals(const struct asan_global *globals, size_t count)
{
    (void)globals, (void)count; // the kernel does not unload
}

const char *kasan_global(vaddr_t address, vaddr_t *start, size_t *size)
{
    for (unsigned file = 0; file < file_count; file++)
        for (size_t i = 0; i < files[file].count; i++) {
            const struct asan_global *global = &files[file].first[i];

            if (address < global->start || address - global->start >= global->size_with_zone)
                continue;
            *start = global->start;
            *size = global->size;
            return global->name;
        }
    return NULL;
}

/* ---- The compiler's calls ---- */

#define ACCESS(size)                                                                                               \
    void __asan_load##size##_noabort(const void *start)                                                            \
    {                                                                                                              \
        check(start, size, false, __builtin_return_address(0));                                                    \
    }                                                                                                              \
    void __asan_store##size##_noabort(const void *start)                                                           \
    {                                                                                                              \
        check(start, size, true, __builtin_return_address(0));                                                     \
    }                                                                                                              \
    void __asan_report_load##size##_noabort(const void *start)                                                     \
    {                                                                                                              \
        report((vaddr_t)start, size, false, __builtin_return_address(0));                                          \
    }                                                                                                              \
    void __asan_report_store##size##_noabort(const void *start)                                                    \
    {                                                                                                              \
        report((vaddr_t)start, size, true, __builtin_return_address(0));                                           \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(const void *start, size_t size)
{
    check(start, size, false, __builtin_return_address(0));
}

void __asan_storeN_noabort(const void *start, size_t size)
{
    check(start, size, true, __builtin_return_address(0));
}

void __asan_report_load_n_noabort(const void *start, size_t size)
{
    report((vaddr_t)start, size, false, __builtin_return_address(0));
}

void __asan_report_store_n_noabort(const void *start, size_t size)
{
    report((vaddr_t)start, size, true, __builtin_return_address(0));
}

/* Large variables, at the end and at the beginning of their block. */
void __asan_poison_stack_memory(const void *start, size_t size)
{
    kasan_poison(start, size, KASAN_STACK_SCOPE);
}

void __asan_unpoison_stack_memory(const void *start, size_t size)
{
    kasan_unpoison(start, size);
}

/* clang's, for many bytes of shadow at once: the name ends with what is written. */
#define SET_SHADOW(code)                                            \
    void __asan_set_shadow_##code(int8_t *shadow, size_t count)     \
    {                                                               \
        fill(shadow, 0x##code, count);                              \
    }

SET_SHADOW(00)
SET_SHADOW(f1)
SET_SHADOW(f2)
SET_SHADOW(f3)
SET_SHADOW(f8)
