// SPDX-License-Identifier: MIT
#include <string.h>

#include "arch/x86/pte.h"
#include "describe.h"
#include "mm/core_map.h"
#include "mm/vregion.h"
#include "pages.h"

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

const struct mirror_process *describe_process(const struct picture *picture, int pid)
{
    const struct mirror_process *found = NULL;

    for (size_t i = 0; i < picture->processes.count; i++) {
        const struct mirror_process *process = &picture->processes.array[i];
        if (!process->space || !picture_space_at(picture, process->space) || (pid && process->pid != pid))
            continue;
        if (!found || found->pid == 1)
            found = process;
    }
    return found;
}

/* ---- All of memory ---- */

static void put_frames(struct text *text, const struct picture *picture)
{
    uint32_t kinds[UINT8_MAX + 1] = {0};

    for (uint32_t pfn = 0; pfn < picture->frames; pfn++)
        kinds[picture->frame[pfn].kind]++;
    text_puts(text, "\n  frames       KiB  kind\n");
    for (unsigned kind = 0; picture_kind_name(kind); kind++)
        if (kinds[kind])
            text_printf(text, "%8u  %8llu  %s\n", kinds[kind], (unsigned long long)kinds[kind] * KIB_PER_PAGE, picture_kind_name(kind));
}

static uint64_t resident_pages(const struct picture *picture, const struct picture_space *space)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < space->count; i++) {
        struct page_counts counts;
        pages_count(picture, space, &space->array[i], &counts);
        for (unsigned state = PAGE_OWN; state < PAGE_STATES; state++)
            pages += state == PAGE_SWAPPED || state == PAGE_ZEROS ? 0 : counts.states[state];
    }
    return pages;
}

static void put_processes(struct text *text, const struct picture *picture)
{
    text_puts(text, "\n   pid  parent  state  threads  space  resident KiB  name\n");
    for (size_t i = 0; i < picture->processes.count; i++) {
        const struct mirror_process *process = &picture->processes.array[i];
        const struct picture_space *space = process->space ? picture_space_at(picture, process->space) : NULL;
        text_printf(text, "%6d  %6d  %5c  %7u  %5u  %12llu  %s\n", process->pid, process->parent, process->state, process->threads,
                    space ? space->id : 0, space ? (unsigned long long)(resident_pages(picture, space) * KIB_PER_PAGE) : 0,
                    process->name);
    }
}

/* ---- One space ---- */

static void put_region(struct text *text, const struct picture *picture, const struct picture_space *space, const struct mirror_region *region)
{
    struct page_counts counts;
    char prot[4];

    region_prot_text(region, prot);
    pages_count(picture, space, region, &counts);
    text_printf(text, "  %012llx-%012llx  %-4s  %s%c %8llu", (unsigned long long)region->start, (unsigned long long)region->end,
                region->grows_down ? "down" : "up", prot, region->shared ? 's' : 'p',
                (unsigned long long)(region->end - region->start) / 1024);
    for (unsigned state = PAGE_OWN; state < PAGE_STATES; state++)
        text_printf(text, " %6llu", (unsigned long long)counts.states[state]);
    text_puts(text, "  ");
    if (region->purpose != VR_GENERAL)
        text_printf(text, "[%s]", region_purpose_name(region));
    else if (region->file)
        text_printf(text, "%s +%#llx", region->file, (unsigned long long)region->offset);
    text_puts(text, counts.huge ? " (huge pages)\n" : "\n");
}

static void put_owners(struct text *text, const struct picture *picture, const struct picture_space *space)
{
    for (size_t i = 0; i < picture->processes.count; i++)
        if (picture->processes.array[i].space == space->address)
            text_printf(text, ", %s (%d)", picture->processes.array[i].name, picture->processes.array[i].pid);
}

static void put_space(struct text *text, const struct picture *picture, const struct picture_space *space)
{
    struct node_counts nodes = pages_count_nodes(picture, space);

    text_printf(text, "\nspace %u", space->id);
    put_owners(text, picture, space);
    text_printf(text, ": root in frame %u; %u page tables of its own, %u shared; heap %#llx-%#llx\n", space->root, nodes.own,
                nodes.shared, (unsigned long long)space->brk_start, (unsigned long long)space->brk);
    text_puts(text, "                                                            pages\n"
                    "  start        end           grows rights      KiB    own    cow  zeros   file shared   swap  backing\n");
    for (size_t i = 0; i < space->count; i++)
        put_region(text, picture, space, &space->array[i]);
}

/* ---- Its pages ---- */

/* Pages that are alike, one after the other. */
struct page_run {
    struct text *text;
    uint64_t start, count; // count 0: none yet
    struct page_view first;
};

static void put_rights(struct text *text, uint64_t entry)
{
    if (!(entry & PTE_BIT_PRESENT))
        text_puts(text, "no entry");
    else
        text_printf(text, "entry r%c%c%s%s", entry & PTE_BIT_WRITABLE ? 'w' : '-', entry & PTE_BIT_NOEXEC ? '-' : 'x',
                    entry & PTE_BIT_ACCESSED ? " accessed" : "", entry & PTE_BIT_DIRTY ? " dirty" : "");
}

static void run_end(struct page_run *run)
{
    const struct page_view *page = &run->first;

    if (run->count == 0)
        return;
    text_printf(run->text, "    %012llx  %5llu  %-13s ", (unsigned long long)run->start, (unsigned long long)run->count,
                page_state_name(page->state));
    if (page->state == PAGE_SWAPPED)
        text_printf(run->text, "slot %#x", page->pfn);
    else if (page->state != PAGE_UNTOUCHED)
        text_printf(run->text, "frame %u, %u %s%s, %s, ", page->pfn, page->refs, page->refs == 1 ? "reference" : "references",
                    page->node_shared ? " below a shared table" : "", page->info & VPI_WRITABLE ? "writable" : "not writable");
    put_rights(run->text, page->entry);
    text_puts(run->text, page->huge ? ", huge\n" : "\n");
    run->count = 0;
}

static bool run_continues(const struct page_run *run, uint64_t va, const struct page_view *page)
{
    const struct page_view *first = &run->first;
    uint64_t bits = ~PTE_ADDRESS_MASK, distance = page->state == PAGE_ZEROS ? 0 : run->count;

    return run->count > 0 && va == run->start + run->count * PAGE_SIZE && page->state == first->state && page->refs == first->refs &&
           page->pfn == first->pfn + distance && (page->info & bits) == (first->info & bits) &&
           (page->entry & bits) == (first->entry & bits) && page->node_shared == first->node_shared && page->huge == first->huge;
}

static void visit_page(void *arg, uint64_t va, const struct page_view *page)
{
    struct page_run *run = arg;

    if (!run_continues(run, va, page)) {
        run_end(run);
        run->start = va;
        run->first = *page;
    }
    run->count++;
}

static void put_pages(struct text *text, const struct picture *picture, const struct picture_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        struct page_run run = {.text = text};
        text_printf(text, "\n  pages of %012llx-%012llx\n", (unsigned long long)space->array[i].start, (unsigned long long)space->array[i].end);
        pages_visit(picture, space, &space->array[i], visit_page, &run);
        run_end(&run);
    }
}

void describe_text(struct text *text, const struct about *about, const struct picture *picture, int pid)
{
    const struct mirror_process *process = pid ? describe_process(picture, pid) : NULL;

    text_printf(text, "%llu KiB, %u frames, %s, %u %s; kernel %.12s\n", (unsigned long long)about->memory >> 10, picture->frames,
                about->machine, about->cpus, about->cpus == 1 ? "CPU" : "CPUs", about->build);
    put_frames(text, picture);
    put_processes(text, picture);
    for (size_t i = 0; i < picture->spaces.count; i++) {
        const struct picture_space *space = &picture->spaces.array[i];
        if (process && space->address != process->space)
            continue;
        put_space(text, picture, space);
        if (process)
            put_pages(text, picture, space);
    }
}
