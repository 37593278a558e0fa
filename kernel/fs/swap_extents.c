// SPDX-License-Identifier: MIT
/*
 * swap_extents.c - where the pages of a swap file lie on the disk. As mm/page_io.c of Linux finds them (generic_swapfile_activate).
 */
#include "fs/swap_extents.h"

#include "lib/errno.h"

static void add(struct swap_extents *extents, uint32_t place)
{
    if (extents->count == 0 || place != extents->next) {
        if (extents->count < extents->room)
            extents->list[extents->count] = (struct swap_extent){extents->pages, place};
        extents->count++;
    }
    if (extents->pages > 0) {
        extents->low = MIN(extents->low, place);
        extents->high = MAX(extents->high, place);
    }
    extents->pages++;
    extents->next = place + 1;
}

/* Look at the blocks of one page from `block` on. => how many to go on: all, and *place is set; or one; -EINVAL, or -errno */
static int look(const struct swap_blocks *blocks, uint64_t block, uint64_t *place)
{
    bool whole = true;
    uint64_t at;

    *place = 0;

    for (unsigned i = 0; i < blocks->per_page && whole; i++) {
        int error = blocks->map(blocks->file, block + i, &at);
        if (error)
            return error;
        if (at == 0)
            return -EINVAL;
        if (i == 0)
            *place = at;
        whole = *place % blocks->per_page == 0 && at == *place + i;
    }
    *place /= blocks->per_page;
    return whole ? (int)blocks->per_page : 1;
}

int swap_extents_find(struct swap_extents *extents, const struct swap_blocks *blocks)
{
    extents->count = extents->pages = extents->next = extents->high = 0;
    extents->low = UINT32_MAX;
    for (uint64_t block = 0; block + blocks->per_page <= blocks->count && extents->pages < blocks->pages_max;) {
        uint64_t place;
        int step = look(blocks, block, &place);
        if (step < 0)
            return step;
        if (step == (int)blocks->per_page)
            add(extents, (uint32_t)place);
        block += step;
    }
    return 0;
}

uint32_t swap_extents_place(const struct swap_extents *extents, uint32_t page, uint32_t *together)
{
    uint32_t low = 0, past = extents->count;

    while (past - low > 1) { // list[low].page <= page < list[past].page
        uint32_t middle = low + (past - low) / 2;
        if (extents->list[middle].page <= page)
            low = middle;
        else
            past = middle;
    }
    *together = (past < extents->count ? extents->list[past].page : extents->pages) - page;
    return extents->list[low].place + (page - extents->list[low].page);
}
