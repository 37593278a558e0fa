// SPDX-License-Identifier: MIT
#include "mm/core_map.h"

#include "arch/x86/boot_info.h"
#include "arch/x86/cpu.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/swap.h"

struct core_map_entry *core_map;
pfn_t core_map_frames;
struct core_map_entry *zero_page;

/* Apart, so that those who count references need no stack frame. `done`: "taken" or "given back" */
static void __cold __noreturn wrong_reference(const struct core_map_entry *page, const char *done, const void *where, uint32_t refs)
{
    panic("frame %#lx (%s): a reference %s at %p when it had %u; last taken or freed at %#lx", page2pa(page),
          frame_kind_name(frame_kind(page)), done, where, refs, KERNBASE + page->owner);
}

void frame_get(struct core_map_entry *page)
{
    if (frame_kind(page) == FRAME_ZERO)
        return;
    uint32_t old = atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    if (unlikely(old == 0 || old == UINT32_MAX))
        wrong_reference(page, "taken", __builtin_return_address(0), old);
}

/* Frames whose references mean something else: apart, so that the others ask once. */
static void __attribute__((noinline)) put_special(struct core_map_entry *page)
{
    if (frame_kind(page) != FRAME_ZERO)
        swap_frame_put(page);
}

void frame_put(struct core_map_entry *page)
{
    if (unlikely(frame_kind(page) >= FRAME_ZERO))
        return put_special(page);
    /* Nobody may stop us between the last reference and the free list: verify waits for that moment to pass. */
    preempt_disable();
    /* Release: our writes to the frame come before its next owner's. Acquire: all others' before ours, if we free it. */
    uint32_t old = atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel);
    if (unlikely(old == 0))
        wrong_reference(page, "given back", __builtin_return_address(0), old);
    if (old == 1)
        frame_free(page);
    preempt_enable();
}

struct core_map_entry *frame_adopt(paddr_t pa, enum frame_kind kind)
{
    struct core_map_entry *page = pa2page(pa);

    ASSERT(frame_kind(page) == FRAME_RESERVED && frame_refs(page) == 0);
    frame_set_kind(page, kind);
    atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
    return page;
}

void frame_release_reserved(paddr_t start, paddr_t end)
{
    pfn_t first = PGNUM(ALIGN_UP(start, PAGE_SIZE)), last = PGNUM(end);

    if (first < last)
        kalloc_add_range(first, last - first);
}

/* Give [start, end) to kalloc, but for what boot has reserved in it. */
static void add_unreserved(paddr_t start, paddr_t end, const struct boot_range *reserved, unsigned count)
{
    for (unsigned i = 0; i < count && start < end; i++) {
        paddr_t reserved_end = reserved[i].base + reserved[i].size;
        if (reserved_end <= start || reserved[i].base >= end)
            continue;
        frame_release_reserved(start, reserved[i].base);
        start = reserved_end;
    }
    frame_release_reserved(start, end);
}

/* What boot took stays taken, under a kind of its own; the initramfs is unpacked later. */
static void mark_image(const struct boot_range *reserved, unsigned count)
{
    const struct boot_info *info = boot_info();

    for (unsigned i = 0; i < count; i++)
        for (paddr_t pa = reserved[i].base; pa < reserved[i].base + reserved[i].size; pa += PAGE_SIZE)
            if (pa - ALIGN_DOWN(info->initrd, PAGE_SIZE) >= info->initrd_size + PAGE_SIZE)
                frame_set_kind(pa2page(pa), FRAME_IMAGE);
}

void core_map_init(void)
{
    const struct boot_info *info = boot_info();
    const struct boot_range *reserved;

    core_map_frames = PGNUM(boot_memory_end());
    uint64_t bytes = ALIGN_UP(core_map_frames * sizeof *core_map, PAGE_SIZE);
    core_map = P2V(boot_alloc_pages(bytes >> PAGE_SHIFT));
    unsigned count = boot_reserved_ranges(&reserved);
    kalloc_init();
    mark_image(reserved, count);
    for (unsigned i = 0; i < info->range_count; i++)
        if (info->ranges[i].usable) // frame 0 ends free lists, so it is never free
            add_unreserved(MAX(info->ranges[i].base, PAGE_SIZE), info->ranges[i].base + info->ranges[i].size, reserved,
                           count);
    zero_page = frame_alloc_zeroed(FRAME_ZERO);
    if (!zero_page)
        panic("too little memory: not one frame is free");
}
