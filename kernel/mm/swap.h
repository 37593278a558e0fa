// SPDX-License-Identifier: MIT
/*
 * swap.h - anonymous pages in slots of a device, and the frames that have a slot: the swap cache.
 *
 * A slot is named by a number that says its area and its page there; 0 is none. As a frame counts its references a slot counts its
 * holders: the vpage_infos that say so, and the swap cache if the content is in a frame as well. Such a frame is of kind FRAME_SWAP, and
 * the swap cache holds one reference of it: so it has two or more while it is mapped, and no entry lets writes through.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "lib/types.h"

struct core_map_entry;

/* What a device hands down. => both may sleep, allocate nothing that a reserve does not cover, and return 0 or -EIO */
struct swap_ops {
    int (*read)(void *device, uint32_t first, void *const *pages, unsigned count);
    int (*write)(void *device, uint32_t first, void *const *pages, unsigned count);
    const char *(*name)(void *device); // of a disk as in /dev, or of a file its path; does not sleep
    bool is_file;
};

#define SWAP_AREAS 16              // that can be in use at once
#define SWAP_AREA_PAGES (4u << 20) // of each: 16 GiB
#define SWAP_CLUSTER 16            // pages that are written together; some of the kernel stack goes with it

/* ---- Slots ---- */

/* One more or one less holds a slot; the last one gives it back. => the caller's vpage_info holds it, its leaf is locked or nobody's */
void swap_slot_get(uint32_t slot);
void swap_slot_put(uint32_t slot);

/* How many do. => the same */
uint32_t swap_slot_holders(uint32_t slot);

/* ---- Pages ---- */

/* Frames in the swap cache, or on their way into it; slots in all, and in use. */
uint64_t swap_cached(void);
uint64_t swap_slots_total(void);
uint64_t swap_slots_used(void);

/* Whether there is a slot to be had. */
bool swap_has_room(void);

/*
 * Give the page in `page` a slot, unless it has one, and let one more vpage_info hold that.
 *
 * => no entry that maps the page can be written through, and no CPU remembers one; its leaf is locked; anonymous, or in the swap cache
 * => the slot, or 0: there is none, or the one that it has is of no use just now. *write: the content is to be written by the caller (swap_write)
 */
__must_check uint32_t swap_out_page(struct core_map_entry *page, bool *write);

/*
 * Write pages that swap_out_page has said so of; frames that nobody maps by then come free. Those that cannot be written stay in the swap
 * cache, and are tried again later.
 *
 * => sleeps; no lock held; how many could not be written
 */
unsigned swap_write(struct core_map_entry *const *pages, unsigned count);

/* The frame that has a slot's content, with a reference; NULL: none has. */
struct core_map_entry *swap_find(uint32_t slot);

/*
 * Read a slot's content into a frame, and some of its neighbours' as well where that has been of use lately.
 *
 * => sleeps; no lock held; 0 and *page has a reference; -ENOMEM, -EIO; -EAGAIN: nobody holds the slot any more
 */
__must_check int swap_read(uint32_t slot, struct core_map_entry **page);

/* Whether a frame has that slot. => the caller holds a reference, and the slot is held by an info whose leaf is locked: then it stays so */
bool swap_page_has_slot(struct core_map_entry *page, uint32_t slot);

/*
 * A vpage_info that held the frame's slot is to hold the frame: it takes over the caller's reference. `take`: for writing.
 *
 * => swap_page_has_slot; the info's leaf is locked
 */
void swap_bring_in(struct core_map_entry *page, bool take);

/* Let a frame be only its one mapper's, without a slot, if it can be. => that mapper's leaf is locked; true: its references are 1 */
__must_check bool swap_take_over(struct core_map_entry *page);
bool swap_may_take_over(struct core_map_entry *page);

/* One reference less to a frame in the swap cache; for frame_put. */
void swap_frame_put(struct core_map_entry *page);

/*
 * Let frames go that only the swap cache holds, and whose slots have their content; from time to time write those that could not be written.
 *
 * => sleeps; no lock of a space held; how many
 */
unsigned swap_shrink_cache(unsigned target);

/* ---- Areas ---- */

/* One area, as /proc/swaps tells of it. */
struct swap_area_info {
    const char *name;     // NULL: there is no area of this number
    bool is_file;
    uint32_t pages, used; // that can be slots
    int priority;
};

/*
 * Use pages 1 .. pages - 1 of a device, without those in `bad`. Slots are taken where the priority is the highest, and where several have it in
 * turn, some pages each time. *priority below 0: one below all others, which it becomes.
 *
 * => 0, -EBUSY: it is in use; -EPERM: there are SWAP_AREAS; -ENOMEM
 */
__must_check int swap_add(const struct swap_ops *ops, void *device, uint32_t pages, int *priority, const uint32_t *bad,
                          unsigned bad_count);

/*
 * No page leaves for an area from now on, until who closed it opens it again, or removes it.
 *
 * => its number, for the caller alone; -EINVAL: it is not in use, or is closed already
 */
__must_check int swap_close(void *device);
void swap_open(int area);
bool swap_slot_in(uint32_t slot, int area);

/* Let the frames that have a slot there, and that no info needs, be without one. */
void swap_part_all(int area);

/* Bring everything back and forget the area; `stop` is asked from time to time. => sleeps; 0, -EINVAL, -ENOMEM, -EIO, -EINTR (stopped) */
__must_check int swap_off(void *device, bool (*stop)(void));

/* The same for an area that the caller has closed: if it fails, it is open again. */
__must_check int swap_off_closed(int area, bool (*stop)(void));

/* Forget an area. => closed; 0, or -EBUSY: some slot is still held */
__must_check int swap_remove(int area);

/* Tell of the areas, in order of their numbers. => false after the last one */
bool swap_area_info(unsigned number, struct swap_area_info *info);

/* ---- For verify ---- */

/* Let nothing be on its way to or from a device until this is undone. => sleeps; no lock of a space held */
void swap_pause(bool paused);

/*
 * An info holds a slot: it is taken off the slot's holders, or given back when `restore`. => paused, no space changes; false: there is no
 * such slot
 */
bool swap_verify_holder(uint32_t slot, bool restore);

/* Each slot: the holders that no info was found for, 0 if all is well (or negative), and its frame in the swap cache or NULL. */
void swap_verify_slots(void (*visit)(uint32_t slot, int32_t missing, struct core_map_entry *page, void *arg), void *arg);

#endif
