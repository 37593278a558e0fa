// SPDX-License-Identifier: MIT
/*
 * boot_info.h - what the loader told us, copied out of its memory.
 */
#ifndef GAUR_ARCH_BOOT_INFO_H
#define GAUR_ARCH_BOOT_INFO_H

#include "lib/types.h"

#define BOOT_RANGES_MAX       32
#define BOOT_COMMAND_LINE_MAX 2048

struct boot_range {
    paddr_t base;
    uint64_t size; // bytes
    bool usable;   // ordinary memory, else firmware's
};

struct boot_info {
    struct boot_range ranges[BOOT_RANGES_MAX]; // sorted by base, not overlapping
    unsigned range_count;
    paddr_t initrd; // 0 if there is none
    uint64_t initrd_size;
    paddr_t rsdp; // ACPI's root pointer; 0 if the loader did not say
    bool command_line_truncated;
    char command_line[BOOT_COMMAND_LINE_MAX];
};

/* Constant after boot_info_init. */
const struct boot_info *boot_info(void);

/* Read the start info at `start_info` (Xen's hvm_start_info, version 0 or 1); panics if it is none. */
void boot_info_init(paddr_t start_info);

/*
 * The value of `key` in the command line ("key=value", quotes allowed around the value); the last one wins.
 *
 * => false if it is not there; a value that does not fit is cut to size - 1 bytes
 */
bool boot_option(const char *key, char *value, size_t size);

/* The next one at or after *position, which moves past it; it begins as boot_info()->command_line. => false: no more */
bool boot_option_next(const char **position, const char *key, char *value, size_t size);

/* Whether the word `name` stands in the command line. */
bool boot_flag(const char *name);

/* Warn of each word that is none of `known`: "quiet" names a flag, "init=" an option. */
void boot_options_check(const char *const *known, size_t count);

/*
 * Memory before kalloc: `count` pages in one run, zeroed, for ever. Panics when there is not enough.
 * => their physical address. Not after core_map_init has asked for the reserved ranges.
 */
paddr_t boot_alloc_pages(uint64_t count);

/*
 * What of the usable memory is taken already: the kernel image, boot_alloc_pages, the initial RAM disk, the page that
 * starts other CPUs. Whole pages, sorted, not overlapping. Call it last: boot_alloc_pages is closed from then on.
 *
 * => the number of ranges, the array in *ranges
 */
unsigned boot_reserved_ranges(const struct boot_range **ranges);

/* Bytes of usable memory in all. */
uint64_t boot_memory_usable(void);

/* First address above all usable memory: core_map has an entry for each frame below. */
paddr_t boot_memory_end(void);

#endif
