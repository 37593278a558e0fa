// SPDX-License-Identifier: MIT
/*
 * page_cache.h - the pages of a file in memory, for read, write, exec and mmap alike.
 */
#ifndef MM_PAGE_CACHE_H
#define MM_PAGE_CACHE_H

#include "lib/list.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/io.h"
#include "mm/radix.h"
#include "sync/spinlock.h"

struct page_cache;

/* What /proc/PID/maps says of a mapped file. */
struct map_identity {
    uint32_t major, minor; // of its device
    uint64_t inode;
};

#define PAGE_CACHE_RUN 16u // pages next to each other that are read or written at once, at most

/* What a file system hands down, so that mm can fill and keep files without knowing them. */
struct page_cache_ops {
    /*
     * Fill `count` frames, at most PAGE_CACHE_RUN, with the pages from `index` on. NULL: pages that are absent are zero (tmpfs).
     * => may sleep; no lock is held but perhaps a vspace's; 0 or -errno (-EIO, -ENOMEM), then what is in them does not count
     */
    int (*fill)(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count);

    /* Keep the file alive while a vregion maps it, and let it go. => release may sleep */
    void (*hold)(struct page_cache *cache);
    void (*release)(struct page_cache *cache);

    /*
     * For a file that is kept elsewhere as well, on a disk. NULL: it is not (tmpfs); its pages are never marked dirty.
     * reserve: bytes [offset, offset + size) will be written to: give them room, so that `write` need not ask for any.
     * write: write `count` pages from `index` on. It takes no memory that it can do without, for memory may be short.
     * => may sleep; reserve under a vspace's lock; 0 or -errno (-ENOSPC, -EIO, -ENOMEM)
     */
    int (*reserve)(struct page_cache *cache, uint64_t offset, uint64_t size);
    int (*write)(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count);

    /* Make [offset, offset + size) a hole (MADV_REMOVE); and bring the file to where it is kept, for good (msync). NULL: there is no
     * such thing. => may sleep; no lock is held; 0 or -errno */
    int (*punch)(struct page_cache *cache, uint64_t offset, uint64_t size);
    int (*sync)(struct page_cache *cache);

    /* For a file that is kept nowhere else, without fill and write: whether its pages may leave for swap. NULL: never. => does not sleep */
    bool (*may_swap)(const struct page_cache *cache);

    /* Its path, with its end, into buf, and its identity. => the length, or -errno */
    int (*describe)(struct page_cache *cache, char *buf, size_t size, struct map_identity *identity);
};

/* The cached pages of one file.    Fields: (c) constant  (l) lock  (a) atomic */
struct page_cache {
    struct spinlock lock;
    _Atomic bool punching;            // (a) pages are leaving it: a fault looks again, instead of taking one that still is there
    _Atomic int16_t error;            // (a) why pages could not be written since write-back was last asked for, or 0
    _Atomic uint32_t mapped;          // (a) regions that map it
    struct radix pages;               // (l) index -> core_map_entry, one reference each; or a slot (page_cache_private.h). Its note is
                                      // how often pages left that were changed, or that the file no longer has
    _Atomic uint64_t size;            // (a) of the file in bytes; changed under the file's own lock
    _Atomic uint32_t count;           // (a) pages that are not absent
    union {
        uint32_t unclean;             // (l) of them dirty, or being written: of a file that has a `write`
        uint32_t swapped;             // (l) of them in swap, or on their way: of any other
    };
    const struct page_cache_ops *ops; // (c)
    _Atomic uint32_t writers;         // (a) regions through which it may be written to, and PAGE_CACHE_SEALED
    uint32_t recount;                 // verify only: regions that it has found
    struct list link;                 // all caches, under page_caches_lock
};

/* How page_cache_get finds a page. */
enum page_how {
    PAGE_FIND,  // only if it is there, or in swap: NULL otherwise, and 0
    PAGE_READ,  // fill it if it is absent
    PAGE_WRITE, // the same, for a mapping through which it will be written to: it has room, and is marked dirty
};

void page_cache_init(struct page_cache *cache, const struct page_cache_ops *ops);

/*
 * A file may refuse to be mapped so that it can be written to. Each region that can write, now or after mprotect, is counted.
 *
 * => allow_writer: false, and not counted, if it is sealed
 * => seal: for ever; false, and not sealed, if `only_unwritten` and it is mapped so now
 */
#define PAGE_CACHE_SEALED 0x80000000u
__must_check bool page_cache_allow_writer(struct page_cache *cache);
bool page_cache_seal(struct page_cache *cache, bool only_unwritten);

/* Drop every page. => no vregion maps the file and nobody else uses the cache */
void page_cache_destroy(struct page_cache *cache);

/*
 * The frame that holds page `index`, with a reference for the caller.
 *
 * => may sleep; 0, -ENOMEM, or what fill returned. PAGE_FIND gives NULL for a page that is absent
 */
__must_check int page_cache_get(struct page_cache *cache, uint64_t index, enum page_how how,
                                struct core_map_entry **page);

/* The same for a fault, which *major tells to have waited for a device, and which is counted then. */
__must_check int page_cache_fault(struct page_cache *cache, uint64_t index, enum page_how how, struct core_map_entry **page,
                                  bool *major);

/*
 * Bring the pages of [first, end) in, those that the file has, as far as there is plenty of memory and they can be read: somebody expects
 * to need them. => may sleep; no lock held
 */
void page_cache_expect(struct page_cache *cache, uint64_t first, uint64_t end);

/* Where a page is, without bringing it anywhere. */
enum page_place { PAGE_ABSENT, PAGE_IN_MEMORY, PAGE_IN_SWAP };
enum page_place page_cache_where(struct page_cache *cache, uint64_t index);

/* Give the caller's reference back. */
void page_cache_put(struct core_map_entry *page);

/*
 * Put a frame of kind FRAME_FILE, with the one reference that the cache takes over, at an index that is empty.
 *
 * => 0, -ENOMEM or -EEXIST; the reference stays the caller's then
 */
__must_check int page_cache_insert(struct page_cache *cache, uint64_t index, struct core_map_entry *page);

/*
 * Cut the file to `size` bytes, or extend it with a hole: pages wholly beyond the end leave the cache and every mapping, private copies
 * of them too; the rest of the last one is zeroed.
 *
 * => the file's own lock held
 */
void page_cache_truncate(struct page_cache *cache, uint64_t size);

/*
 * Let [start, end) read as zeros: whole pages leave the cache and every mapping (but not private copies), the rest is zeroed.
 *
 * => the file's own lock held for writing
 */
void page_cache_punch(struct page_cache *cache, uint64_t start, uint64_t end);

/*
 * What truncate and punch zero within a page is held in memory first, where it may be in swap: then they cannot fail. For truncate both ends
 * are the new size.
 *
 * => the file's own lock held; 0, or -ENOMEM, -EIO and nothing held
 */
struct page_cache_edges {
    struct core_map_entry *pages[2];
};
__must_check int page_cache_hold_edges(struct page_cache *cache, uint64_t start, uint64_t end, struct page_cache_edges *edges);
void page_cache_drop_edges(struct page_cache_edges *edges);

/*
 * Move bytes between the file and a buffer, from io->offset on. Read stops at the end of the file; write extends it.
 *
 * => the file's own lock held for write; may sleep and fault
 * => the number of bytes, or -errno when there was none: -EFAULT, -ENOMEM, -EIO
 */
int64_t page_cache_read(struct page_cache *cache, struct io *io);
int64_t page_cache_write(struct page_cache *cache, struct io *io);

/*
 * ---- Dirty pages (page_cache_clean.c) ----
 *
 * A page whose file has a `write` is dirty from the moment that it may differ from what is kept elsewhere: when write(2) has copied
 * into it, and before a mapping lets a program write. Cleaning takes the mark away first, then write-protects the page in every
 * mapping, then writes it: what is changed meanwhile makes it dirty again. Who drops pages from the cache to gain memory may take
 * those that are neither dirty nor being written and have no reference but the cache's, under the cache's lock.
 */

/* Mark page `index` dirty, if the file has a `write`. */
void page_cache_mark_dirty(struct page_cache *cache, uint64_t index);

/* Page `index` is about to become writable in a mapping. => it is there, and stays; 0, or what reserve says */
__must_check int page_cache_allow_write(struct page_cache *cache, uint64_t index);

/*
 * Write the dirty pages of [first, end) to where the file is kept, and wait for those that somebody else writes.
 *
 * => no vspace lock held; may sleep; 0, -ENOMEM (they are dirty still), or why a page could not be written, now or since the last
 *    call: such a page counts as clean then, as on Linux
 */
__must_check int page_cache_write_back(struct page_cache *cache, uint64_t first, uint64_t end);

/* Wait until page `index` is not being written, nor on its way to or from swap. */
void page_cache_wait_written(struct page_cache *cache, uint64_t index);

/* Write dirty pages that nobody maps. => no lock that a file system needs is held; may sleep; how many can be let go now */
unsigned page_caches_clean(unsigned target);

/* Let clean pages go that nobody maps and that can be read again, those asked for once first. => how many went */
unsigned page_caches_shrink(unsigned target);

/*
 * ---- Pages in swap (page_cache_swap.c) ----
 */

/* Whether pages of the file may leave for swap; and the answer of files whose pages always may. */
bool page_cache_may_swap(const struct page_cache *cache);
bool page_cache_swaps(const struct page_cache *cache);

/*
 * A mapping gives up its reference of a page. true: nobody else had it, and the page is on its way to swap: the caller has the frame, and
 * calls page_cache_write_out for it.
 *
 * => a region holds the file; the mapping's leaf may be locked
 */
__must_check bool page_cache_unmapped(struct page_cache *cache, uint64_t index, struct core_map_entry *page);

/* Write such pages, at most SWAP_CLUSTER; their frames go, or are the file's again. => sleeps; no lock held; how many could not be written */
unsigned page_cache_write_out(struct core_map_entry *const *pages, unsigned count);

/* Let pages go to swap that nobody maps and nobody has asked for lately. => sleeps; how many went */
unsigned page_caches_swap_out(unsigned target);

/* Pages of [first, end) that are in swap. */
uint64_t page_cache_count_swapped(struct page_cache *cache, uint64_t first, uint64_t end);

/* Bring all pages back that are in an area. => sleeps; 0: there is none left that nobody is busy with; -ENOMEM, -EIO, -EINTR (stopped) */
__must_check int page_caches_bring_back(int area, bool (*stop)(void));

/* For verify: every slot that a page is in. => swap_lock held */
void page_caches_for_each_slot(void (*visit)(uint32_t slot, void *arg), void *arg);

/* Pages of all files that are dirty or being written; that are dirty; that are being written: some are both. */
uint64_t page_caches_unclean(void);
uint64_t page_caches_dirty(void);
uint64_t page_caches_writing(void);

/*
 * A nameless file of zeros with one hold, behind MAP_SHARED | MAP_ANONYMOUS; `promised`: all its pages are (commit.h).
 *
 * => NULL: no memory
 */
__must_check struct page_cache *page_cache_create_anonymous(uint64_t size, bool promised);

/* For verify: every cache, every page. => nobody changes them meanwhile */
void page_cache_for_each_page(void (*visit)(struct page_cache *cache, uint64_t index, struct core_map_entry *page,
                                            void *arg),
                              void *arg);

#endif
