// SPDX-License-Identifier: MIT
/*
 * tlb.h - tell the CPUs that entries of a vspace have changed.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "lib/types.h"

struct vspace;

/*
 * Make every CPU that may use translations of [start, end) forget them, and wait until they have. One that idles with the
 * space's tables forgets them later, before it uses any.
 *
 * => the entries are written; no spinlock held. Only for entries that lost rights or changed frames: a new mapping where
 *    there was none needs no flush
 */
void tlb_flush_range(struct vspace *space, vaddr_t start, vaddr_t end);

/* The same for everything, paths through nodes included: after a change above a leaf. */
void tlb_flush_space(struct vspace *space);

/* Make every CPU forget translations of [start, end) of whatever space it has loaded, and wait until they have: for a leaf of several. */
void tlb_flush_all_spaces(vaddr_t start, vaddr_t end);

/*
 * The same, and idle CPUs give the space's tables up: before nodes below which [start, end) lay go.
 *
 * => as tlb_flush_range
 */
void tlb_flush_nodes(struct vspace *space, vaddr_t start, vaddr_t end);

/*
 * Flush one page if no CPU but this one may hold it, without waiting for anybody.
 *
 * => preemption off, so a node's lock may be held; false: nothing was done, other CPUs must be told
 */
__must_check bool tlb_try_flush_here(struct vspace *space, vaddr_t va);

/*
 * Make every CPU forget these pages, whatever it has loaded. The direct map never changes, so this is for kernel stacks; and each CPU
 * that runs is interrupted once, which is a barrier for it.
 *
 * => no spinlock held
 */
void tlb_flush_everywhere(const vaddr_t *pages, unsigned count);

/* Above so many pages a range is flushed by forgetting everything. docs/mm.md tells why so many. */
extern _Atomic uint32_t tlb_flush_pages_max;

/* Answer other CPUs' requests. => once, at boot */
void tlb_init(void);

#endif
