// SPDX-License-Identifier: MIT
/*
 * memory.c - /proc/meminfo and /proc/vmstat.
 *
 * Lines have Linux's names where Linux means the same; what we do not keep is left out rather than told as 0, but for
 * what is 0 indeed: there are no buffers, no swap, nothing to write back.
 */
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/kalloc.h"
#include "mm/stat.h"
#include "sys/memory_info.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

/* "MemTotal:       " is 16 wide, the number 8. */
static void put_line(struct text *text, const char *name, uint64_t pages)
{
    text_printf(text, "%-16s%8lu kB\n", name, pages * KIB_PER_PAGE);
}

int show_meminfo(const struct proc_inode *inode, struct text *text)
{
    struct memory_info info;

    (void)inode;
    memory_info(&info);
    put_line(text, "MemTotal:", info.total);
    put_line(text, "MemFree:", info.free);
    put_line(text, "MemAvailable:", info.available);
    put_line(text, "Buffers:", 0);
    put_line(text, "Cached:", info.cached);
    put_line(text, "SwapCached:", 0);
    put_line(text, "SwapTotal:", 0);
    put_line(text, "SwapFree:", 0);
    put_line(text, "Dirty:", 0);
    put_line(text, "Writeback:", 0);
    put_line(text, "AnonPages:", info.anonymous);
    put_line(text, "Shmem:", info.shared);
    put_line(text, "KReclaimable:", 0);
    put_line(text, "Slab:", info.slab);
    put_line(text, "SReclaimable:", 0);
    put_line(text, "SUnreclaim:", info.slab);
    put_line(text, "KernelStack:", info.stacks);
    put_line(text, "PageTables:", info.page_tables);
    return 0;
}

static void put_counter(struct text *text, const char *name, uint64_t value)
{
    text_printf(text, "%s %lu\n", name, value);
}

int show_vmstat(const struct proc_inode *inode, struct text *text)
{
    struct memory_info info;

    (void)inode;
    memory_info(&info);
    put_counter(text, "nr_free_pages", info.free);
    put_counter(text, "nr_anon_pages", info.anonymous);
    put_counter(text, "nr_file_pages", info.cached);
    put_counter(text, "nr_shmem", info.shared);
    put_counter(text, "nr_slab_unreclaimable", info.slab);
    put_counter(text, "nr_page_table_pages", info.page_tables);
    put_counter(text, "nr_kernel_stack", info.stacks * KIB_PER_PAGE);
    for (int event = 0; event < VM_EVENTS; event++)
        put_counter(text, vm_event_name(event), vm_total(event));
    return 0;
}
