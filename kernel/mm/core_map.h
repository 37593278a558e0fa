// SPDX-License-Identifier: MIT
/*
 * core_map.h - what the kernel knows of each frame of physical memory.
 *
 * One `struct core_map_entry` per frame, found by its page frame number. The reference count says how many
 * places hold the frame; its kind says what for, and which part of the union is in force.
 */
#ifndef MM_CORE_MAP_H
#define MM_CORE_MAP_H

#include <stdatomic.h>

#include "arch/x86/layout.h"
#include "lib/types.h"

struct page_cache;
struct vpi_page;

/* What a frame is used for. The order is that of /proc/gaur/frames. */
enum frame_kind {
    FRAME_RESERVED, // firmware, holes in the memory map, the initramfs until it is unpacked
    FRAME_IMAGE,    // the kernel, its first page tables, core_map: what boot took for good
    FRAME_FREE,     // in the buddy allocator or in a CPU's cache
    FRAME_KERNEL,   // kalloc: buffers, tables
    FRAME_SLAB,     // small kernel objects
    FRAME_STACK,    // kernel stacks
    FRAME_NODE,     // a page-table page
    FRAME_VPI,      // the vpi_page beside a leaf node
    FRAME_ANON,     // a process's own memory
    FRAME_HUGE,     // the first frame of such memory that is mapped 2 MiB at once (huge.h)
    FRAME_FILE,     // a page of a file, in the page cache
    FRAME_ZERO,     // the one frame of zeros; never counted
    FRAME_SWAP,     // a process's own memory that has a slot as well: in the swap cache (swap.h)
    FRAME_KINDS
};

/*
 * One frame.    Fields: (a) atomic  (k) kmem.lock  (n) the node's own lock  (c) constant while the kind lasts
 *               (p) the page cache's lock  (s) swap.c's lock  (v) verify only, while the world stands still
 *
 * A node's lock, kind and level lie outside the union, so that the clock may try the lock of a frame that has just
 * become something else and then look at the kind again. The first eight bytes are read at once by who looks from outside (watch.h).
 */
struct core_map_entry {
    _Atomic uint32_t refs; // (a) leaf entries + page cache + pins; for a node: entries that point to it
    _Atomic uint8_t kind;  // (a) enum frame_kind
    uint8_t level;         // (c) of a node: 1 is a leaf, 4 the root
    _Atomic uint16_t lock; // (a) a node's spinlock: odd while held, and another number each time that it was
    uint8_t run;           // (k) the order of the free run that begins here, plus one; 0: none does
    uint8_t recount_low;   // (v) references that verify has found, as far as 24 bits tell: frame_recount
    uint16_t recount_high; // (v)
    uint32_t owner : 23;   // (a) debug: who took it or gave it back last, as an offset from KERNBASE
    uint32_t has_slots : 1; // (n) of a leaf: some of its pages may be in swap, or on their way
    uint32_t round : 7;    // (n) of a leaf: the round of the clock in which its pages were looked at last
    uint32_t is_huge : 1;  // (n) of a leaf: all entries that lead to it are huge ones; above: some led from it (huge.h)
    union {
        struct {
            uint32_t next, prev; // (k) neighbours in the free list, as frame numbers; 0 ends it
        } free;
        struct {
            union {
                struct vpi_page *vpi; // (n) a leaf's page metadata, or the part of it that there is (leaf.h)
                uint64_t groups;      // (n) above a leaf: bit i is set if one of entries 8i .. 8i + 7 may be in use
            };
            uint32_t base_2m : 26; // (c) first address mapped, in units of 2 MiB; once out of the tree: the next node that is
            uint32_t locked : 1;   // (n) of a leaf: a parent has locked pages in it (mlock), which its region does not tell
            uint32_t part : 4;     // (n) of a leaf: which part of its metadata there is, plus one; 0: all. Also read without the
                                   // lock: what shares its word changes only while nobody else uses the leaf
            uint16_t live;                 // (n) entries (above) or vpage_infos (leaf) in use
            uint8_t first_pair, last_pair; // (n) of a leaf: bounds around those, in units of two; meaningless while live is 0
        } node;
        struct {
            struct page_cache *cache; // (p) the file, NULL once it was cut off by truncation
            uint64_t index : 52;      // (p) which page of it
            uint64_t dirty : 1;       // (p) changed since it was last written to where the file is kept
            uint64_t writing : 1;     // (p) on its way there
            uint64_t changed : 1;     // (p) it was dirty at some time since it came
            uint64_t referenced : 1;  // (p) asked for again since the hand of page_cache_shrink.c came by
            uint64_t ahead : 1;       // (p) it was read along with another one, and nobody has asked for it yet
        } file;
        struct {
            uint32_t slot; // (s) where its content is, or is to be
            bool dirty;    // (s) the slot does not have it yet
            bool writing;  // (s) it is under way
            bool ahead;    // (s) it was read along with another one, and nobody has asked for it yet
        } swap;
        struct {
            struct core_map_entry *leaf; // (c) the leaf behind the huge entries that map the run
        } huge;
    };
};

static_assert(sizeof(struct core_map_entry) == 32, "one core_map_entry is at most 32 bytes");

extern struct core_map_entry *core_map; // [0, core_map_frames)
extern pfn_t core_map_frames;           // one more than the highest frame number of usable memory
extern struct core_map_entry *zero_page;

/* Make core_map for all memory that boot_info reports and give the free part of it to kalloc. => once, at boot */
void core_map_init(void);

static inline paddr_t page2pa(const struct core_map_entry *page)
{
    return (paddr_t)(page - core_map) << PAGE_SHIFT;
}

static inline pfn_t page2pfn(const struct core_map_entry *page)
{
    return (pfn_t)(page - core_map);
}

/* => `pa` lies in a frame that core_map has */
static inline struct core_map_entry *pa2page(paddr_t pa)
{
    return &core_map[PGNUM(pa)];
}

static inline void *page2kva(const struct core_map_entry *page)
{
    return P2V(page2pa(page));
}

/* => `kva` lies in the direct map */
static inline struct core_map_entry *kva2page(const void *kva)
{
    return pa2page(V2P(kva));
}

/* Whether core_map has an entry for the frame. */
static inline bool pfn_is_valid(pfn_t pfn)
{
    return pfn < core_map_frames;
}

static inline enum frame_kind frame_kind(const struct core_map_entry *page)
{
    return atomic_load_explicit(&page->kind, memory_order_relaxed);
}

static inline uint32_t frame_refs(const struct core_map_entry *page)
{
    return atomic_load_explicit(&page->refs, memory_order_acquire);
}

/* The references that verify has found, modulo RECOUNT_RANGE; and one more of them. => for verify, and who looks at its moment */
#define RECOUNT_RANGE (1u << 24)

static inline uint32_t frame_recount(const struct core_map_entry *page)
{
    return (uint32_t)page->recount_high << 8 | page->recount_low;
}

static inline void frame_set_recount(struct core_map_entry *page, uint32_t count)
{
    page->recount_low = (uint8_t)count;
    page->recount_high = (uint16_t)(count >> 8);
}

/*
 * One more reference to a frame in use. Panics on a frame without one (use after free) and before the count wraps.
 * The zero frame is not counted.
 */
void frame_get(struct core_map_entry *page);

/* One reference less; the last one gives the frame back. The zero frame is not counted. */
void frame_put(struct core_map_entry *page);

/*
 * Turn frames that boot reserved (the initramfs) into frames in use with one reference, or free ones.
 *
 * => `pa` page-aligned and reserved; nobody else knows the frame
 */
struct core_map_entry *frame_adopt(paddr_t pa, enum frame_kind kind);
void frame_release_reserved(paddr_t start, paddr_t end);

/* "anonymous", "node", ...: the word for a kind in /proc/gaur/frames. */
const char *frame_kind_name(enum frame_kind kind);

#endif
