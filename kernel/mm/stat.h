// SPDX-License-Identifier: MIT
/*
 * stat.h - counters of the memory manager, for /proc/vmstat. Linux's names where Linux has the counter.
 */
#ifndef MM_STAT_H
#define MM_STAT_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/types.h"

enum vm_event {
    VM_PGALLOC,        // pgalloc_normal: frames handed out
    VM_PGFREE,         // pgfree: frames given back
    VM_PGFAULT,        // pgfault: page faults, user's and kernel's on user addresses
    VM_PGMAJFAULT,     // pgmajfault: those that waited for a device
    VM_STACK_GROWN,    // stack_grown: times a stack was extended
    VM_COW_COPIED,     // cow_copied: writes to a shared anonymous frame that copied it
    VM_COW_TAKEN_OVER, // cow_taken_over: writes that found to be the last owner
    VM_NODE_COPIED,    // node_copied: shared page-table pages copied to make a path private
    VM_NODE_TAKEN_OVER, // node_taken_over: page-table pages whose other owners had gone
    VM_THP_FAULT_ALLOC, // thp_fault_alloc: huge pages given to users
    VM_THP_FAULT_FALLBACK, // thp_fault_fallback: ... that were wanted, and could not be had
    VM_THP_SPLIT_PAGE, // thp_split_page: huge pages that no entry maps as such any more
    VM_THP_SPLIT_PMD,  // thp_split_pmd: huge entries that gave way to tables
    VM_ZERO_FILLED,    // zero_filled: zeroed frames given to users
    VM_ZERO_FILLED_AHEAD, // zero_filled_ahead: of those, by a fault on a page before
    VM_FILE_COPIED,    // file_copied: private copies made of file pages
    VM_TLB_FLUSH_PAGE, // tlb_flush_page: single pages flushed on this CPU
    VM_TLB_FLUSH_ALL,  // tlb_flush_all: whole flushes on this CPU
    VM_TLB_FLUSH_ABOVE, // tlb_flush_above: of those, for a range of more pages than are flushed one by one
    VM_PSWPIN,         // pswpin: pages read from swap
    VM_PSWPOUT,        // pswpout: pages written there
    VM_PGSCAN,         // pgscan: pages that reclaim has looked at
    VM_PGSTEAL,        // pgsteal: pages that it has taken from a mapping
    VM_TLB_SHOOTDOWN,  // tlb_shootdown: flushes that interrupted other CPUs
    VM_TLB_SHOOTDOWN_IDLE, // tlb_shootdown_idle: flushes that spared CPUs which idled
    VM_NR_DIRTIED,     // nr_dirtied: pages of files that became dirty
    VM_NR_WRITTEN,     // nr_written: those that were written to where the file is kept
    VM_EVENTS
};

extern struct vm_counters {
    _Atomic uint64_t events[VM_EVENTS];
} __attribute__((aligned(64))) vm_counters[MAX_CPUS];

/* Count n events on this CPU. Exact: the addition is atomic, should the thread move meanwhile. */
static inline void vm_count_n(enum vm_event event, uint64_t n)
{
    atomic_fetch_add_explicit(&vm_counters[cpu_id()].events[event], n, memory_order_relaxed);
}

static inline void vm_count(enum vm_event event)
{
    vm_count_n(event, 1);
}

/* The sum over all CPUs since boot, and the name in /proc/vmstat. */
uint64_t vm_total(enum vm_event event);
const char *vm_event_name(enum vm_event event);

#endif
