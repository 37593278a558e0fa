// SPDX-License-Identifier: MIT
/* test_fork.c - what parent and child share, what they do not, and forking with too little memory. */
#include "support.h"

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA UINT64_C(0x400000)
#define PAGES(n) ((n) * PAGE_SIZE)

static void a_write_after_fork_is_seen_by_the_writer_only(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_at(parent, VA, 4, R | W);
    for (unsigned i = 0; i < 4; i++)
        poke(parent, VA + PAGES(i), 10 + i);
    struct vspace *child = fork_space(parent);
    assert_verify_clean();
    poke(parent, VA, 90);
    poke(child, VA + PAGES(1), 91);
    assert_int_equal(peek(parent, VA), 90);
    assert_int_equal(peek(child, VA), 10);
    assert_int_equal(peek(parent, VA + PAGES(1)), 11);
    assert_int_equal(peek(child, VA + PAGES(1)), 91);
    assert_ptr_equal(frame_of(parent, VA + PAGES(2)), frame_of(child, VA + PAGES(2)));
    assert_int_equal(frame_refs(frame_of(parent, VA + PAGES(2))), 2); // by two leaves
    end_space(child);
    assert_int_equal(frame_refs(frame_of(parent, VA + PAGES(2))), 1);
    end_space(parent);
}

static void fork_copies_no_page_and_reading_faults_not_at_all(void **state)
{
    struct vspace *parent = make_space();
    uint8_t value;
    uint32_t code;

    (void)state;
    map_at(parent, VA, 100, R | W);
    for (unsigned i = 0; i < 100; i++)
        poke(parent, VA + PAGES(i), i);
    uint64_t before = frames_by_kind(FRAME_ANON);
    forget_events();
    struct vspace *child = fork_space(parent);
    assert_int_equal(frames_by_kind(FRAME_ANON), before);
    assert_events([VM_TLB_FLUSH_ALL] = 1);
    machine_load(child);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(mmu_access(VA + PAGES(i), PF_U, &value, &code));
        assert_int_equal(value, i);
    }
    assert_events(0);
    end_space(child);
    end_space(parent);
}

static void the_parents_translations_are_flushed_everywhere(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_at(parent, VA, 1, R | W);
    for (unsigned cpu = 0; cpu < 3; cpu++) {
        machine_set_cpu(cpu);
        poke(parent, VA, 5); // a writable translation on three CPUs
    }
    forget_events();
    struct vspace *child = fork_space(parent);
    assert_events([VM_TLB_FLUSH_ALL] = 3, [VM_TLB_SHOOTDOWN] = 1);
    machine_set_cpu(1);
    poke(parent, VA, 6);
    machine_set_cpu(0);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
    end_space(parent);
}

static void the_last_owner_takes_the_frame_over(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_at(parent, VA, 2, R | W);
    poke(parent, VA, 5);
    struct core_map_entry *frame = frame_of(parent, VA);
    struct vspace *child = fork_space(parent);
    poke(child, VA + PAGES(1), 1); // a leaf of its own
    end_space(parent);
    machine_load(child);
    forget_events();
    poke(child, VA, 6);
    assert_events([VM_PGFAULT] = 1, [VM_COW_TAKEN_OVER] = 1);
    assert_ptr_equal(frame_of(child, VA), frame);
    end_space(child);
}

static void three_generations_each_keep_their_own(void **state)
{
    struct vspace *spaces[4] = {make_space()};

    (void)state;
    map_at(spaces[0], VA, 4, R | W);
    for (unsigned i = 0; i < 4; i++)
        poke(spaces[0], VA + PAGES(i), 1);
    for (unsigned i = 1; i < 4; i++) {
        spaces[i] = fork_space(spaces[i - 1]);
        poke(spaces[i], VA + PAGES(i), 1 + i);
    }
    assert_int_equal(frame_refs(frame_of(spaces[0], VA)), 4);
    assert_verify_clean();
    for (unsigned i = 0; i < 4; i++)
        for (unsigned page = 0; page < 4; page++)
            assert_int_equal(peek(spaces[i], VA + PAGES(page)), page && page <= i ? 1 + page : 1);
    poke(spaces[1], VA, 50);
    end_space(spaces[0]);
    end_space(spaces[2]); // from the middle
    poke(spaces[3], VA, 70);
    assert_int_equal(peek(spaces[1], VA), 50);
    assert_int_equal(peek(spaces[3], VA), 70);
    assert_int_equal(peek(spaces[3], VA + PAGES(2)), 3);
    end_space(spaces[3]);
    end_space(spaces[1]);
}

static void readonly_stays_readonly_after_fork(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_at(parent, VA, 2, R | W);
    poke(parent, VA, 5);
    assert_int_equal(vspace_mprotect(parent, VA, PAGES(2), R), 0);
    struct vspace *child = fork_space(parent);
    assert_int_equal(try_write(child, VA), FAULT_SEGV_ACCERR);
    assert_int_equal(try_write(parent, VA), FAULT_SEGV_ACCERR);
    assert_int_equal(vspace_mprotect(child, VA, PAGES(2), R | W), 0);
    poke(child, VA, 6);
    assert_int_equal(peek(parent, VA), 5);
    end_space(child);
    assert_int_equal(try_write(parent, VA), FAULT_SEGV_ACCERR);
    end_space(parent);
}

static void shared_memory_is_the_same_for_both_touched_or_not(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_shared_at(parent, VA, 3, R | W);
    poke(parent, VA, 5);
    struct vspace *child = fork_space(parent);
    assert_int_equal(peek(child, VA), 5);
    poke(child, VA, 6);
    assert_int_equal(peek(parent, VA), 6);
    poke(child, VA + PAGES(1), 7); // absent at fork
    assert_int_equal(peek(parent, VA + PAGES(1)), 7);
    assert_int_equal(peek(child, VA + PAGES(2)), 0);
    poke(parent, VA + PAGES(2), 8);
    assert_int_equal(peek(child, VA + PAGES(2)), 8);
    end_space(parent);
    assert_int_equal(peek(child, VA + PAGES(1)), 7);
    end_space(child);
}

static void private_file_pages_are_shared_until_written(void **state)
{
    struct vspace *parent = make_space();
    struct test_file file;

    (void)state;
    make_file(&file, PAGES(3), 20);
    map_file_at(parent, VA, 3, R | W, &file, false);
    poke(parent, VA, 1);
    assert_int_equal(peek(parent, VA + PAGES(1)), 21);
    struct vspace *child = fork_space(parent);
    assert_int_equal(file.holds, 2);
    poke(child, VA, 2);
    assert_int_equal(frame_refs(frame_of(child, VA + PAGES(1))), 3);
    poke(child, VA + PAGES(1), 3);
    assert_int_equal(peek(parent, VA), 1);
    assert_int_equal(peek(parent, VA + PAGES(1)), 21);
    assert_int_equal(peek(child, VA + PAGES(2)), 22);
    end_space(parent);
    end_space(child);
    end_file(&file);
}

static void the_zero_frame_stays_uncounted(void **state)
{
    struct vspace *parent = make_space();
    uint32_t refs = frame_refs(zero_page);

    (void)state;
    map_at(parent, VA, 2, R | W);
    assert_int_equal(peek(parent, VA), 0);
    struct vspace *child = fork_space(parent);
    assert_int_equal(frame_refs(zero_page), refs);
    forget_events();
    poke(child, VA, 4);
    assert_int_equal(peek(parent, VA), 0);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_COPIED] = 3, [VM_TLB_FLUSH_ALL] = 1, [VM_ZERO_FILLED] = 1,
                  [VM_TLB_FLUSH_PAGE] = 1);
    end_space(child);
    end_space(parent);
}

static void heap_and_stack_go_on_growing_apart(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    vspace_set_brk_start(parent, VA + 5);
    assert_int_equal(vspace_brk(parent, VA + PAGES(2)), VA + PAGES(2));
    assert_int_equal(vspace_map_stack(parent, 0x80000000, PAGES(1), false), 0);
    atomic_store(&parent->stack_limit, PAGES(4));
    struct vspace *child = fork_space(parent);
    assert_int_equal(vspace_brk(child, 0), VA + PAGES(2));
    assert_int_equal(vspace_brk(child, VA + PAGES(3)), VA + PAGES(3));
    assert_int_equal(vspace_brk(child, VA), VA + PAGES(3));
    poke(child, 0x80000000 - PAGES(4), 1);
    assert_int_equal(try_write(child, 0x80000000 - PAGES(5)), FAULT_SEGV_MAPERR);
    assert_int_equal(child->mmap_top, parent->mmap_top);
    assert_regions(parent, "401000+1 rw-, 7ffff000+1 rw-");
    end_space(child);
    end_space(parent);
}

static void pages_in_many_leaves_are_all_shared(void **state)
{
    struct vspace *parent = make_space();

    (void)state;
    map_at(parent, VA, 5 * 512, R | W);
    for (unsigned i = 0; i < 5 * 512; i += 97)
        poke(parent, VA + PAGES(i), i);
    struct vspace *child = fork_space(parent);
    assert_verify_clean();
    for (unsigned i = 0; i < 5 * 512; i += 97)
        assert_int_equal(peek(child, VA + PAGES(i)), (uint8_t)i);
    end_space(parent);
    for (unsigned i = 0; i < 5 * 512; i += 97)
        poke(child, VA + PAGES(i), 1);
    end_space(child);
}

/* ---- Too little memory ---- */

static struct vspace *make_large_parent(struct test_file *file)
{
    struct vspace *parent = make_space();

    make_file(file, PAGES(9), 1);
    for (unsigned i = 0; i < 30; i++)
        map_at(parent, VA + PAGES(3 * i), 2, i & 1 ? R | W : R | W | X);
    map_at(parent, VA + 7 * LEAF_SPAN, 2000, R | W);
    map_shared_at(parent, VA + 20 * LEAF_SPAN, 4, R | W);
    map_file_at(parent, VA + 21 * LEAF_SPAN, 4, R | W, file, false);
    for (unsigned i = 0; i < 30; i++)
        poke(parent, VA + PAGES(3 * i), 100 + i);
    for (unsigned i = 0; i < 4; i++)
        poke(parent, VA + (7 + i) * LEAF_SPAN - (i ? PAGES(1) : 0), i);
    poke(parent, VA + 20 * LEAF_SPAN, 3);
    poke(parent, VA + 21 * LEAF_SPAN, 4);
    return parent;
}

static void assert_parent_is_whole(struct vspace *parent)
{
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(peek(parent, VA + PAGES(3 * i)), 100 + i);
        poke(parent, VA + PAGES(3 * i), 100 + i);
    }
    assert_int_equal(peek(parent, VA + 20 * LEAF_SPAN), 3);
    assert_int_equal(peek(parent, VA + 21 * LEAF_SPAN), 4);
}

static void fork_with_n_frames_fails_cleanly_for_each_n_until_it_works(void **state)
{
    struct test_file file;
    struct vspace *parent = make_large_parent(&file), *child = NULL;
    struct frame_counts before = count_frames();
    unsigned left = 0;

    (void)state;
    for (;; left++) {
        hoard_take(left);
        int error = vspace_fork(parent, &child);
        assert_verify_clean();
        if (!error)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_parent_is_whole(parent);
        hoard_give_back();
        assert_frames_equal(&before);
        assert_int_equal(file.holds, 1);
    }
    hoard_give_back();
    assert_true(left > 0);
    assert_parent_is_whole(parent);
    assert_parent_is_whole(child);
    end_space(child);
    assert_frames_equal(&before);
    end_space(parent);
    end_file(&file);
}

static void a_space_without_memory_is_not_made(void **state)
{
    (void)state;
    hoard_take(0);
    assert_null(vspace_create());
    hoard_give_back();
    hoard_take(1); // the struct, but no root
    assert_null(vspace_create());
    hoard_give_back();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_after_fork_is_seen_by_the_writer_only),
        TEST(fork_copies_no_page_and_reading_faults_not_at_all),
        TEST(the_parents_translations_are_flushed_everywhere),
        TEST(the_last_owner_takes_the_frame_over),
        TEST(three_generations_each_keep_their_own),
        TEST(readonly_stays_readonly_after_fork),
        TEST(shared_memory_is_the_same_for_both_touched_or_not),
        TEST(private_file_pages_are_shared_until_written),
        TEST(the_zero_frame_stays_uncounted),
        TEST(heap_and_stack_go_on_growing_apart),
        TEST(pages_in_many_leaves_are_all_shared),
        TEST(fork_with_n_frames_fails_cleanly_for_each_n_until_it_works),
        TEST(a_space_without_memory_is_not_made),
    };

    return RUN_TESTS(tests);
}
