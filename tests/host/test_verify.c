// SPDX-License-Identifier: MIT
/* test_verify.c - verify names each invariant when it is broken, and only then. One corruption each, then the repair. */
#include "support.h"

#include <string.h>

#include "arch/x86/paging.h"
#include "mm/kalloc.h"
#include "mm/node.h"

#define VA UINT64_C(0x400000)

/* A space with a bit of everything, and its child. */
static struct vspace *space, *child;
static struct test_file file;
static struct core_map_entry *leaf, *above;

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    space = make_space();
    make_file(&file, 4 * PAGE_SIZE, 1);
    map_at(space, VA, 8, R | W);
    map_at(space, VA + 8 * PAGE_SIZE, 8, R);
    map_file_at(space, VA + 16 * PAGE_SIZE, 4, R, &file, true);
    poke(space, VA, 1);
    poke(space, VA + PAGE_SIZE, 2);
    peek(space, VA + 2 * PAGE_SIZE);
    peek(space, VA + 16 * PAGE_SIZE);
    child = fork_space(space);
    poke(child, VA, 3);
    poke(space, VA, 4); // taken over: writable again
    leaf = node_find_leaf(space, VA);
    above = pa2page(pte_pa(node_entries(space->root)[0]));
    assert_verify_clean();
    return 0;
}

static int end(void **state)
{
    end_space(child);
    end_space(space);
    end_file(&file);
    return support_end(state);
}

#define VERIFY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* Change `place` for the length of one verify, which must name the invariant; then all is well again. */
#define assert_corruption(invariant, place, value) assert_corrupt(__typeof__(place), invariant, place, value)
#define assert_corrupt_bits(invariant, place, value) assert_corrupt(uint64_t, invariant, place, value)
#define assert_corrupt(type, invariant, place, value) \
    do {                                           \
        type saved_ = (place);                     \
        (place) = (value);                         \
        assert_broken(invariant);                  \
        (place) = saved_;                          \
        assert_verify_clean();                     \
    } while (0)

static pte_t *entry_at(vaddr_t va)
{
    return &node_entries(leaf)[pte_index(va, LEAF_LEVEL)];
}

static struct core_map_entry *some_free_frame(void)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    assert_non_null(page);
    frame_put(page);
    return page;
}

static void a_free_frame_with_a_reference_is_I1(void **state)
{
    struct core_map_entry *page = some_free_frame();

    (void)state;
    assert_corruption(I1_FREE_FRAMES, page->refs, 1);
}

static void a_free_frame_on_no_list_is_I1(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    atomic_store(&page->refs, 0);
    frame_set_kind(page, FRAME_FREE);
    assert_broken(I1_FREE_FRAMES);
    frame_set_kind(page, FRAME_KERNEL);
    atomic_store(&page->refs, 1);
    frame_put(page);
}

static void a_frame_in_use_on_a_free_list_is_I1(void **state)
{
    struct core_map_entry *page = some_free_frame();

    (void)state;
    atomic_store(&page->refs, 1);
    frame_set_kind(page, FRAME_KERNEL);
    assert_broken(I1_FREE_FRAMES);
    frame_set_kind(page, FRAME_FREE);
    atomic_store(&page->refs, 0);
}

static void a_frame_in_use_without_a_reference_is_I2(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    assert_corruption(I2_FRAMES_IN_USE, page->refs, 0);
    frame_put(page);
}

static void a_writable_entry_over_a_shared_node_is_I3(void **state)
{
    (void)state;
    assert_corruption(I3_SHARED_NODE_WRITE, leaf->refs, 2);
}

static void a_node_with_too_many_or_too_few_owners_is_I4(void **state)
{
    (void)state;
    assert_corruption(I4_NODE_OWNERS, above->refs, 2);
    assert_corruption(I4_NODE_OWNERS, space->root->refs, 2);
}

static void a_frame_with_a_reference_that_nobody_holds_is_I5(void **state)
{
    struct core_map_entry *page = frame_of(space, VA + PAGE_SIZE);

    (void)state;
    assert_int_equal(frame_refs(page), 2);
    assert_corruption(I5_FRAME_REFERENCES, page->refs, 3);
    assert_corruption(I5_FRAME_REFERENCES, page->refs, 1);
}

static void a_file_page_may_be_pinned_but_not_short_of_references(void **state)
{
    struct core_map_entry *page = frame_of(space, VA + 16 * PAGE_SIZE);

    (void)state;
    assert_int_equal(frame_refs(page), 3);
    frame_get(page);
    assert_verify_clean();
    frame_put(page);
    assert_corruption(I5_FRAME_REFERENCES, page->refs, 2);
}

static void a_lost_frame_is_I5(void **state)
{
    struct core_map_entry *page = frame_alloc_zeroed(FRAME_ANON);

    (void)state;
    assert_broken(I5_FRAME_REFERENCES);
    frame_put(page);
    assert_verify_clean();
}

static struct vregion *first_region(void)
{
    return vregion_lowest(space);
}

static void regions_that_overlap_are_empty_or_unaligned_are_I6(void **state)
{
    struct vregion *region = first_region(), *next = vregion_next(region);

    (void)state;
    assert_corruption(I6_REGIONS_SORTED, region->size, 9 * PAGE_SIZE);
    assert_corruption(I6_REGIONS_SORTED, next->size, 0);
    assert_corruption(I6_REGIONS_SORTED, next->size, PAGE_SIZE + 1);
    assert_corruption(I6_REGIONS_SORTED, region->va_base, 0);
    assert_corruption(I6_REGIONS_SORTED, vregion_highest(space)->size, USER_END);
}

static void a_page_in_use_outside_every_region_is_I7(void **state)
{
    (void)state;
    atomic_store(&space->recent, NULL);
    struct vregion *region = first_region();
    vaddr_t base = region->va_base;
    region->va_base += PAGE_SIZE;
    region->size -= PAGE_SIZE;
    assert_broken(I7_PAGE_IN_REGION);
    region->va_base = base;
    region->size += PAGE_SIZE;
    assert_verify_clean();
}

static void an_entry_for_another_frame_is_I8(void **state)
{
    pte_t entry = pte_load(entry_at(VA));

    (void)state;
    assert_corruption(I8_ENTRY_FRAME, *entry_at(VA), (pte_t){entry.raw ^ PAGE_SIZE});
    assert_corrupt_bits(I8_ENTRY_FRAME, leaf_info(leaf, VA)->ppn, 1ull << 30);
}

static void an_entry_for_an_unused_or_absent_page_is_I8(void **state)
{
    (void)state;
    assert_corruption(I8_ENTRY_FRAME, *entry_at(VA + 5 * PAGE_SIZE), pte_make(page2pa(zero_page), R));
    assert_corrupt_bits(I8_ENTRY_FRAME, leaf_info(leaf, VA)->present, 0);
}

static void an_entry_with_more_rights_than_it_may_have_is_I9(void **state)
{
    pte_t own = pte_load(entry_at(VA)), cow = pte_load(entry_at(VA + PAGE_SIZE));
    pte_t zero = pte_load(entry_at(VA + 2 * PAGE_SIZE)), shared = pte_load(entry_at(VA + 16 * PAGE_SIZE));

    (void)state;
    assert_corruption(I9_ENTRY_RIGHTS, *entry_at(VA + PAGE_SIZE), (pte_t){cow.raw | PTE_BIT_WRITABLE});
    assert_corruption(I9_ENTRY_RIGHTS, *entry_at(VA + 2 * PAGE_SIZE), (pte_t){zero.raw | PTE_BIT_WRITABLE});
    assert_corruption(I9_ENTRY_RIGHTS, *entry_at(VA + 16 * PAGE_SIZE), (pte_t){shared.raw | PTE_BIT_WRITABLE});
    assert_corruption(I9_ENTRY_RIGHTS, *entry_at(VA), (pte_t){own.raw & ~PTE_BIT_NOEXEC});
    assert_corrupt_bits(I9_ENTRY_RIGHTS, leaf_info(leaf, VA)->writable, 0);
    assert_corrupt_bits(I9_ENTRY_RIGHTS, leaf_info(leaf, VA)->moving, 1);
    assert_corruption(I9_ENTRY_RIGHTS, first_region()->prot, R);
    assert_corruption(I9_ENTRY_RIGHTS, first_region()->prot, 0);
}

static void an_entry_that_is_weaker_than_allowed_is_fine(void **state)
{
    pte_t saved = pte_load(entry_at(VA));

    (void)state;
    pte_clear_writable(entry_at(VA));
    assert_verify_clean();
    *entry_at(VA) = pte_none();
    assert_verify_clean();
    *entry_at(VA) = saved;
}

static void wrong_counts_and_bounds_of_a_node_are_I10(void **state)
{
    (void)state;
    unsigned first = leaf->node.first_pair, last = leaf->node.last_pair;
    assert_corrupt_bits(I10_NODE_COUNTS, leaf->node.live, leaf->node.live + 1);
    assert_corrupt_bits(I10_NODE_COUNTS, leaf->node.first_pair, first + 1);
    assert_corrupt_bits(I10_NODE_COUNTS, leaf->node.last_pair, last - 1);
    assert_corrupt_bits(I10_NODE_COUNTS, above->node.live, 2);
    assert_corruption(I10_NODE_COUNTS, above->node.groups, 2);
    assert_corrupt_bits(I10_NODE_COUNTS, space->root->node.live, 0);
    leaf->node.last_pair = last + 1; // wider bounds are allowed
    assert_verify_clean();
    leaf->node.last_pair = last;
}

static void a_node_that_mistakes_its_place_is_I11(void **state)
{
    (void)state;
    assert_corrupt_bits(I11_NODE_PLACE, leaf->node.base_2m, 7);
    assert_corrupt_bits(I11_NODE_PLACE, leaf->level, 2);
    assert_corrupt_bits(I11_NODE_PLACE, above->level, 2);
}

static void a_zero_frame_that_is_not_is_I12(void **state)
{
    uint8_t *zeros = page2kva(zero_page);

    (void)state;
    assert_corruption(I12_ZERO_FRAME, zeros[PAGE_SIZE - 1], 1);
    assert_corruption(I12_ZERO_FRAME, zeros[0], 128);
}

static void a_root_with_another_kernel_half_is_I13(void **state)
{
    pte_t *entries = node_entries(space->root), *kernel = P2V(paging_kernel_root());

    (void)state;
    assert_corruption(I13_KERNEL_HALF, entries[511], pte_table(0x5000, true));
    assert_corruption(I13_KERNEL_HALF, entries[256], pte_none());
    assert_corruption(I13_KERNEL_HALF, kernel[300], pte_table(0x5000, true));
}

static void a_node_in_a_frame_of_another_kind_is_I14(void **state)
{
    struct core_map_entry *vpi = kva2page(leaf->node.vpi);

    (void)state;
    frame_set_kind(leaf, FRAME_KERNEL);
    assert_broken(I14_NODE_KIND);
    frame_set_kind(leaf, FRAME_NODE);
    frame_set_kind(vpi, FRAME_KERNEL);
    assert_broken(I14_NODE_KIND);
    frame_set_kind(vpi, FRAME_VPI);
    assert_corruption(I14_NODE_KIND, leaf->node.vpi, NULL);
    assert_corruption(I14_NODE_KIND, node_entries(above)[9], pte_table(1ull << 40, true));
}

static void a_file_page_that_mistakes_its_file_is_I15(void **state)
{
    struct core_map_entry *page = frame_of(space, VA + 16 * PAGE_SIZE);

    (void)state;
    assert_corrupt_bits(I15_CACHE_INDEX, page->file.index, 3);
    assert_corruption(I15_CACHE_INDEX, page->file.cache, NULL);
    frame_set_kind(page, FRAME_ANON);
    assert_broken(I15_CACHE_INDEX);
    frame_set_kind(page, FRAME_FILE);
}

static void counts_that_core_map_does_not_bear_out_are_I16(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    assert_corruption(I16_FRAME_COUNTS, page->kind, FRAME_SLAB);
    frame_put(page);
}

static void a_mapped_page_that_the_file_does_not_have_there_is_I18(void **state)
{
    struct vregion *region = vregion_highest(space);
    struct core_map_entry *page = frame_of(space, VA + 16 * PAGE_SIZE);

    (void)state;
    assert_corruption(I18_FILE_PAGE, region->file_offset, PAGE_SIZE);
    region->shared = false;
    assert_corruption(I18_FILE_PAGE, region->file_offset, PAGE_SIZE);
    region->shared = true;
    page->file.cache = NULL;
    assert_broken(I18_FILE_PAGE);
    page->file.cache = &file.cache;
    frame_set_kind(page, FRAME_ANON);
    assert_broken(I18_FILE_PAGE);
    frame_set_kind(page, FRAME_FILE);
    assert_verify_clean();
}

static void a_wrong_count_of_promises_is_I22(void **state)
{
    (void)state;
    assert_int_equal(space->committed, 8); // of the regions only one is private and can be written
    assert_corruption(I22_PROMISES, space->committed, 7);
    assert_corruption(I22_PROMISES, child->committed, 9);
    assert_corruption(I22_PROMISES, first_region()->commit, VR_COMMIT_NEVER);
}

static void a_file_that_counts_too_few_regions_is_I19(void **state)
{
    (void)state;
    assert_int_equal(file.cache.mapped, 2);
    assert_corruption(I19_FILE_REGIONS, file.cache.mapped, 1);
}

/* ---- The report ---- */

static unsigned lines;
static bool all_lines_fit;

static void count_line(void *arg, const char *text)
{
    (void)arg;
    lines++;
    all_lines_fit &= text[0] == 'I' && strlen(text) < 160 && !strchr(text, '\n');
}

static void all_violations_are_counted_but_only_some_printed(void **state)
{
    struct verify_report report = {.line = count_line};
    uint8_t first = first_region()->prot;
    struct core_map_entry *pages[100];

    (void)state;
    lines = 0;
    all_lines_fit = true;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        pages[i] = frame_alloc_zeroed(FRAME_ANON);
    first_region()->prot = 0;
    verify_all(&report);
    assert_int_equal(lines, 64);
    assert_true(all_lines_fit);
    assert_true(report.violations >= 102);
    assert_int_equal(report.broken, 1u << I9_ENTRY_RIGHTS | 1u << I5_FRAME_REFERENCES);
    first_region()->prot = first;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        frame_put(pages[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFY_TEST(a_free_frame_with_a_reference_is_I1),
        VERIFY_TEST(a_free_frame_on_no_list_is_I1),
        VERIFY_TEST(a_frame_in_use_on_a_free_list_is_I1),
        VERIFY_TEST(a_frame_in_use_without_a_reference_is_I2),
        VERIFY_TEST(a_writable_entry_over_a_shared_node_is_I3),
        VERIFY_TEST(a_node_with_too_many_or_too_few_owners_is_I4),
        VERIFY_TEST(a_frame_with_a_reference_that_nobody_holds_is_I5),
        VERIFY_TEST(a_file_page_may_be_pinned_but_not_short_of_references),
        VERIFY_TEST(a_lost_frame_is_I5),
        VERIFY_TEST(regions_that_overlap_are_empty_or_unaligned_are_I6),
        VERIFY_TEST(a_page_in_use_outside_every_region_is_I7),
        VERIFY_TEST(an_entry_for_another_frame_is_I8),
        VERIFY_TEST(an_entry_for_an_unused_or_absent_page_is_I8),
        VERIFY_TEST(an_entry_with_more_rights_than_it_may_have_is_I9),
        VERIFY_TEST(an_entry_that_is_weaker_than_allowed_is_fine),
        VERIFY_TEST(wrong_counts_and_bounds_of_a_node_are_I10),
        VERIFY_TEST(a_node_that_mistakes_its_place_is_I11),
        VERIFY_TEST(a_zero_frame_that_is_not_is_I12),
        VERIFY_TEST(a_root_with_another_kernel_half_is_I13),
        VERIFY_TEST(a_node_in_a_frame_of_another_kind_is_I14),
        VERIFY_TEST(a_file_page_that_mistakes_its_file_is_I15),
        VERIFY_TEST(counts_that_core_map_does_not_bear_out_are_I16),
        VERIFY_TEST(a_mapped_page_that_the_file_does_not_have_there_is_I18),
        VERIFY_TEST(a_file_that_counts_too_few_regions_is_I19),
        VERIFY_TEST(a_wrong_count_of_promises_is_I22),
        VERIFY_TEST(all_violations_are_counted_but_only_some_printed),
    };

    return RUN_TESTS(tests);
}
