// SPDX-License-Identifier: MIT
/*
 * verify.c - the invariants of docs/mm.md, checked from all roots.
 *
 * Theory      With every space locked for writing no fault, map or fork is under way, so the references that core_map counts
 *             must be those that can be found: entries of nodes, infos of leaves, page caches. They are recounted in
 *             core_map itself (frame_recount), so that verify needs no memory. An entry weaker than its metadata allows is
 *             fine (it is filled at the next fault); a stronger one never is.
 * Locking     The list of spaces, then all of them in the list's order. Frames that system calls have pinned (a page under
 *             read(2)) may have more references than are found: tolerated for kinds file and swap only.
 */
#include "mm/verify.h"

#include <stdarg.h>

#include "arch/x86/paging.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/vpage.h"
#include "mm/vspace.h"
#include "mm/watch.h"

#define LINES_MAX 64
#define UNREFERENCED_MAX 8       // as many as CPUs: each can be freeing one
#define FREEING_LOOKS 100000000u // about a second: who frees one has preemption off and waits for our lock only, but the
                                 // emulator may have taken its CPU away

/* One run of verify. */
struct check {
    struct verify_report *report;
    struct vspace *space;           // under check
    bool again;                     // below a node that another space owns too and that was counted there
    uint64_t free_found, huge_found;
    struct core_map_entry *unreferenced[UNREFERENCED_MAX]; // frames in use without a reference: perhaps being freed
    unsigned unreferenced_count;
};

static void __printf_like(3, 4) violated(struct check *check, enum invariant invariant, const char *format, ...)
{
    char text[160];
    va_list arguments;

    check->report->broken |= 1u << invariant;
    if (check->report->violations++ >= LINES_MAX)
        return;
    int length = snprintf(text, sizeof text, "I%d ", invariant);
    va_start(arguments, format);
    vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    check->report->line(check->report->arg, text);
}

/* One reference more. => how many were found before */
static uint32_t found_reference(struct core_map_entry *page)
{
    uint32_t before = frame_recount(page);

    frame_set_recount(page, before + 1);
    return before;
}

/* ---- Regions ---- */

static void check_regions(struct check *check)
{
    vaddr_t last_end = USER_MIN;
    uint64_t promised = 0;

    for (struct vregion *region = vregion_lowest(check->space); region; region = vregion_next(region)) {
        vaddr_t start = vregion_start(region), end = vregion_end(region);
        if (region->size == 0 || !IS_ALIGNED(start | end, PAGE_SIZE) || start < last_end || end > USER_END)
            violated(check, I6_REGIONS_SORTED, "region [%#lx, %#lx) overlaps, is empty, unaligned or out of order", start,
                     end);
        last_end = end;
        promised += region->commit == VR_COMMITTED ? region->size >> PAGE_SHIFT : 0;
    }
    if (promised != check->space->committed)
        violated(check, I22_PROMISES, "a space's regions are promised %lu pages, it counts %lu", promised, check->space->committed);
}

/* ---- Leaves ---- */

static void check_entry(struct check *check, const struct vregion *region, const struct vpage_info *info, pte_t entry,
                        vaddr_t va)
{
    enum invariant rights = check->again ? I17_SHARED_REGIONS : I9_ENTRY_RIGHTS;
    pte_t allowed = vpage_entry(region, info);

    if (!pte_is_present(entry))
        return;
    if (!info->present || pte_pa(entry) != (paddr_t)info->ppn << PAGE_SHIFT)
        violated(check, I8_ENTRY_FRAME, "page %#lx: the entry maps %#lx, its vpage_info says %s %#lx", va, pte_pa(entry),
                 info->present ? "frame" : "absent, last at", (uint64_t)info->ppn << PAGE_SHIFT);
    if (!pte_is_present(allowed) || (pte_is_writable(entry) && !pte_is_writable(allowed)) ||
        (pte_is_exec(entry) && !pte_is_exec(allowed)))
        violated(check, rights, "page %#lx: the entry allows%s%s, which region, metadata and references do not",
                 va, pte_is_writable(entry) ? " writing" : " reading", pte_is_exec(entry) ? " executing" : "");
}

/* => the region and frame of a page in use; NULL after a complaint */
static struct vregion *check_used(struct check *check, const struct vpage_info *info, vaddr_t va)
{
    struct vregion *region = va2vregion(check->space, va);

    if (!region)
        violated(check, check->again ? I17_SHARED_REGIONS : I7_PAGE_IN_REGION, "page %#lx is in use but lies in no region%s",
                 va, check->again ? " of another owner" : "");
    else if (info->present && !pfn_is_valid(info->ppn))
        violated(check, I8_ENTRY_FRAME, "page %#lx: no frame has the number %#lx", va, (uint64_t)info->ppn);
    else
        return region;
    return NULL;
}

/* Whether the frame of a page in use is one that the region can have there. */
static void check_file_page(struct check *check, const struct vregion *region, const struct vpage_info *info, vaddr_t va)
{
    const struct core_map_entry *page = vpage_frame(info);

    if (frame_kind(page) != FRAME_FILE) {
        if (region->shared)
            violated(check, I18_FILE_PAGE, "page %#lx of a shared region is in a frame of kind %s", va,
                     frame_kind_name(frame_kind(page)));
    } else if (page->file.cache != region->file || page->file.index != vregion_file_index(region, va)) {
        violated(check, I18_FILE_PAGE, "page %#lx is in a frame that its file does not have there", va);
    } else if (info->writable && region->file->ops && region->file->ops->write && !page->file.dirty && !page->file.writing) {
        violated(check, I21_DIRTY_PAGE, "page %#lx can be written to, and its file does not know that it is dirty", va);
    }
}

/* A page that is in swap. */
static void check_slot(struct check *check, const struct core_map_entry *leaf, const struct vpage_info *info, pte_t entry,
                       vaddr_t va)
{
    if (!pte_is_none(entry))
        violated(check, I8_ENTRY_FRAME, "page %#lx is in swap, but has an entry", va);
    if (!leaf->has_slots)
        violated(check, I20_SLOT_HOLDERS, "page %#lx is in swap, but its leaf does not say that such pages are", va);
    if (!check->again && !swap_verify_holder((uint32_t)info->ppn, false))
        violated(check, I20_SLOT_HOLDERS, "page %#lx: there is no slot %#lx", va, (uint64_t)info->ppn);
}

static void check_page(struct check *check, struct core_map_entry *leaf, unsigned index, vaddr_t va)
{
    struct vpage_info *info = leaf_covers(leaf, va) ? leaf_info(leaf, va) : NULL;
    pte_t entry = pte_load(&node_entries(leaf)[index]);
    if (!info || !info->used) {
        if (!pte_is_none(entry))
            violated(check, I8_ENTRY_FRAME, "page %#lx: an entry for a page that is not in use", va);
        return;
    }
    struct vregion *region = check_used(check, info, va);
    if (!region)
        return;
    if (!info->present) {
        check_slot(check, leaf, info, entry, va);
        return;
    }
    check_entry(check, region, info, entry, va);
    check_file_page(check, region, info, va);
    if (!check->again)
        found_reference(vpage_frame(info));
}

/* The frame that a leaf's infos lie in; NULL: there are none to look at. */
static struct core_map_entry *infos_frame(const struct core_map_entry *leaf)
{
    unsigned part = leaf->node.part;

    if (!leaf->node.vpi || part > PTES_PER_NODE / PART_INFOS)
        return NULL;
    struct core_map_entry *page = kva2page(&leaf->node.vpi->info[part ? (part - 1) * PART_INFOS : 0]);
    return frame_kind(page) == (part ? FRAME_SLAB : FRAME_VPI) ? page : NULL;
}

/* => whether there are infos to look at */
static bool check_infos(struct check *check, struct core_map_entry *leaf, vaddr_t base)
{
    struct core_map_entry *page = infos_frame(leaf);

    if (!page) {
        violated(check, I14_NODE_KIND, "leaf over %#lx has no vpi_page", base);
        return false;
    }
    if (!leaf->node.part && !check->again)
        found_reference(page);
    return true;
}

static void check_leaf(struct check *check, struct core_map_entry *leaf, vaddr_t base)
{
    unsigned live = 0;

    if (!check_infos(check, leaf, base))
        return;
    for (unsigned i = 0; i < PTES_PER_NODE; i++) {
        vaddr_t va = base + i * PAGE_SIZE;
        check_page(check, leaf, i, va);
        if (!leaf_covers(leaf, va) || !leaf_info(leaf, va)->used)
            continue;
        live++;
        if (leaf->node.live > 0 && (i < leaf_first(leaf) || i > leaf_last(leaf)))
            violated(check, I10_NODE_COUNTS, "leaf over %#lx: page %u is outside its bounds", base, i);
    }
    if (live != leaf->node.live)
        violated(check, I10_NODE_COUNTS, "leaf over %#lx: %u pages in use, it counts %u", base, live, leaf->node.live);
}

/* ---- Nodes ---- */

static bool check_place(struct check *check, const struct core_map_entry *node, int level, vaddr_t base)
{
    if (frame_kind(node) != FRAME_NODE) {
        violated(check, I14_NODE_KIND, "node over %#lx lies in a %s frame", base, frame_kind_name(frame_kind(node)));
        return false;
    }
    if (node->level == level && (vaddr_t)node->node.base_2m * LEAF_SPAN == base)
        return true;
    violated(check, I11_NODE_PLACE, "node over %#lx at level %d says level %u, base %#lx", base, level, node->level,
             (vaddr_t)node->node.base_2m * LEAF_SPAN);
    return false;
}

static void check_node(struct check *check, struct core_map_entry *node, int level, vaddr_t base);

static void bad_huge(struct check *check, vaddr_t base, const char *what)
{
    violated(check, I23_HUGE_PAGE, "the huge entry over %#lx %s", base, what);
}

/* Whether all that a huge entry, at any of its pages, lets a program do is right. */
static void check_huge_rights(struct check *check, const struct core_map_entry *leaf, pte_t entry, vaddr_t base)
{
    for (unsigned i = 0; i < PTES_PER_NODE; i++) {
        const struct vregion *region = va2vregion(check->space, base + i * PAGE_SIZE);
        pte_t allowed = region ? vpage_entry(region, &leaf->node.vpi->info[i]) : pte_none();
        if (pte_is_present(allowed) && (pte_is_writable(allowed) || !pte_is_writable(entry)) &&
            (pte_is_exec(allowed) || !pte_is_exec(entry)))
            continue;
        bad_huge(check, base, "allows what one of its pages does not");
        return;
    }
}

/* A huge entry, its run, and the leaf behind it. => the leaf; NULL if there is none */
static struct core_map_entry *check_huge(struct check *check, const struct core_map_entry *node, pte_t entry, vaddr_t base)
{
    struct core_map_entry *run = pa2page(pte_pa(entry)), *leaf = run->huge.leaf;

    if (node->level != LEAF_LEVEL + 1 || !IS_ALIGNED(page2pfn(run), PTES_PER_NODE) || frame_kind(run) != FRAME_HUGE ||
        leaf < core_map || leaf >= core_map + core_map_frames || frame_kind(leaf) != FRAME_NODE || leaf->level != LEAF_LEVEL) {
        bad_huge(check, base, "maps no run that knows a leaf");
        return NULL;
    }
    if (!leaf->is_huge || !node->is_huge)
        bad_huge(check, base, "is not known to its leaf, or to the node above");
    if (leaf->node.part || !leaf->node.vpi)
        return leaf; // I14, or told above
    for (unsigned i = 0; i < PTES_PER_NODE; i++)
        if (!leaf->node.vpi->info[i].used || vpage_frame(&leaf->node.vpi->info[i]) != &run[i]) {
            bad_huge(check, base, "has a page behind it that is not in its run");
            return leaf;
        }
    check_huge_rights(check, leaf, entry, base);
    check->huge_found += frame_recount(leaf) == 0; // the first time that it is met
    return leaf;
}

/* The node that an entry leads to. => NULL after a complaint */
static struct core_map_entry *check_target(struct check *check, const struct core_map_entry *node, pte_t entry, vaddr_t base)
{
    if (!pfn_is_valid(PGNUM(pte_pa(entry)))) {
        violated(check, I14_NODE_KIND, "entry over %#lx points to no frame", base);
        return NULL;
    }
    if (pte_is_large(entry))
        return check_huge(check, node, entry, base);
    struct core_map_entry *child = pa2page(pte_pa(entry));
    if (child->level == LEAF_LEVEL && frame_kind(child) == FRAME_NODE && child->is_huge)
        bad_huge(check, base, "is none, but leads to a huge leaf");
    return child;
}

/* One entry above a leaf. => whether it is live */
static bool check_child(struct check *check, struct core_map_entry *node, unsigned index, vaddr_t base)
{
    pte_t entry = pte_load(&node_entries(node)[index]);
    if (!pte_is_present(entry))
        return false;
    struct core_map_entry *child = check_target(check, node, entry, base);
    if (!child)
        return true;
    if (frame_refs(child) > 1 && pte_is_writable(entry))
        violated(check, I3_SHARED_NODE_WRITE, "entry over %#lx is writable, its node has %u owners", base,
                 frame_refs(child));
    check_node(check, child, node->level - 1, base);
    return true;
}

static void check_children(struct check *check, struct core_map_entry *node, vaddr_t base)
{
    unsigned live = 0, count = node->level == ROOT_LEVEL ? PTES_PER_NODE / 2 : PTES_PER_NODE;

    for (unsigned i = 0; i < count; i++) {
        if (!check_child(check, node, i, base + ((vaddr_t)i << level_shift(node->level))))
            continue;
        live++;
        if (!(node->node.groups >> i / GROUP & 1))
            violated(check, I10_NODE_COUNTS, "node over %#lx: entry %u is in none of its groups", base, i);
    }
    if (live != node->node.live)
        violated(check, I10_NODE_COUNTS, "node over %#lx: %u live entries, it counts %u", base, live, node->node.live);
}

static void check_node(struct check *check, struct core_map_entry *node, int level, vaddr_t base)
{
    if (!check_place(check, node, level, base))
        return;
    bool outer = check->again;
    if (!outer && found_reference(node) > 0)
        check->again = true; // a shared node: what it owns is counted once, and fits the regions of each owner
    if (level == LEAF_LEVEL)
        check_leaf(check, node, base);
    else
        check_children(check, node, base);
    check->again = outer;
}

static void check_kernel_half(struct check *check)
{
    const pte_t *ours = node_entries(check->space->root), *boot = P2V(paging_kernel_root());

    for (unsigned i = PTES_PER_NODE / 2; i < PTES_PER_NODE; i++)
        if (!pte_same(ours[i], boot[i])) {
            violated(check, I13_KERNEL_HALF, "a root's entry %u differs from the kernel's own", i);
            return;
        }
}

static void check_space(struct check *check, struct vspace *space)
{
    check->space = space;
    check_regions(check);
    check_kernel_half(check);
    check_node(check, space->root, ROOT_LEVEL, 0);
}

/* ---- Files ---- */

/* Do `step` to the file of every region of every space. */
static void for_each_file(struct check *check, struct list *spaces, void (*step)(struct check *, struct page_cache *))
{
    struct vspace *space;

    list_for_each_entry(space, spaces, link)
        for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region))
            if (region->file)
                step(check, region->file);
}

static void begin_file(struct check *check, struct page_cache *file)
{
    (void)check;
    file->recount = 0;
}

static void count_region(struct check *check, struct page_cache *file)
{
    (void)check;
    file->recount++;
}

static void compare_file(struct check *check, struct page_cache *file)
{
    if (file->recount > atomic_load(&file->mapped))
        violated(check, I19_FILE_REGIONS, "a file is mapped by %u regions, and counts %u", file->recount,
                 atomic_load(&file->mapped));
    file->recount = 0; // told once
}

/* A region that is about to be inserted is counted already. */
static void check_files(struct check *check, struct list *spaces)
{
    for_each_file(check, spaces, begin_file);
    for_each_file(check, spaces, count_region);
    for_each_file(check, spaces, compare_file);
}

/* ---- Slots ---- */

static void check_slot_counts(uint32_t slot, int32_t missing, struct core_map_entry *page, void *arg)
{
    if (missing != 0)
        violated(arg, I20_SLOT_HOLDERS, "slot %#x has %d holders more than are found", slot, missing);
    if (page && (frame_kind(page) != FRAME_SWAP || page->swap.slot != slot))
        violated(arg, I20_SLOT_HOLDERS, "slot %#x: frame %#lx of the swap cache does not know it", slot, page2pa(page));
    if (page)
        found_reference(page);
}

static void restore_leaf(struct core_map_entry *leaf)
{
    for (unsigned i = 0; infos_frame(leaf) && i < PTES_PER_NODE; i++) {
        vaddr_t va = leaf_base(leaf) + i * PAGE_SIZE;
        if (leaf_covers(leaf, va) && vpage_is_swapped(*leaf_info(leaf, va)))
            (void)swap_verify_holder((uint32_t)leaf_info(leaf, va)->ppn, true);
    }
}

/* Give back to the slots what the walk has taken off: once for each leaf, as it was taken. => `node` was counted */
static void restore_slots(struct core_map_entry *node)
{
    unsigned count = node->level == ROOT_LEVEL ? PTES_PER_NODE / 2 : PTES_PER_NODE;

    frame_set_recount(node, 0);
    if (node->level == LEAF_LEVEL)
        return restore_leaf(node);
    for (unsigned i = 0; i < count; i++) {
        pte_t entry = pte_load(&node_entries(node)[i]);
        if (!pte_is_present(entry) || !pfn_is_valid(PGNUM(pte_pa(entry))))
            continue;
        struct core_map_entry *child = pa2page(pte_pa(entry));
        if (frame_kind(child) == FRAME_NODE && frame_recount(child) > 0)
            restore_slots(child);
    }
}

/* ---- Frames ---- */

static void count_cached(struct page_cache *cache, uint64_t index, struct core_map_entry *page, void *arg)
{
    if (frame_kind(page) != FRAME_FILE || page->file.cache != cache || page->file.index != index)
        violated(arg, I15_CACHE_INDEX, "frame %#lx, page %#lx of a file, does not know it", page2pa(page), index);
    found_reference(page);
}

static void count_free(struct core_map_entry *page, void *arg)
{
    struct check *check = arg;

    check->free_found++;
    if (frame_kind(page) != FRAME_FREE || frame_refs(page) != 0 || found_reference(page) > 0)
        violated(check, I1_FREE_FRAMES, "frame %#lx is on a free list twice, or is a %s frame with %u references",
                 page2pa(page), frame_kind_name(frame_kind(page)), frame_refs(page));
}

/* Whether references of this kind are all found by the walk, so that the numbers must agree. */
static bool kind_is_counted(enum frame_kind kind)
{
    return kind == FRAME_NODE || kind == FRAME_VPI || kind == FRAME_ANON || kind == FRAME_HUGE ||
           kind == FRAME_FILE || kind == FRAME_SWAP;
}

/* By a system call under way, or a fault that has found the page in the swap cache and waits for its space. */
static bool may_be_pinned(enum frame_kind kind)
{
    return kind == FRAME_FILE || kind == FRAME_SWAP;
}

static bool is_unreferenced(const struct core_map_entry *page)
{
    enum frame_kind kind = frame_kind(page);

    return kind != FRAME_FREE && kind != FRAME_RESERVED && kind != FRAME_IMAGE && frame_refs(page) == 0;
}

/* Frames that had no reference while nobody could free one: those that still have none never will be freed. */
static void check_unreferenced(struct check *check)
{
    for (unsigned i = 0; i < check->unreferenced_count; i++) {
        struct core_map_entry *page = check->unreferenced[i];
        for (unsigned looks = 0; looks < FREEING_LOOKS && is_unreferenced(page); looks++)
            ;
        if (is_unreferenced(page))
            violated(check, I2_FRAMES_IN_USE, "%s frame %#lx is in use without a reference",
                     frame_kind_name(frame_kind(page)), page2pa(page));
    }
}

static void check_frame(struct check *check, struct core_map_entry *page)
{
    enum frame_kind kind = frame_kind(page);
    uint32_t refs = frame_refs(page), unfound = (refs - frame_recount(page)) % RECOUNT_RANGE;

    if (kind == FRAME_FREE && frame_recount(page) != 1)
        violated(check, I1_FREE_FRAMES, "free frame %#lx is on no free list", page2pa(page));
    if (is_unreferenced(page) && check->unreferenced_count < UNREFERENCED_MAX)
        check->unreferenced[check->unreferenced_count++] = page;
    if (!kind_is_counted(kind) || unfound == 0 || (may_be_pinned(kind) && unfound < RECOUNT_RANGE / 2))
        return;
    violated(check, kind == FRAME_NODE ? I4_NODE_OWNERS : I5_FRAME_REFERENCES, "%s frame %#lx: %u references, %u found",
             frame_kind_name(kind), page2pa(page), refs, frame_recount(page));
}

static void check_zero_frame(struct check *check)
{
    const uint64_t *words = page2kva(zero_page);

    for (size_t i = 0; i < PAGE_SIZE / sizeof *words; i++)
        if (words[i] != 0) {
            violated(check, I12_ZERO_FRAME, "the zero frame has %#lx at byte %zu", words[i], i * sizeof *words);
            return;
        }
}

static void check_counts(struct check *check)
{
    uint64_t counts[FRAME_KINDS] = {0};

    for (pfn_t pfn = 0; pfn < core_map_frames; pfn++)
        counts[frame_kind(&core_map[pfn])]++;
    for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
        if (counts[kind] != frames_by_kind(kind))
            violated(check, I16_FRAME_COUNTS, "%lu %s frames, counted %lu", counts[kind], frame_kind_name(kind),
                     frames_by_kind(kind));
}

static void check_frames(struct check *check)
{
    page_cache_for_each_page(count_cached, check);
    kalloc_freeze();
    kalloc_for_each_free(count_free, check);
    for (pfn_t pfn = 0; pfn < core_map_frames; pfn++)
        check_frame(check, &core_map[pfn]);
    check_counts(check);
    if (watch_control)
        watch_verify_moment();
    kalloc_thaw();
    check_unreferenced(check);
    check_zero_frame(check);
}

void verify_all(struct verify_report *report)
{
    struct check check = {.report = report};
    struct vspace *space;

    report->violations = 0;
    report->broken = 0;
    swap_pause(true);
    struct list *spaces = vspaces_lock();
    list_for_each_entry(space, spaces, link)
        rwlock_write_lock_nested(&space->lock);
    for (pfn_t pfn = 0; pfn < core_map_frames; pfn++)
        frame_set_recount(&core_map[pfn], 0);
    list_for_each_entry(space, spaces, link)
        if (space->root)
            check_space(&check, space);
    check_files(&check, spaces);
    if (check.huge_found != frames_by_kind(FRAME_HUGE))
        violated(&check, I23_HUGE_PAGE, "%lu huge entries' runs, but %lu frames of kind huge", check.huge_found,
                 frames_by_kind(FRAME_HUGE));
    swap_verify_slots(check_slot_counts, &check);
    check_frames(&check);
    list_for_each_entry(space, spaces, link)
        if (space->root)
            restore_slots(space->root);
    list_for_each_entry(space, spaces, link)
        rwlock_write_unlock(&space->lock);
    vspaces_unlock();
    swap_pause(false);
}
