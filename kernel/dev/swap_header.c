// SPDX-License-Identifier: MIT
/*
 * swap_header.c - is this a swap area, and how large? As Linux answers, in its words.
 */
#include "dev/swap_header.h"

#include "lib/log.h"
#include "lib/string.h"
#include "mm/swap.h"

#define MAGIC "SWAPSPACE2"
#define VERSION 1

static void turn_round(struct swap_header *header)
{
    header->version = __builtin_bswap32(header->version);
    header->last_page = __builtin_bswap32(header->last_page);
    header->bad_count = __builtin_bswap32(header->bad_count);
    for (uint32_t i = 0; header->bad_count <= ARRAY_SIZE(header->bad) && i < header->bad_count; i++)
        header->bad[i] = __builtin_bswap32(header->bad[i]);
}

static bool bad_pages_are_right(const struct swap_header *header, bool is_file)
{
    if (header->bad_count > (is_file ? 0 : ARRAY_SIZE(header->bad)))
        return false;
    for (uint32_t i = 0; i < header->bad_count; i++)
        if (header->bad[i] == 0 || header->bad[i] > header->last_page)
            return false;
    return true;
}

uint32_t swap_header_check(struct swap_header *header, uint64_t pages, bool is_file)
{
    if (memcmp(header->magic, MAGIC, sizeof header->magic)) {
        printk(LOG_ERROR "Unable to find swap-space signature\n");
        return 0;
    }
    if (__builtin_bswap32(header->version) == VERSION)
        turn_round(header);
    if (header->version != VERSION) {
        printk(LOG_WARNING "Unable to handle swap header version %d\n", (int)header->version);
        return 0;
    }
    if (header->last_page == 0) {
        printk(LOG_WARNING "Empty swap-file\n");
        return 0;
    }
    if (header->last_page >= pages) {
        printk(LOG_WARNING "Swap area shorter than signature indicates\n");
        return 0;
    }
    if (!bad_pages_are_right(header, is_file))
        return 0;
    return MIN(header->last_page, SWAP_AREA_PAGES - 1) + 1;
}
