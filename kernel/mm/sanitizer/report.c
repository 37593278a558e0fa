// SPDX-License-Identifier: MIT
/*
 * report.c - what the memory is that must not be touched: object, frame, stack or global, and who had it.
 */
#include "mm/kasan_report.h"

#include "arch/x86/backtrace.h"
#include "arch/x86/image.h"
#include "arch/x86/paging.h"
#include "arch/x86/shadow.h"
#include "lib/kasan.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "mm/core_map.h"
#include "mm/slab.h"
#include "mm/slab_guard.h"
#include "sync/sched.h"

#define SAY LOG_ERROR "  "

#define SHADOW_ROWS    5
#define SHADOW_COLUMNS 16

/* What gcc and clang write at the lowest address of a function's guarded variables. */
struct stack_frame {
    uint64_t magic;
    const char *variables; // "2 32 4 5 count 48 16 8 name:12": how many; then where, size, length of what follows, name[:line]
    uint64_t function;
};

#define STACK_MAGIC 0x41b58ab3

/* "name+0x12" of a code address. */
struct place {
    char text[64];
};

static struct place place_of(uint64_t address)
{
    struct place place;
    uint64_t offset = 0;
    char name[SYMBOL_NAME_MAX];

    if (symbol_name(address, name, &offset))
        scnprintf(place.text, sizeof place.text, "%s+%#lx", name, offset);
    else
        scnprintf(place.text, sizeof place.text, "%#lx", address);
    return place;
}

/* Where a byte lies in something of that size. */
static struct place position(vaddr_t bad, vaddr_t start, size_t size)
{
    struct place place;

    if (bad < start)
        scnprintf(place.text, sizeof place.text, "%lu bytes before", start - bad);
    else if (bad < start + size)
        scnprintf(place.text, sizeof place.text, "%lu bytes inside", bad - start);
    else
        scnprintf(place.text, sizeof place.text, "%lu bytes behind the end of", bad - start - size);
    return place;
}

/* ---- Slab ---- */

static void say_callers(const char *what, const uint32_t callers[SLAB_GUARD_CALLERS])
{
    char line[320];
    int length = 0;

    for (unsigned i = 0; i < SLAB_GUARD_CALLERS && callers[i]; i++)
        length += scnprintf(line + length, sizeof line - (size_t)length, "%s%s", i ? " < " : "",
                            place_of(KERNBASE + callers[i]).text);
    if (length)
        printk(SAY "%s %s", what, line);
}

static void describe_slab(const struct kasan_access *access)
{
    const struct slab_cache *cache = slab_cache_of((void *)access->bad);
    vaddr_t first = slab_first_object(access->bad);

    if (access->bad < first || (access->bad - first) / cache->size >= cache->per_frame) {
        printk(SAY "it is in a frame of slab %s, outside of its objects", cache->name);
        return;
    }
    vaddr_t object = first + (access->bad - first) / cache->size * cache->size;
    const struct slab_note *note = slab_guard_note(cache, (void *)object);
    if (note->size == 0) {
        printk(SAY "it is an object of slab %s that nobody has had", cache->name);
        return;
    }
    printk(SAY "it is %s an object of slab %s: %#lx, %u bytes", position(access->bad, object, note->size).text, cache->name,
           object, note->size);
    say_callers("handed out at", note->taken_by);
    if (kasan_shadow(object) == KASAN_SLAB_FREED)
        say_callers("given back at", note->given_back_by);
}

/* ---- Stacks ---- */

/* One number of a description, and the blank behind it. */
static uint64_t take_number(const char **text)
{
    uint64_t number = 0;

    for (; **text >= '0' && **text <= '9'; ++*text)
        number = number * 10 + (uint64_t)(**text - '0');
    if (**text == ' ')
        ++*text;
    return number;
}

static void describe_variables(const struct kasan_access *access, const struct stack_frame *frame)
{
    const char *text = frame->variables;

    printk(SAY "it is on the stack of %s, whose variables are", place_of(frame->function).text);
    for (uint64_t count = take_number(&text); count > 0; count--) {
        vaddr_t start = (vaddr_t)frame + take_number(&text);
        uint64_t size = take_number(&text), length = take_number(&text);

        printk(SAY "  %.*s, %lu bytes; the access is %s it", (int)length, text, size,
               position(access->bad, start, size).text);
        text += length;
        if (*text == ' ')
            text++;
    }
}

/* The description lies where the red zone on the left begins. */
static const struct stack_frame *find_frame(vaddr_t bad)
{
    vaddr_t bottom = ALIGN_DOWN(bad, (vaddr_t)KSTACK_SIZE), at = ALIGN_DOWN(bad, (vaddr_t)KASAN_GRANULE);

    while (at > bottom && kasan_shadow(at) != KASAN_STACK_LEFT)
        at -= KASAN_GRANULE;
    while (at > bottom && kasan_shadow(at - KASAN_GRANULE) == KASAN_STACK_LEFT)
        at -= KASAN_GRANULE;
    const struct stack_frame *frame = (const struct stack_frame *)at;
    return frame->magic == STACK_MAGIC ? frame : NULL;
}

static bool is_stack_code(enum kasan_code code)
{
    return code == KASAN_STACK_LEFT || code == KASAN_STACK_MIDDLE || code == KASAN_STACK_RIGHT || code == KASAN_STACK_SCOPE;
}

static void describe_stack(const struct kasan_access *access)
{
    const struct kthread *thread = current_kthread();
    bool own = thread && access->bad < (vaddr_t)thread->stack_top && (vaddr_t)thread->stack_top - access->bad <= KSTACK_SIZE;

    printk(SAY "it is in kernel stack %u, %s", kstack_slot_of(access->bad),
           access->code == KASAN_STACK_FREE ? "which no thread has"
           : own                            ? thread->name
                                            : "another thread's");
}

/* ---- Frames, globals ---- */

static void describe_frame(vaddr_t bad)
{
    const struct core_map_entry *page = kva2page((void *)bad);
    enum frame_kind kind = frame_kind(page);

    printk(SAY "it is %lu bytes inside frame %#lx: %s, %u references, %s at %s", bad % PAGE_SIZE, page2pa(page),
           frame_kind_name(kind), frame_refs(page), kind == FRAME_FREE ? "given back" : "handed out",
           place_of(KERNBASE + page->owner).text);
}

static void describe_global(vaddr_t bad)
{
    vaddr_t start;
    size_t size;
    const char *name = kasan_global(bad, &start, &size);

    if (name)
        printk(SAY "it is %s the global %s: %#lx, %zu bytes", position(bad, start, size).text, name, start, size);
    else
        printk(SAY "it is in the kernel's image");
}

static void describe(const struct kasan_access *access)
{
    vaddr_t bad = access->bad;

    if (bad < USER_END)
        printk(SAY "it is an address of users, or none");
    else if (bad >= KSTACK_AREA && bad < KSTACK_AREA_END)
        describe_stack(access);
    else if (bad >= (vaddr_t)image_start && bad < (vaddr_t)image_end)
        describe_global(bad);
    else if (bad < KERNBASE || bad >= DIRECT_MAP_END || !pfn_is_valid(PGNUM(V2P(bad))))
        printk(SAY "it is no memory");
    else if (frame_kind(kva2page((void *)bad)) == FRAME_SLAB)
        describe_slab(access);
    else
        describe_frame(bad);
    if (is_stack_code(access->code) && find_frame(bad))
        describe_variables(access, find_frame(bad));
}

/* ---- The shadow ---- */

static void show_row(vaddr_t start, vaddr_t bad)
{
    char line[4 * SHADOW_COLUMNS + 1];
    int length = 0;

    for (vaddr_t at = start; at < start + SHADOW_COLUMNS * KASAN_GRANULE; at += KASAN_GRANULE)
        length += scnprintf(line + length, sizeof line - (size_t)length, bad - at < KASAN_GRANULE ? "[%02x]" : " %02x ",
                            kasan_shadow(at));
    printk(SAY "%016lx:%s", start, line);
}

/* The rows around the bad byte, as far as they have a shadow. */
static void show_shadow(vaddr_t bad)
{
    const size_t row = SHADOW_COLUMNS * KASAN_GRANULE;
    vaddr_t start = ALIGN_DOWN(bad, (vaddr_t)row) - SHADOW_ROWS / 2 * row;

    for (unsigned i = 0; i < SHADOW_ROWS; i++, start += row)
        if (kernel_is_mapped(SHADOW(start)))
            show_row(start, bad);
}

static void __noreturn print_report(const struct kasan_access *access)
{
    char summary[160];
    const char *name = kasan_code_name(access->code);
    struct place place = place_of(access->caller);

    if (access->code == KASAN_SLAB_TWICE)
        scnprintf(summary, sizeof summary, "%s: of %#lx in %s", name, access->address, place.text);
    else
        scnprintf(summary, sizeof summary, "%s: %s of %zu bytes at %#lx in %s", name, access->write ? "write" : "read",
                  access->size, access->address, place.text);
    printk(LOG_ERROR "sanitizer: %s", summary);
    describe(access);
    if (access->bad >= KERNBASE)
        show_shadow(access->bad);
    panic("%s", summary);
}

void kasan_report_init(void)
{
    kasan_set_report(print_report);
}

void kasan_report_fault(vaddr_t fault, uint64_t caller)
{
    if (fault < SHADOW(KERNBASE) || fault > SHADOW(~(vaddr_t)0))
        return;
    panic("wild-access: to about %#lx, which has no shadow, in %s", (fault - SHADOW_OFFSET) << 3, place_of(caller).text);
}

void kasan_explain_protection_fault(void)
{
    printk(LOG_ERROR "sanitizer: perhaps wild-access: user addresses, and those that are none, have a shadow that is no address");
}
