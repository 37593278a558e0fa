// SPDX-License-Identifier: MIT
/*
 * maps.c - /proc/PID/maps: the regions of an address space.
 *
 * Region by region: each is copied under the space's lock, with a hold on its file, and told without it, since a file's
 * name is under locks that come before. A region that comes or goes meanwhile may be told or not.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/page_cache.h"
#include "mm/vregion.h"
#include "mm/vspace.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

/* The first region that ends above `from`, with a hold on its file: release_region. => false: there is none */
static bool next_region(struct vspace *space, vaddr_t from, struct vregion *copy)
{
    struct vregion *region;

    rwlock_read_lock(&space->lock);
    region = vregion_above(space, from);
    if (region)
        vregion_copy(copy, region);
    rwlock_read_unlock(&space->lock);
    return region;
}

static void release_region(struct vregion *region)
{
    if (region->file)
        vregion_release_file(region);
}

/* The region's name into `name` (PAGE_SIZE bytes), "" if it has none; and what its file is. */
static void describe(const struct vregion *region, char *name, struct map_identity *identity)
{
    static const char *const purposes[] = {[VR_GENERAL] = "", [VR_HEAP] = "[heap]", [VR_STACK] = "[stack]"};

    *identity = (struct map_identity){0};
    if (!region->file)
        strlcpy(name, purposes[region->purpose], PAGE_SIZE);
    else if (region->file->ops->describe(region->file, name, PAGE_SIZE, identity) < 0)
        name[0] = '\0';
}

static void put_region(struct text *text, const struct vregion *region, char *name)
{
    struct map_identity identity;
    size_t line = text->size;

    describe(region, name, &identity);
    text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vregion_start(region), vregion_end(region),
                region->prot & VR_READ ? 'r' : '-', region->prot & VR_WRITE ? 'w' : '-',
                region->prot & VR_EXEC ? 'x' : '-', region->shared ? 's' : 'p', region->file_offset, identity.major,
                identity.minor, identity.inode);
    if (name[0]) {
        text_pad(text, line + MAPS_NAME_COLUMN);
        text_puts(text, " ");
        text_escape(text, name, "\n");
    }
    text_puts(text, "\n");
}

static int visit(const struct proc_inode *inode, struct text *text, maps_detail *detail, void *arg, char *name)
{
    struct vspace *space = process_vspace(inode->process);
    struct vregion region;
    vaddr_t from = text->next;

    text->next = 0;
    if (!space)
        return 0;
    while (!text->error && next_region(space, from, &region)) {
        if (text->size >= TEXT_PART) {
            text->next = from;
            release_region(&region);
            break;
        }
        if (name)
            put_region(text, &region, name);
        if (detail)
            detail(text, space, &region, arg);
        from = vregion_end(&region);
        release_region(&region);
    }
    vspace_put(space);
    return 0;
}

int maps_show(const struct proc_inode *inode, struct text *text, maps_detail *detail, void *arg)
{
    char *name = kalloc();
    int error;

    if (!name)
        return -ENOMEM;
    error = visit(inode, text, detail, arg, name);
    kfree(name);
    return error;
}

int maps_visit(const struct proc_inode *inode, struct text *text, maps_detail *detail, void *arg)
{
    return visit(inode, text, detail, arg, NULL);
}

int show_maps(const struct proc_inode *inode, struct text *text)
{
    return maps_show(inode, text, NULL, NULL);
}
