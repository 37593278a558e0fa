// SPDX-License-Identifier: MIT
/*
 * vspace.h - the address space of a process: its vregions and one tree of nodes.
 */
#ifndef MM_VSPACE_H
#define MM_VSPACE_H

#include "arch/x86/cpu.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/vregion.h"
#include "sync/rwlock.h"

#define STACK_GUARD_GAP (256 * PAGE_SIZE) // below a growing stack, as Linux's stack_guard_gap
#define USER_MIN PAGE_SIZE                // the lowest address that may be mapped: NULL never is

/*
 * One address space.    Fields: (c) constant after creation  (v) lock  (a) atomic  (l) the list's lock
 */
struct vspace {
    struct rwlock lock;              // faults read; map, unmap, protect, brk, fork write
    _Atomic uint32_t refs;           // (a) processes that run in it, and who looks at it
    struct tree regions;             // (v) sorted by address, never overlapping
    uint32_t region_count;           // (v)
    uint8_t lock_future;             // (v) flags that new regions get: mlockall(MCL_FUTURE)
    bool barriers;                   // membarrier's private command was asked for
    bool fork_edits;                 // (v) some region has, or had, VR_DONTFORK, VR_WIPEONFORK or VR_LOCKED
    bool no_huge;                    // (v) it is not to get huge pages: PR_SET_THP_DISABLE
    struct vregion *_Atomic recent;  // (a) the region found last; set by readers, cleared when a region goes
    struct core_map_entry *root;     // (c) the top page-table page
    _Atomic uint64_t active;         // (a) CPUs that have our tables loaded, and how (active.h)
    vaddr_t brk_start, brk;          // (v) the heap: [brk_start, brk), to the byte
    vaddr_t mmap_top;                // (v) mmap looks for room below this, from the top
    _Atomic uint64_t stack_limit;    // (a) bytes that the stack may grow to (RLIMIT_STACK)
    uint64_t committed;              // (v) pages promised to its regions (commit.h)
    uint64_t size_limit, data_limit; // (v) bytes that regions, and private writable ones, may have (RLIMIT_AS, RLIMIT_DATA)
    bool limited;                    // (v) one of the two is a limit
    _Atomic uint64_t peak_bytes;     // (a) the largest that its regions and its pages were whenever somebody measured them
    _Atomic uint64_t peak_resident;  // (a)
    struct list link;                // (l) all spaces
    uint32_t number;                 // (c) no other space has had it; 0 when it is not on the list any more
};

/* An empty space with one reference. NULL: no memory. */
__must_check struct vspace *vspace_create(void);

void vspace_get(struct vspace *space);

/* Several threads are going to run in it: from now on their faults on several CPUs do not take the lock's word from each other. */
void vspace_spread(struct vspace *space);

/* One reference less; the last takes everything down. => may sleep; no CPU runs in it when it is the last */
void vspace_put(struct vspace *space);

/*
 * A child's space: private pages are shared for copy-on-write, shared ones shared. fork.c.
 *
 * => takes parent->lock for writing; returns after the parent's write rights are flushed; 0 or -ENOMEM, nothing changed
 */
__must_check int vspace_fork(struct vspace *parent, struct vspace **child);

/*
 * brk(2): move the heap's end. lock_limit: bytes that may be locked in all, for after mlockall(MCL_FUTURE).
 *
 * => the end after the call (the old one when it could not move)
 */
vaddr_t vspace_brk_limited(struct vspace *space, vaddr_t end, uint64_t lock_limit);

static inline vaddr_t vspace_brk(struct vspace *space, vaddr_t end)
{
    return vspace_brk_limited(space, end, UINT64_MAX);
}

/* Begin the heap, empty, at `start` (byte-exact). => a fresh space, from exec */
void vspace_set_brk_start(struct vspace *space, vaddr_t start);

#define PAGE_SHARES 1024 // in one page

/* Pages by what is behind them, summed from the leaves. */
struct vspace_sizes {
    uint64_t total_bytes;          // VmSize: the regions
    uint64_t anonymous, file;      // resident pages: RssAnon, RssFile
    uint64_t shared;               // resident pages of MAP_SHARED regions: RssShmem
    uint64_t swapped;              // pages in swap: VmSwap
    uint64_t data_bytes, text_bytes, stack_bytes; // by the regions' rights: VmData, VmExe with VmLib, VmStk
    uint64_t locked_bytes;         // VmLck
    uint64_t share;                // resident pages but those of files, each divided by how many hold it; in PAGE_SHARES
    uint64_t nodes;                // page-table pages with their vpi_pages: VmPTE
};
void vspace_measure(struct vspace *space, struct vspace_sizes *sizes);

/* Call `visit` for each region in order of address, with space->lock held for reading. Stops at false. */
void vspace_for_each_region(struct vspace *space, bool (*visit)(const struct vregion *region, void *arg), void *arg);

/*
 * Give back what spaces hold of their leaves' metadata without using it. `wait`: also where somebody holds the space's lock.
 *
 * => no spinlock held; with `wait` no vspace lock
 */
void vspaces_compact(bool wait);

/*
 * For who goes round all spaces without holding the list: the first one, with a reference, and how many there are; then it goes to the
 * list's end. => may sleep; NULL: there is none
 */
struct vspace *vspaces_first(unsigned *count);
void vspaces_to_end(struct vspace *space);

/* Odd while the list of all spaces changes, and another one afterwards: for who reads it from outside (watch.h). */
extern uint32_t vspaces_changes; // the list's lock

/* All spaces, for verify. => the list's lock is held between begin and end; it sleeps */
struct list *vspaces_lock(void);
void vspaces_unlock(void);

/* Make the slab caches of this floor. => once, at boot, after slab_init */
void vspace_init(void);

#endif
