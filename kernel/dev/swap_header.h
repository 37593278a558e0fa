// SPDX-License-Identifier: MIT
/*
 * swap_header.h - page 0 of a swap area, which mkswap(8) writes and mm/swapfile.c of Linux reads: union swap_header, version 1.
 */
#ifndef DEV_SWAP_HEADER_H
#define DEV_SWAP_HEADER_H

#include "lib/types.h"

struct swap_header {
    uint8_t boot[1024];
    uint32_t version;
    uint32_t last_page;
    uint32_t bad_count;
    uint8_t uuid[16], label[16];
    uint32_t padding[117];
    uint32_t bad[(PAGE_SIZE - 10 - 1536) / sizeof(uint32_t)];
    uint8_t unused[2];
    char magic[10];
};

/* What the log says then, with sizes in KiB: size, folder, name, priority, extents, and how far they lie apart. */
#define SWAP_AREA_ADDED "Adding %uk swap on %s%s.  Priority:%d extents:%u across:%uk\n"

static_assert(sizeof(struct swap_header) == PAGE_SIZE, "a page");

/*
 * Whether there is an area on what has `pages` pages. The other byte order is turned round.
 *
 * => pages of the area, the header's included; 0: it is none, the log says why
 */
__must_check uint32_t swap_header_check(struct swap_header *header, uint64_t pages, bool is_file);

#endif
