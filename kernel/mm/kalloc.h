// SPDX-License-Identifier: MIT
/*
 * kalloc.h - take and give back frames.
 *
 * All of these answer at once: NULL means that no memory is left. None of them may be called from an interrupt.
 */
#ifndef MM_KALLOC_H
#define MM_KALLOC_H

#include "lib/types.h"
#include "mm/core_map.h"

#define BUDDY_ORDERS 12 // runs of 1 to 2048 frames (8 MiB)

/* One frame for the kernel: its address in the kernel's map. Its content is undefined. NULL: no memory. */
__must_check void *kalloc(void);

/* Give back what kalloc returned. Panics on a double free, naming both owners. */
void kfree(void *kva);

/* One frame of a kind, with one reference. Its content is undefined, or zero. NULL: no memory. */
__must_check struct core_map_entry *frame_alloc(enum frame_kind kind);
__must_check struct core_map_entry *frame_alloc_zeroed(enum frame_kind kind);

/* A run of 2^order frames aligned to its size, each of them of the kind and with one reference. NULL: no such run. */
__must_check struct core_map_entry *frame_alloc_run(enum frame_kind kind, unsigned order);

/*
 * Give back a frame whose last reference has gone, or a run of them.
 *
 * => frame_free: refs is 0 already (frame_put does that); frame_free_run: each has exactly one reference
 */
void frame_free(struct core_map_entry *page);
void frame_free_run(struct core_map_entry *page, unsigned order);

/* Begin with every frame reserved. => core_map is there and zero */
void kalloc_init(void);

/* Let each of so many CPUs keep more frames for itself, if there is much memory. => once, at boot */
void kalloc_share(unsigned cpus);

/* Hand frames that were reserved so far to the allocator. => [first, first + count) is nobody's */
void kalloc_add_range(pfn_t first, pfn_t count);

/* Frames in use of a kind; FRAME_FREE counts those in CPUs' caches too. */
uint64_t frames_by_kind(enum frame_kind kind);

/*
 * Free frames as this CPU knew of them when it took some for itself last; 0 before. Unlike frames_by_kind it looks at nothing that other
 * CPUs write: for guesses.
 */
uint64_t frames_free_lately(void);

/* Change a frame's kind and the counts by kind with it. => the caller is its only user */
void frame_set_kind(struct core_map_entry *page, enum frame_kind kind);

/*
 * Call `wake` when fewer than `low` frames are free, and give the last `reserve` only to threads that say so: those whose work gives
 * memory back. It is called under spinlocks.
 */
void kalloc_set_marks(uint64_t low, uint64_t reserve, void (*wake)(void));

/* Whether so many frames are free that some may be taken for what is only likely to be needed. */
bool kalloc_has_plenty(void);

/* Let the running thread take frames of the reserve from now on, or not. => whether it could */
bool kalloc_use_reserve(bool use);

/*
 * Whether an allocation of the running thread, frame or small object, has failed since this was asked last. So who ends with -ENOMEM
 * is told apart: no memory, which reclaim may find, or no room for an address, a limit, a promise that cannot be made.
 */
bool kalloc_failed(void);
void kalloc_note_failure(void);

/* Give every CPU's cached frames back to the buddy allocator (for drop_caches and verify). */
void kalloc_drain(void);

/*
 * For verify: no frame is taken or given back between freeze and thaw, and each is either free, on a list, or in use.
 * visit is called for each frame on a free list or in a CPU's cache.
 *
 * => preemption is off between them
 */
void kalloc_freeze(void);
void kalloc_thaw(void);
void kalloc_for_each_free(void (*visit)(struct core_map_entry *page, void *arg), void *arg);

#endif
