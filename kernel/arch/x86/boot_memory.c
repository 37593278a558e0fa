// SPDX-License-Identifier: MIT
/*
 * boot_memory.c - memory before kalloc: what is taken already, and taking more.
 *
 * `taken` is a sorted list of page ranges that do not touch each other. Page tables and core_map come from the first
 * gap behind the kernel image; only when there is none, from below it.
 */
#include "arch/x86/boot_memory.h"

#include "arch/x86/boot_info.h"
#include "arch/x86/image.h"
#include "arch/x86/layout.h"
#include "lib/log.h"
#include "lib/string.h"

#define TAKEN_MAX 16

static struct boot_range taken[TAKEN_MAX]; // only while there is one CPU
static unsigned taken_count;
static bool closed;

/* Join range i with the one behind it if they touch. */
static void join_with_next(unsigned i)
{
    uint64_t end = taken[i].base + taken[i].size;

    if (i + 1 >= taken_count || taken[i + 1].base > end)
        return;
    taken[i].size = MAX(end, taken[i + 1].base + taken[i + 1].size) - taken[i].base;
    taken_count--;
    memmove(&taken[i + 1], &taken[i + 2], (taken_count - i - 1) * sizeof(taken[0]));
}

void boot_memory_reserve(paddr_t base, uint64_t size)
{
    paddr_t start = ALIGN_DOWN(base, PAGE_SIZE), end = ALIGN_UP(base + size, PAGE_SIZE);
    unsigned i = 0;

    ASSERT(!closed && size > 0);
    while (i < taken_count && taken[i].base + taken[i].size < start)
        i++;
    if (i < taken_count && taken[i].base <= end) {
        end = MAX(end, taken[i].base + taken[i].size);
        taken[i].base = MIN(start, taken[i].base);
        taken[i].size = end - taken[i].base;
    } else {
        ASSERT(taken_count < TAKEN_MAX);
        memmove(&taken[i + 1], &taken[i], (taken_count - i) * sizeof(taken[0]));
        taken[i] = (struct boot_range){start, end - start, false};
        taken_count++;
    }
    while (i + 1 < taken_count && taken[i + 1].base <= taken[i].base + taken[i].size)
        join_with_next(i);
}

/* The first run of `size` bytes in [start, end) that is not taken. => 0 if there is none */
static paddr_t find_gap(paddr_t start, paddr_t end, uint64_t size)
{
    for (unsigned i = 0; i < taken_count; i++) {
        paddr_t taken_end = taken[i].base + taken[i].size;

        if (taken_end <= start)
            continue;
        if (taken[i].base >= start + size)
            break;
        start = taken_end;
    }
    return start + size <= end ? start : 0;
}

/* As find_gap, in all usable memory at or above `lowest`. */
static paddr_t find_usable(paddr_t lowest, uint64_t size)
{
    const struct boot_info *info = boot_info();

    for (unsigned i = 0; i < info->range_count; i++) {
        const struct boot_range *range = &info->ranges[i];
        paddr_t start = ALIGN_UP(MAX(range->base, lowest), PAGE_SIZE);
        paddr_t end = ALIGN_DOWN(range->base + range->size, PAGE_SIZE);
        paddr_t gap = range->usable && start < end ? find_gap(start, end, size) : 0;

        if (gap)
            return gap;
    }
    return 0;
}

paddr_t boot_alloc_pages(uint64_t count)
{
    uint64_t size = count << PAGE_SHIFT;
    paddr_t pa = find_usable(V2P(image_boot_end), size);

    if (!pa)
        pa = find_usable(PAGE_SIZE, size);
    if (!pa)
        panic("too little memory: %lu KiB more are needed to start (QEMU: give more with -m)", size >> 10);
    boot_memory_reserve(pa, size);
    memset(P2V(pa), 0, size);
    return pa;
}

paddr_t boot_memory_take_low(uint64_t count, paddr_t end)
{
    paddr_t pa = find_usable(PAGE_SIZE, count << PAGE_SHIFT);

    if (!pa || pa + (count << PAGE_SHIFT) > end)
        return 0;
    boot_memory_reserve(pa, count << PAGE_SHIFT);
    return pa;
}

void boot_memory_init(void)
{
    const struct boot_info *info = boot_info();

    boot_memory_reserve(0, PAGE_SIZE); // the firmware's data; and no frame has number 0
    boot_memory_reserve(V2P(image_start), (uint64_t)(image_boot_end - image_start));
    if (info->initrd_size == 0)
        return;
    if (info->initrd < V2P(image_boot_end) && info->initrd + info->initrd_size > V2P(image_start))
        panic("too little memory: the loader has put the initial RAM disk over the kernel (QEMU: give more with -m)");
    boot_memory_reserve(info->initrd, info->initrd_size);
}

/* Give back the pages behind the image that only the first instructions needed. */
static void release_boot_section(void)
{
    for (unsigned i = 0; i < taken_count; i++) {
        paddr_t end = taken[i].base + taken[i].size;

        if (taken[i].base > V2P(image_start) || end < V2P(image_boot_end))
            continue;
        taken[i].size = V2P(image_end) - taken[i].base;
        if (end > V2P(image_boot_end))
            boot_memory_reserve(V2P(image_boot_end), end - V2P(image_boot_end));
        return;
    }
}

unsigned boot_reserved_ranges(const struct boot_range **ranges)
{
    if (!closed)
        release_boot_section();
    closed = true;
    *ranges = taken;
    return taken_count;
}

uint64_t boot_memory_usable(void)
{
    const struct boot_info *info = boot_info();
    uint64_t sum = 0;

    for (unsigned i = 0; i < info->range_count; i++)
        sum += info->ranges[i].usable ? info->ranges[i].size : 0;
    return sum;
}

paddr_t boot_memory_end(void)
{
    const struct boot_info *info = boot_info();
    paddr_t end = 0;

    for (unsigned i = 0; i < info->range_count; i++) {
        if (info->ranges[i].usable)
            end = MAX(end, info->ranges[i].base + info->ranges[i].size);
    }
    return ALIGN_DOWN(end, PAGE_SIZE);
}
