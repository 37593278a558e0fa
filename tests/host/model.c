// SPDX-License-Identifier: MIT
#include "model.h"

#include <stdlib.h>

#include "lib/errno.h"

/* The windows' addresses. */
#define MAP_BASE (UINT64_C(0x10000000) - 40 * PAGE_SIZE)
#define HEAP_BASE (UINT64_C(0x20200000) - 5 * PAGE_SIZE)
#define STACK_BASE (UINT64_C(0x40000000) - 20 * PAGE_SIZE)
#define HUGE_BASE (UINT64_C(0x30000000) - HUGE_MARGIN * PAGE_SIZE)

struct model_space model_spaces[MODEL_SPACES];
struct model_object model_files[MODEL_FILES];

vaddr_t model_va(unsigned page)
{
    if (page < FIRST_HEAP)
        return MAP_BASE + page * PAGE_SIZE;
    if (page < FIRST_STACK)
        return HEAP_BASE + (page - FIRST_HEAP) * PAGE_SIZE;
    if (page < FIRST_HUGE)
        return STACK_BASE + (page - FIRST_STACK) * PAGE_SIZE;
    return HUGE_BASE + (page - FIRST_HUGE) * PAGE_SIZE;
}

unsigned model_window_end(unsigned page)
{
    return page < FIRST_HEAP ? FIRST_HEAP : page < FIRST_STACK ? FIRST_STACK : page < FIRST_HUGE ? FIRST_HUGE : MODEL_PAGES;
}

/* ---- Objects ---- */

struct model_object *model_object_create(unsigned pages)
{
    struct model_object *object = calloc(1, sizeof *object);

    object->pages = pages;
    return object;
}

static void page_forget(struct model_page *page)
{
    struct model_object *object = page->object;

    *page = (struct model_page){0};
    if (object && --object->refs == 0)
        free(object);
}

static void page_set(struct model_page *page, const struct model_page *value)
{
    struct model_page copy = *value;

    if (copy.object)
        copy.object->refs++;
    page_forget(page);
    *page = copy;
}

/* ---- Ranges ---- */

void model_map(struct model_space *space, unsigned first, unsigned count, const struct model_page *page)
{
    struct model_page each = *page;

    for (unsigned i = first; i < first + count; i++, each.index++)
        page_set(&space->pages[i], &each);
}

void model_unmap(struct model_space *space, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        page_forget(&space->pages[i]);
}

/* It is mapped as before, and was never written to. */
static void page_empty(struct model_page *page)
{
    page->own = false;
    page->byte = 0;
}

void model_move(struct model_space *space, unsigned from, unsigned to, unsigned count, bool leave_empty)
{
    for (unsigned i = 0; i < count; i++) {
        struct model_page *old = &space->pages[from + i];
        page_set(&space->pages[to + i], old);
        if (!leave_empty)
            page_forget(old);
        else
            page_empty(old);
    }
}

void model_forget_content(struct model_space *space, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (!space->pages[i].shared)
            page_empty(&space->pages[i]);
}

void model_cut_object(struct model_object *object, unsigned pages)
{
    for (struct model_space *space = model_spaces; space < model_spaces + MODEL_SPACES; space++)
        for (unsigned i = 0; space->space && i < MODEL_PAGES; i++)
            if (space->pages[i].object == object && space->pages[i].index >= pages)
                space->pages[i].own = false;
}

int model_protect(struct model_space *space, unsigned first, unsigned count, unsigned prot, unsigned *changed)
{
    *changed = 0;
    while (*changed < count && space->pages[first + *changed].mapped) {
        if (prot & ~space->pages[first + *changed].max_prot)
            return -EACCES;
        ++*changed;
    }
    return *changed < count ? -ENOMEM : 0;
}

int model_find_room(const struct model_space *space, unsigned count)
{
    unsigned room = 0;

    for (int page = MAP_PAGES - 1; page >= 0; page--) {
        room = space->pages[page].mapped ? 0 : room + 1;
        if (room == count)
            return page;
    }
    return -1;
}

/* ---- The heap ---- */

/* How many pages of the heap's window lie below the break. */
static unsigned heap_pages(vaddr_t brk)
{
    return (unsigned)((brk - HEAP_BASE + PAGE_MASK) >> PAGE_SHIFT);
}

vaddr_t model_brk(struct model_space *space, vaddr_t end, bool apply)
{
    const struct model_page fresh = {.mapped = true, .prot = R | W, .max_prot = R | W | X};
    unsigned old_pages = heap_pages(space->brk), pages = heap_pages(end);

    if (end < HEAP_BASE)
        return space->brk;
    for (unsigned i = old_pages; i < pages; i++)
        if (space->pages[FIRST_HEAP + i].mapped)
            return space->brk;
    if (!apply)
        return end;
    if (pages > old_pages)
        model_map(space, FIRST_HEAP + old_pages, pages - old_pages, &fresh);
    else
        model_unmap(space, FIRST_HEAP + pages, old_pages - pages);
    space->brk = end;
    return end;
}

/* ---- Whole spaces ---- */

void model_fork(const struct model_space *parent, struct model_space *child)
{
    for (unsigned i = 0; i < MODEL_PAGES; i++)
        page_set(&child->pages[i], &parent->pages[i]);
    child->brk = parent->brk;
    child->stack_low = parent->stack_low;
}

void model_exit(struct model_space *space)
{
    model_unmap(space, 0, MODEL_PAGES);
    space->space = NULL;
}

/* ---- Accesses ---- */

/* An access below the stack extends it, with the rights of its lowest page. */
static void stack_grow(struct model_space *space, unsigned page)
{
    struct model_page fresh = {
        .mapped = true,
        .prot = space->pages[space->stack_low].prot,
        .max_prot = R | W | X,
    };

    model_map(space, page, space->stack_low - page, &fresh);
    space->stack_low = page;
}

enum fault_outcome model_access(struct model_space *space, unsigned number, uint32_t access)
{
    struct model_page *page = &space->pages[number];

    if (number >= FIRST_STACK && number < FIRST_HUGE && number < space->stack_low)
        stack_grow(space, number);
    if (!page->mapped)
        return FAULT_SEGV_MAPERR;
    if (page->prot == 0 || ((access & PF_W) && !(page->prot & W)) || ((access & PF_I) && !(page->prot & X)))
        return FAULT_SEGV_ACCERR;
    if (page->object && !page->own && page->index >= page->object->pages)
        return FAULT_BUS_ADRERR;
    return FAULT_RESOLVED;
}

uint8_t model_read(const struct model_page *page)
{
    return page->object && !page->own ? page->object->byte[page->index] : page->byte;
}

void model_write(struct model_page *page, uint8_t byte)
{
    if (page->shared) {
        page->object->byte[page->index] = byte;
        return;
    }
    page->own = true;
    page->byte = byte;
}
