// SPDX-License-Identifier: MIT
/*
 * swapped.h - for the tests of swap: whether there is some, and pages whose content tells which they are.
 */
#ifndef GUEST_SWAPPED_H
#define GUEST_SWAPPED_H

#include <stdio.h>
#include <sys/sysinfo.h>

#include "tap.h"

/* "/dev/vda" or whatever the first area of /proc/swaps is; false if there is none. */
static inline bool first_area(char name[64])
{
    FILE *file = fopen("/proc/swaps", "re");
    bool found = file && fscanf(file, "%*[^\n]\n%63s", name) == 1;

    if (file)
        fclose(file);
    return found;
}

static inline bool has_swap(void)
{
    char name[64];

    return first_area(name);
}

static inline unsigned long slots_free(void)
{
    struct sysinfo info;

    return sysinfo(&info) ? 0 : info.freeswap * info.mem_unit / PAGE;
}

/* What is to be in word `i` of a page. */
static inline uint64_t pattern(uint64_t page, unsigned i)
{
    return (page * 512 + i) * 0x9e3779b97f4a7c15u ^ page;
}

/* One page, wherever it lies. */
static inline void fill_page(void *at, uint64_t page, uint64_t salt)
{
    uint64_t *words = at;

    for (unsigned i = 0; i < PAGE / sizeof *words; i++)
        words[i] = pattern(page ^ salt, i);
}

static inline bool page_is_right(const void *at, uint64_t page, uint64_t salt)
{
    const uint64_t *words = at;

    for (unsigned i = 0; i < PAGE / sizeof *words; i++)
        if (words[i] != pattern(page ^ salt, i)) {
            diag("page %lu, word %u is %#lx instead of %#lx", page, i, words[i], pattern(page ^ salt, i));
            return false;
        }
    return true;
}

/* The same for a page of an array of them. */
static inline void fill(unsigned char *memory, uint64_t page, uint64_t salt)
{
    fill_page(memory + page * PAGE, page, salt);
}

static inline bool is_right(const unsigned char *memory, uint64_t page, uint64_t salt)
{
    return page_is_right(memory + page * PAGE, page, salt);
}

#endif
