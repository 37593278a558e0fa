// SPDX-License-Identifier: MIT
/*
 * smaps.c - /proc/PID/{smaps,smaps_rollup}: what the pages of each region, and of all, are.
 */
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/huge.h"
#include "mm/measure.h"
#include "mm/vregion.h"
#include "mm/vspace.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

static void put_kib(struct text *text, const char *name, uint64_t bytes)
{
    text_printf(text, "%-15s %8lu kB\n", name, bytes / 1024);
}

static void put_sums(struct text *text, const struct page_sums *sums, uint64_t locked, bool rollup)
{
    put_kib(text, "Rss:", sums->resident);
    put_kib(text, "Pss:", sums->proportional);
    put_kib(text, "Pss_Dirty:", sums->proportional_dirty);
    if (rollup) {
        put_kib(text, "Pss_Anon:", MIN(sums->anonymous, sums->proportional));
        put_kib(text, "Pss_File:", sums->proportional - MIN(sums->anonymous, sums->proportional));
        put_kib(text, "Pss_Shmem:", 0);
    }
    put_kib(text, "Shared_Clean:", sums->shared_clean);
    put_kib(text, "Shared_Dirty:", sums->shared_dirty);
    put_kib(text, "Private_Clean:", sums->private_clean);
    put_kib(text, "Private_Dirty:", sums->private_dirty);
    put_kib(text, "Referenced:", sums->referenced);
    put_kib(text, "Anonymous:", sums->anonymous);
    put_kib(text, "LazyFree:", 0);
    put_kib(text, "AnonHugePages:", sums->huge);
    put_kib(text, "ShmemPmdMapped:", 0);
    put_kib(text, "FilePmdMapped:", 0);
    put_kib(text, "Shared_Hugetlb:", 0);
    put_kib(text, "Private_Hugetlb:", 0);
    put_kib(text, "Swap:", sums->swapped);
    put_kib(text, "SwapPss:", sums->swapped_proportional);
    put_kib(text, "Locked:", locked);
}

/* Two letters for each flag, in Linux's order. */
static void put_flags(struct text *text, const struct vregion *region)
{
    const struct {
        const char *letters;
        bool set;
    } flags[] = {
        {"rd", region->prot & VR_READ},         {"wr", region->prot & VR_WRITE},
        {"ex", region->prot & VR_EXEC},         {"sh", region->shared},
        {"mr", region->max_prot & VR_READ},     {"mw", region->max_prot & VR_WRITE},
        {"me", region->max_prot & VR_EXEC},     {"ms", region->shared},
        {"gd", region->dir == VR_DOWN},         {"lo", region->flags & VR_LOCKED},
        {"dc", region->flags & VR_DONTFORK},    {"ac", region->commit == VR_COMMITTED},
        {"wf", region->flags & VR_WIPEONFORK},  {"dd", region->flags & VR_DONTDUMP},
        {"hg", region->flags & VR_HUGEPAGE},    {"nh", region->flags & VR_NOHUGEPAGE},
    };

    text_puts(text, "VmFlags: ");
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].set)
            text_printf(text, "%s ", flags[i].letters);
    text_puts(text, "\n");
}

static void put_detail(struct text *text, struct vspace *space, const struct vregion *region, void *arg)
{
    struct page_sums sums = {0};

    (void)arg;
    vspace_sum_pages(space, vregion_start(region), vregion_end(region), &sums);
    put_kib(text, "Size:", region->size);
    put_kib(text, "KernelPageSize:", PAGE_SIZE);
    put_kib(text, "MMUPageSize:", PAGE_SIZE);
    put_sums(text, &sums, region->flags & VR_LOCKED ? sums.proportional : 0, false);
    text_printf(text, "THPeligible:    %d\n", huge_is_eligible(space, region));
    put_flags(text, region);
}

int show_smaps(const struct proc_inode *inode, struct text *text)
{
    return maps_show(inode, text, put_detail, NULL);
}

struct rollup {
    struct page_sums sums;
    uint64_t locked;        // of sums.proportional
    vaddr_t start, end;
};

static void add_region(struct text *text, struct vspace *space, const struct vregion *region, void *arg)
{
    struct rollup *rollup = arg;
    uint64_t before = rollup->sums.proportional;

    (void)text;
    if (!rollup->end)
        rollup->start = vregion_start(region);
    rollup->end = vregion_end(region);
    vspace_sum_pages(space, vregion_start(region), vregion_end(region), &rollup->sums);
    if (region->flags & VR_LOCKED)
        rollup->locked += rollup->sums.proportional - before;
}

int show_smaps_rollup(const struct proc_inode *inode, struct text *text)
{
    struct rollup rollup = {0};
    int error = maps_visit(inode, text, add_region, &rollup);
    size_t line = text->size;

    if (error || !rollup.end)
        return error ? error : -ESRCH;
    text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0 ", rollup.start, rollup.end);
    text_pad(text, line + MAPS_NAME_COLUMN);
    text_puts(text, " [rollup]\n");
    put_sums(text, &rollup.sums, rollup.locked, true);
    return 0;
}
