// SPDX-License-Identifier: MIT
/*
 * boot_info.c - reading the loader's start info. Source: Xen's public/arch-x86/hvm/start_info.h.
 */
#include "arch/x86/boot_info.h"

#include "arch/x86/layout.h"
#include "lib/log.h"
#include "lib/string.h"

#define START_MAGIC 0x336ec578
#define MEMORY_RAM  1 // as in E820

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map; // from version 1 on
    uint32_t memory_map_entries;
    uint32_t reserved;
};

struct start_module {
    uint64_t base;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

struct start_memory {
    uint64_t base;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

static struct boot_info info;

const struct boot_info *boot_info(void)
{
    return &info;
}

/* Insert a range by its base. */
static void add_range(paddr_t base, uint64_t size, bool usable)
{
    unsigned i = info.range_count;

    if (size == 0 || base + size < base)
        return;
    if (info.range_count == BOOT_RANGES_MAX) {
        printk(LOG_WARNING "memory map: more than %u ranges, %#lx bytes at %#lx ignored", BOOT_RANGES_MAX, size, base);
        return;
    }
    for (; i > 0 && info.ranges[i - 1].base > base; i--)
        info.ranges[i] = info.ranges[i - 1];
    info.ranges[i] = (struct boot_range){base, size, usable};
    info.range_count++;
}

/* Where two ranges overlap, the memory belongs to the one that is not usable, or to the first. */
static void resolve_overlaps(void)
{
    for (unsigned i = 0; i + 1 < info.range_count; i++) {
        struct boot_range *a = &info.ranges[i], *b = &info.ranges[i + 1];
        uint64_t a_end = a->base + a->size, b_end = b->base + b->size;

        if (a_end <= b->base)
            continue;
        if (a->usable && !b->usable) {
            a->size = b->base - a->base;
        } else {
            b->base = a_end;
            b->size = b_end > a_end ? b_end - a_end : 0;
        }
    }
}

static void read_memory_map(const struct start_info *start)
{
    const struct start_memory *map = P2V(start->memory_map);

    if (start->version < 1 || start->memory_map_entries == 0)
        panic("the loader gave no memory map");
    for (unsigned i = 0; i < start->memory_map_entries; i++)
        add_range(map[i].base, map[i].size, map[i].type == MEMORY_RAM);
    resolve_overlaps();
}

static void read_initrd(const struct start_info *start)
{
    const struct start_module *module = P2V(start->modules);

    if (start->module_count == 0)
        return;
    info.initrd = module->base;
    info.initrd_size = module->size;
}

void boot_info_init(paddr_t start_info)
{
    const struct start_info *start = P2V(start_info);

    if (start->magic != START_MAGIC)
        panic("the loader's start info at %#lx is not what PVH says", start_info);
    read_memory_map(start);
    read_initrd(start);
    info.rsdp = start->rsdp;
    if (start->command_line) {
        size_t length = strlcpy(info.command_line, P2V(start->command_line), sizeof(info.command_line));

        info.command_line_truncated = length >= sizeof(info.command_line);
    }
    if (info.command_line_truncated)
        printk(LOG_WARNING "the command line is longer than %u bytes: cut", BOOT_COMMAND_LINE_MAX - 1);
}
