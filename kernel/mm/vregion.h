// SPDX-License-Identifier: MIT
/*
 * vregion.h - a range of user addresses with one purpose.
 *
 * A vregion says what may be done with its addresses and where their content comes from; it says nothing of frames, which
 * are the business of the vpage_infos.
 */
#ifndef MM_VREGION_H
#define MM_VREGION_H

#include "lib/tree.h"
#include "lib/types.h"

struct page_cache;
struct vspace;

/* Which way a region grows; va_base is the end that stays. */
enum vr_direction {
    VR_UP,  // [va_base, va_base + size)
    VR_DOWN // [va_base - size, va_base): a stack
};

/* What a region is for: its name in /proc/PID/maps. */
enum vr_purpose {
    VR_GENERAL, // mmap, or a segment of the program
    VR_HEAP,    // [heap]
    VR_STACK,   // [stack]
};

/* Whether a region's memory has been promised to it (commit.h). */
enum vr_commit {
    VR_COMMIT_NEVER, // shared, or asked not to be
    VR_COMMIT_LATER, // when it becomes writable
    VR_COMMITTED,
};

/* Rights, with the values of mmap's PROT_ flags (<asm-generic/mman-common.h>). */
#define VR_READ 0x1
#define VR_WRITE 0x2
#define VR_EXEC 0x4

/* What else is remembered of a region: struct vregion's `flags`. */
#define VR_LOCKED       0x01 // mlock: its pages are present and stay so
#define VR_LOCK_ONFAULT 0x02 // ... once they have been touched
#define VR_LOCK_FLAGS   (VR_LOCKED | VR_LOCK_ONFAULT)
#define VR_DONTFORK     0x04 // madvise: a child does not get it
#define VR_WIPEONFORK   0x08 // a child gets it empty
#define VR_DONTDUMP     0x10 // not in a core dump
#define VR_HUGEPAGE     0x20 // huge pages are welcome, or
#define VR_NOHUGEPAGE   0x40 // ... are not

/*
 * One region. All fields: under the vspace's lock.
 * Addresses, sizes and offsets are multiples of PAGE_SIZE.
 */
struct vregion {
    struct tree_node link;  // in vspace->regions
    vaddr_t va_base;        // the end that does not move
    uint64_t size;          // bytes, never 0
    uint8_t prot;           // VR_READ | VR_WRITE | VR_EXEC
    uint8_t max_prot;       // what mprotect may make of it: a shared file opened for reading stays read-only
    bool shared;            // MAP_SHARED: writes go to the file, and fork shares them
    uint8_t flags;          // VR_LOCKED...; it and the three before are compared as one word
    uint8_t dir;            // enum vr_direction
    uint8_t commit;         // enum vr_commit
    uint8_t purpose;        // enum vr_purpose
    struct page_cache *file; // what backs it; NULL: anonymous memory. Held by the region
    uint64_t file_offset;    // byte of the file at the region's lowest address
};

/* The lowest address, and the first above the region. */
static inline vaddr_t vregion_start(const struct vregion *region)
{
    return region->dir == VR_UP ? region->va_base : region->va_base - region->size;
}

static inline vaddr_t vregion_end(const struct vregion *region)
{
    return region->dir == VR_UP ? region->va_base + region->size : region->va_base;
}

static inline bool vregion_contains(const struct vregion *region, vaddr_t va)
{
    return va - vregion_start(region) < region->size;
}

/* Whether its pages are what RLIMIT_DATA limits. */
static inline bool vregion_is_data(const struct vregion *region)
{
    return (region->prot & VR_WRITE) && !region->shared && region->dir == VR_UP;
}

/* The page of the file behind address `va`. => the region is backed by a file and contains va */
static inline uint64_t vregion_file_index(const struct vregion *region, vaddr_t va)
{
    return (region->file_offset + (va - vregion_start(region))) >> PAGE_SHIFT;
}

/* Make the region cover [start, end), whichever way it grows. => the file offset is the caller's to adjust */
void vregion_set_range(struct vregion *region, vaddr_t start, vaddr_t end);

/* An uninitialised region, and giving one back with its hold on the file. NULL: no memory. */
__must_check struct vregion *vregion_alloc(void);
void vregion_free(struct vregion *region);

/*
 * Count a new region among those that may write to its file. A sealed file (page_cache.h) makes the region's max_prot smaller.
 *
 * => 0, or -EPERM: it wants to write to a file that is sealed
 */
__must_check int vregion_count_writer(struct vregion *region);

/* Hold the region's file, which counts the regions that map it; and let go of it, also as one that may write to it. => it has one */
void vregion_hold_file(struct vregion *region);
void vregion_release_file(struct vregion *region);

/* Fill `copy` as a copy of `region` outside any tree, with a hold of its own on the file. */
void vregion_copy(struct vregion *copy, const struct vregion *region);

/*
 * Look-ups. => space->lock held
 * va2vregion: the region that `va` lies in, or NULL.
 * vregion_above: the lowest region that ends above `va` (it may contain va), or NULL.
 */
struct vregion *va2vregion(struct vspace *space, vaddr_t va);
struct vregion *vregion_above(struct vspace *space, vaddr_t va);
struct vregion *vregion_next(struct vregion *region);
struct vregion *vregion_prev(struct vregion *region);
struct vregion *vregion_lowest(struct vspace *space);
struct vregion *vregion_highest(struct vspace *space);

/* Put a region into the space's list, or take it out. => space->lock for writing; it overlaps no other */
void vregion_insert(struct vspace *space, struct vregion *region);
void vregion_remove(struct vspace *space, struct vregion *region);

/*
 * Give an empty space copies of all regions of another, and drop all that a space has: for fork and exit, where the cost of one
 * counts a thousand times.
 *
 * => both locks for writing; vregions_copy: 0, or -ENOMEM with some of them copied, for vregions_drop
 */
__must_check int vregions_copy(const struct vspace *from, struct vspace *to);
void vregions_drop(struct vspace *space);

/* Whether `low` and `high`, which begins where low ends, could be one region. */
bool vregion_can_merge(const struct vregion *low, const struct vregion *high);

/* Where the room below a region ends: at its start, or, below one that grows down, at the gap that it needs. */
vaddr_t vregion_room_end(const struct vregion *region);

/* Make the slab cache of regions. => once, at boot */
void vregion_init(void);

#endif
