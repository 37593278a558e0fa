// SPDX-License-Identifier: MIT
#include "mm/stat.h"

struct vm_counters vm_counters[MAX_CPUS];

static const char *const names[VM_EVENTS] = {
    [VM_PGALLOC] = "pgalloc_normal",
    [VM_PGFREE] = "pgfree",
    [VM_PGFAULT] = "pgfault",
    [VM_PGMAJFAULT] = "pgmajfault",
    [VM_STACK_GROWN] = "stack_grown",
    [VM_COW_COPIED] = "cow_copied",
    [VM_COW_TAKEN_OVER] = "cow_taken_over",
    [VM_NODE_COPIED] = "node_copied",
    [VM_NODE_TAKEN_OVER] = "node_taken_over",
    [VM_THP_FAULT_ALLOC] = "thp_fault_alloc",
    [VM_THP_FAULT_FALLBACK] = "thp_fault_fallback",
    [VM_THP_SPLIT_PAGE] = "thp_split_page",
    [VM_THP_SPLIT_PMD] = "thp_split_pmd",
    [VM_ZERO_FILLED] = "zero_filled",
    [VM_ZERO_FILLED_AHEAD] = "zero_filled_ahead",
    [VM_FILE_COPIED] = "file_copied",
    [VM_TLB_FLUSH_PAGE] = "tlb_flush_page",
    [VM_TLB_FLUSH_ALL] = "tlb_flush_all",
    [VM_TLB_FLUSH_ABOVE] = "tlb_flush_above",
    [VM_PSWPIN] = "pswpin",
    [VM_PSWPOUT] = "pswpout",
    [VM_PGSCAN] = "pgscan",
    [VM_PGSTEAL] = "pgsteal",
    [VM_TLB_SHOOTDOWN] = "tlb_shootdown",
    [VM_TLB_SHOOTDOWN_IDLE] = "tlb_shootdown_idle",
    [VM_NR_DIRTIED] = "nr_dirtied",
    [VM_NR_WRITTEN] = "nr_written",
};

uint64_t vm_total(enum vm_event event)
{
    uint64_t total = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        total += atomic_load_explicit(&vm_counters[cpu].events[event], memory_order_relaxed);
    return total;
}

const char *vm_event_name(enum vm_event event)
{
    return names[event];
}
