// SPDX-License-Identifier: MIT
/*
 * memory.c - /proc/meminfo, /proc/vmstat and /proc/slabinfo.
 *
 * Lines have Linux's names where Linux means the same; what we do not keep is left out rather than told as 0, but for
 * what is 0 indeed: there are no buffers.
 */
#include "fs/swap_file.h"
#include "lib/string.h"
#include "lib/types.h"
#include "mm/commit.h"
#include "mm/core_map.h"
#include "mm/huge.h"
#include "mm/kalloc.h"
#include "mm/magazine.h"
#include "mm/page_cache.h"
#include "mm/slab.h"
#include "mm/stat.h"
#include "mm/swap.h"
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
    put_line(text, "SwapCached:", info.swap_cached);
    put_line(text, "SwapTotal:", info.swap_total);
    put_line(text, "SwapFree:", info.swap_free);
    put_line(text, "Dirty:", page_caches_dirty());
    put_line(text, "Writeback:", page_caches_writing());
    put_line(text, "AnonPages:", info.anonymous);
    put_line(text, "Shmem:", info.shared);
    put_line(text, "KReclaimable:", 0);
    put_line(text, "Slab:", info.slab);
    put_line(text, "SReclaimable:", 0);
    put_line(text, "SUnreclaim:", info.slab);
    put_line(text, "KernelStack:", info.stacks);
    put_line(text, "PageTables:", info.page_tables);
    put_line(text, "CommitLimit:", commit_limit());
    put_line(text, "Committed_AS:", commit_promised());
    put_line(text, "AnonHugePages:", frames_by_kind(FRAME_HUGE) << HUGE_ORDER);
    put_line(text, "FilePmdMapped:", 0);
    return 0;
}

/* A path with what would look like the end of a column, or of the line, as octal numbers. => its width */
static int put_path(struct text *text, const char *path)
{
    int width = 0;

    for (; *path; path++) {
        bool plain = !strchr(" \t\n\\", *path);
        text_printf(text, plain ? "%c" : "\\%03o", *path);
        width += plain ? 1 : 4;
    }
    return width;
}

/* As mm/swapfile.c of Linux prints it: columns by tabs, of which narrow numbers take two. */
static void put_area(struct text *text, const struct swap_area_info *area)
{
    unsigned long size = area->pages * KIB_PER_PAGE, used = area->used * KIB_PER_PAGE;
    int width = 40;

    if (!area->is_file)
        width -= put_path(text, "/dev/");
    width -= put_path(text, area->name);
    text_printf(text, "%*s%s\t%lu\t%s%lu\t%s%d\n", MAX(width, 1), " ", area->is_file ? "file\t" : "partition", size, size < 10000000 ? "\t" : "", used,
                used < 10000000 ? "\t" : "", area->priority);
}

int show_swaps(const struct proc_inode *inode, struct text *text)
{
    struct swap_area_info area;

    (void)inode;
    text_puts(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    swap_files_hold();
    for (unsigned i = 0; swap_area_info(i, &area); i++)
        if (area.name)
            put_area(text, &area);
    swap_files_release();
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
    put_counter(text, "nr_dirty", page_caches_dirty());
    put_counter(text, "nr_writeback", page_caches_writing());
    put_counter(text, "nr_shmem", info.shared);
    put_counter(text, "nr_slab_unreclaimable", info.slab);
    put_counter(text, "nr_page_table_pages", info.page_tables);
    put_counter(text, "nr_kernel_stack", info.stacks * KIB_PER_PAGE);
    put_counter(text, "nr_anon_transparent_hugepages", frames_by_kind(FRAME_HUGE));
    for (int event = 0; event < VM_EVENTS; event++)
        put_counter(text, vm_event_name(event), vm_total(event));
    struct magazine_counts magazines = magazine_counts();
    put_counter(text, "slab_magazine_hit", magazines.hits);
    put_counter(text, "slab_magazine_miss", magazines.misses);
    put_counter(text, "slab_magazine_drain", magazines.drains);
    return 0;
}

/* One line of slabinfo(5); names are one word there. Nothing is tuned here, and no frame is kept without being listed. */
static void put_slab(const struct slab_cache *cache, const struct slab_usage *usage, void *arg)
{
    char name[24];
    size_t i = 0;

    for (; cache->name[i] && i < sizeof name - 1; i++)
        name[i] = cache->name[i] == ' ' ? '_' : cache->name[i];
    name[i] = '\0';
    text_printf(arg, "%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6u\n", name, usage->used,
                usage->frames * cache->per_frame, cache->size, cache->per_frame, 1u, 0u, 0u, 0u, usage->frames, usage->frames, 0u);
}

int show_slabinfo(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_puts(text, "slabinfo - version: 2.1\n"
                    "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
                    "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    slab_for_each(put_slab, text);
    return 0;
}
