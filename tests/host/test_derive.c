// SPDX-License-Identifier: MIT
/* test_derive.c - entries follow from metadata, but only when they are derived; when a flush is needed; what is cached. */
#include "support.h"

#include "mm/active.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/tlb.h"

#define VA 0x400000

/* One page of a private region, written to: its leaf and info. */
static struct vspace *space;
static struct vregion *region;
static struct core_map_entry *leaf;
static struct vpage_info *info;

static void make_page(unsigned prot)
{
    space = make_space();
    map_at(space, VA, 4, prot | W);
    poke(space, VA, 5);
    if (!(prot & W))
        assert_int_equal(vspace_mprotect(space, VA, 4 * PAGE_SIZE, prot), 0);
    rwlock_read_lock(&space->lock);
    region = va2vregion(space, VA);
    rwlock_read_unlock(&space->lock);
    leaf = node_find_leaf(space, VA);
    info = leaf_info(leaf, VA);
    forget_events();
}

static bool derive(vaddr_t va)
{
    node_lock(leaf);
    bool shrank = vspace_derive(leaf, region, va);
    node_unlock(leaf);
    return shrank;
}

static bool underive(vaddr_t va)
{
    node_lock(leaf);
    bool shrank = vspace_underive(leaf, va);
    node_unlock(leaf);
    return shrank;
}

static void changing_writable_without_deriving_changes_no_entry(void **state)
{
    (void)state;
    make_page(R | W);
    pte_t before = entry_of(space, VA);
    assert_true(pte_is_writable(before));
    info->writable = 0;
    assert_int_equal(entry_of(space, VA).raw, before.raw);
    poke(space, VA, 6); // the hardware knows nothing of it
    assert_broken(I9_ENTRY_RIGHTS);
    assert_true(derive(VA));
    assert_false(pte_is_writable(entry_of(space, VA)));
    assert_int_equal(pte_pa(entry_of(space, VA)), pte_pa(before));
    assert_verify_clean();
    end_space(space);
}

static void deriving_twice_changes_nothing_and_needs_no_flush(void **state)
{
    (void)state;
    make_page(R | W);
    pte_t before = entry_of(space, VA);
    assert_false(derive(VA));
    assert_int_equal(entry_of(space, VA).raw, before.raw); // accessed and dirty are still set
    assert_true(pte_is_dirty(before));
    end_space(space);
}

static void a_new_mapping_needs_no_flush(void **state)
{
    (void)state;
    make_page(R | W);
    struct core_map_entry *page = frame_alloc_zeroed(FRAME_ANON);
    node_lock(leaf);
    *leaf_info(leaf, VA + PAGE_SIZE) = vpage_in_frame(page, true);
    leaf_info_added(leaf, VA + PAGE_SIZE);
    assert_false(vspace_derive(leaf, region, VA + PAGE_SIZE));
    node_unlock(leaf);
    poke(space, VA + PAGE_SIZE, 1);
    assert_events(0);
    end_space(space);
}

static void growing_rights_need_no_flush_but_shrinking_ones_do(void **state)
{
    (void)state;
    make_page(R | W);
    region->prot = R;
    assert_true(derive(VA));
    region->prot = R | X;
    assert_false(derive(VA));
    assert_true(pte_is_exec(entry_of(space, VA)));
    region->prot = R | W | X;
    assert_false(derive(VA));
    region->prot = R | W;
    assert_true(derive(VA));
    region->prot = 0;
    assert_true(derive(VA));
    assert_true(pte_is_none(entry_of(space, VA)));
    region->prot = R | W;
    assert_false(derive(VA));
    tlb_flush_space(space);
    assert_int_equal(peek(space, VA), 5);
    end_space(space);
}

static void another_frame_needs_a_flush(void **state)
{
    (void)state;
    make_page(R);
    struct core_map_entry *page = frame_alloc_zeroed(FRAME_ANON), *old = vpage_frame(info);
    *info = vpage_in_frame(page, true);
    assert_true(derive(VA));
    assert_int_equal(pte_pa(entry_of(space, VA)), page2pa(page));
    tlb_flush_range(space, VA, VA + PAGE_SIZE);
    frame_put(old);
    assert_int_equal(peek(space, VA), 0);
    end_space(space);
}

static void underiving_empties_the_entry_and_asks_for_a_flush_once(void **state)
{
    (void)state;
    make_page(R | W);
    assert_true(underive(VA));
    assert_true(pte_is_none(entry_of(space, VA)));
    assert_false(underive(VA));
    tlb_flush_space(space);
    forget_events();
    poke(space, VA, 9);
    assert_events([VM_PGFAULT] = 1); // the info has it all: nothing is filled
    end_space(space);
}

static void the_zero_frame_is_never_writable(void **state)
{
    (void)state;
    make_page(R | W | X);
    assert_int_equal(peek(space, VA + PAGE_SIZE), 0);
    pte_t entry = entry_of(space, VA + PAGE_SIZE);
    assert_int_equal(pte_pa(entry), page2pa(zero_page));
    assert_false(pte_is_writable(entry));
    assert_true(pte_is_exec(entry));
    end_space(space);
}

static void a_frame_with_two_references_is_not_writable_in_a_private_region(void **state)
{
    (void)state;
    make_page(R | W);
    frame_get(vpage_frame(info));
    assert_true(vpage_is_cow(region, info));
    assert_true(derive(VA));
    assert_false(pte_is_writable(entry_of(space, VA)));
    frame_put(vpage_frame(info));
    assert_false(vpage_is_cow(region, info));
    assert_false(derive(VA));
    assert_true(pte_is_writable(entry_of(space, VA)));
    tlb_flush_space(space);
    end_space(space);
}

static void every_combination_of_rights_gives_its_entry(void **state)
{
    (void)state;
    make_page(R | W);
    for (unsigned prot = 0; prot < 8; prot++)
        for (unsigned bits = 0; bits < 8; bits++) {
            struct vregion each = *region;
            struct vpage_info page = *info;
            each.prot = prot;
            page.present = bits & 1;
            page.writable = bits >> 1 & 1;
            page.moving = bits >> 2 & 1;
            pte_t entry = vpage_entry(&each, &page);
            bool expected = prot && page.present && !page.moving;
            assert_int_equal(pte_is_present(entry), expected);
            assert_int_equal(pte_is_none(entry), !expected);
            if (!expected)
                continue;
            assert_int_equal(pte_is_writable(entry), (prot & W) && page.writable);
            assert_int_equal(pte_is_exec(entry), !!(prot & X));
            assert_true(pte_is_user(entry));
        }
    end_space(space);
}

static void a_missing_flush_leaves_the_old_translation_in_use(void **state)
{
    uint8_t value = 7;
    uint32_t code;

    (void)state;
    make_page(R | W);
    poke(space, VA, 1);
    region->prot = R;
    assert_true(derive(VA));
    assert_true(mmu_access(VA, PF_U | PF_W, &value, &code)); // still lets it through
    tlb_flush_range(space, VA, VA + PAGE_SIZE);
    assert_false(mmu_access(VA, PF_U | PF_W, &value, &code));
    assert_int_equal(code, 7);
    region->prot = R | W;
    assert_false(derive(VA));
    end_space(space);
}

static void a_flush_reaches_every_cpu_that_has_the_space_and_no_other(void **state)
{
    struct vspace *other;

    (void)state;
    make_page(R | W);
    other = vspace_create();
    for (unsigned cpu = 1; cpu < 4; cpu++) {
        machine_set_cpu(cpu);
        machine_load(cpu == 3 ? other : space);
    }
    machine_set_cpu(1);
    tlb_flush_range(space, VA, VA + 2 * PAGE_SIZE);
    assert_events([VM_TLB_FLUSH_PAGE] = 6, [VM_TLB_SHOOTDOWN] = 1);
    tlb_flush_range(space, VA, VA + (tlb_flush_pages_max + 1) * PAGE_SIZE);
    assert_events([VM_TLB_FLUSH_ALL] = 3, [VM_TLB_FLUSH_ABOVE] = 3, [VM_TLB_SHOOTDOWN] = 1);
    assert_false(tlb_try_flush_here(space, VA));
    assert_events(0);
    machine_set_cpu(3);
    assert_true(tlb_try_flush_here(other, VA));
    assert_events([VM_TLB_FLUSH_PAGE] = 1);
    tlb_flush_space(space); // from a CPU that does not have it
    assert_events([VM_TLB_FLUSH_ALL] = 3, [VM_TLB_SHOOTDOWN] = 1);
    machine_load(NULL);
    assert_true(tlb_try_flush_here(other, VA));
    tlb_flush_space(other);
    assert_events(0);
    machine_set_cpu(0);
    end_space(other);
    end_space(space);
}

/* CPU 1 has read the page at VA; now it idles, and CPU 0 runs in the space. */
static void idle_on_cpu_1(void)
{
    make_page(R | W);
    machine_set_cpu(1);
    (void)peek(space, VA);
    machine_idle();
    machine_set_cpu(0);
    machine_load(space);
    forget_events();
}

static void an_idle_cpu_is_spared_and_forgets_before_it_goes_on(void **state)
{
    uint32_t code;
    uint8_t value;

    (void)state;
    idle_on_cpu_1();
    assert_int_equal(vspace_munmap(space, VA, PAGE_SIZE), 0);
    assert_events([VM_TLB_FLUSH_PAGE] = 1, [VM_TLB_SHOOTDOWN_IDLE] = 1);
    machine_set_cpu(1);
    assert_true(mmu_access(VA, PF_U, &value, &code)); // it has not forgotten, and uses no user address while it idles
    machine_load(space);
    assert_events([VM_TLB_FLUSH_ALL] = 1);
    assert_false(mmu_access(VA, PF_U, &value, &code));
    assert_int_equal(try_read(space, VA), FAULT_SEGV_MAPERR);
    end_space(space);
}

static void an_idle_cpu_goes_on_without_a_flush_if_nothing_changed(void **state)
{
    (void)state;
    idle_on_cpu_1();
    machine_set_cpu(1);
    machine_load(space);
    assert_events(0);
    assert_int_equal(space->active, ACTIVE_RUNNING(0) | ACTIVE_RUNNING(1));
    tlb_flush_range(space, VA, VA + PAGE_SIZE); // from now on it is told again
    assert_events([VM_TLB_FLUSH_PAGE] = 2, [VM_TLB_SHOOTDOWN] = 1);
    end_space(space);
}

static void an_idle_cpu_leaves_no_page_to_be_flushed_by_waiting(void **state)
{
    (void)state;
    idle_on_cpu_1();
    assert_true(tlb_try_flush_here(space, VA));
    assert_events([VM_TLB_FLUSH_PAGE] = 1, [VM_TLB_SHOOTDOWN_IDLE] = 1);
    machine_set_cpu(1);
    machine_load(space);
    assert_events([VM_TLB_FLUSH_ALL] = 1);
    end_space(space);
}

static void an_idle_cpu_that_finds_other_work_has_left(void **state)
{
    struct vspace *other = vspace_create();

    (void)state;
    idle_on_cpu_1();
    tlb_flush_space(space);
    machine_set_cpu(1);
    machine_load(other);
    assert_int_equal(space->active, ACTIVE_RUNNING(0));
    machine_idle();
    assert_int_equal(other->active, ACTIVE_IDLE(1));
    machine_load(NULL);
    assert_int_equal(other->active, 0);
    end_space(other);
    end_space(space);
}

static void idle_cpus_give_the_tables_up_before_nodes_go(void **state)
{
    (void)state;
    idle_on_cpu_1();
    tlb_flush_nodes(space, VA, VA + PAGE_SIZE);
    assert_events([VM_TLB_FLUSH_PAGE] = 1, [VM_TLB_SHOOTDOWN] = 1);
    assert_int_equal(space->active, ACTIVE_RUNNING(0));
    tlb_flush_nodes(space, VA, VA + PAGE_SIZE); // nobody else is left
    assert_events([VM_TLB_FLUSH_PAGE] = 1);
    end_space(space);
}

static void a_space_goes_while_cpus_idle_with_it(void **state)
{
    (void)state;
    idle_on_cpu_1();
    machine_load(NULL);
    assert_int_equal(space->active, ACTIVE_IDLE(1));
    vspace_put(space);
    assert_events([VM_TLB_SHOOTDOWN] = 1);
    space = make_space(); // most likely the same memory: CPU 1 has nothing to do with it
    assert_int_equal(space->active, ACTIVE_RUNNING(0));
    machine_set_cpu(1);
    machine_load(space);
    end_space(space);
}

static void thousand_first_touches_flush_nothing(void **state)
{
    (void)state;
    space = make_space();
    map_at(space, VA, 1000, R | W);
    forget_events();
    for (unsigned i = 1000; i-- > 0;) // not in order, so that each is one
        poke(space, VA + i * PAGE_SIZE, 1);
    assert_events([VM_PGFAULT] = 1000, [VM_ZERO_FILLED] = 1000);
    end_space(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changing_writable_without_deriving_changes_no_entry),
        TEST(deriving_twice_changes_nothing_and_needs_no_flush),
        TEST(a_new_mapping_needs_no_flush),
        TEST(growing_rights_need_no_flush_but_shrinking_ones_do),
        TEST(another_frame_needs_a_flush),
        TEST(underiving_empties_the_entry_and_asks_for_a_flush_once),
        TEST(the_zero_frame_is_never_writable),
        TEST(a_frame_with_two_references_is_not_writable_in_a_private_region),
        TEST(every_combination_of_rights_gives_its_entry),
        TEST(a_missing_flush_leaves_the_old_translation_in_use),
        TEST(a_flush_reaches_every_cpu_that_has_the_space_and_no_other),
        TEST(an_idle_cpu_is_spared_and_forgets_before_it_goes_on),
        TEST(an_idle_cpu_goes_on_without_a_flush_if_nothing_changed),
        TEST(an_idle_cpu_leaves_no_page_to_be_flushed_by_waiting),
        TEST(an_idle_cpu_that_finds_other_work_has_left),
        TEST(idle_cpus_give_the_tables_up_before_nodes_go),
        TEST(a_space_goes_while_cpus_idle_with_it),
        TEST(thousand_first_touches_flush_nothing),
    };

    return RUN_TESTS(tests);
}
