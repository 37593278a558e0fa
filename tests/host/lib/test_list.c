// SPDX-License-Identifier: MIT
/* test_list.c - circular lists. */
#include "lib/list.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct item {
    int value;
    struct list link;
};

static void expect(struct list *head, const int *values, int count)
{
    struct item *item;
    int i = 0;

    list_for_each_entry(item, head, link) {
        assert_true(i < count);
        assert_int_equal(item->value, values[i++]);
        assert_ptr_equal(item->link.next->prev, &item->link);
        assert_ptr_equal(item->link.prev->next, &item->link);
    }
    assert_int_equal(i, count);
}

static void head_and_tail_keep_order(void **state)
{
    struct list head = LIST_INIT(head);
    struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };

    (void)state;
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    assert_null(list_last(&head));
    list_add_tail(&head, &b.link);
    list_add_head(&head, &a.link);
    list_add_tail(&head, &c.link);
    expect(&head, (int[]){ 1, 2, 3 }, 3);
    assert_ptr_equal(list_first(&head), &a.link);
    assert_ptr_equal(list_last(&head), &c.link);
    assert_ptr_equal(list_first_entry(&head, struct item, link), &a);
}

static void removed_link_may_be_removed_again(void **state)
{
    struct list head = LIST_INIT(head);
    struct item a = { .value = 1 }, b = { .value = 2 };

    (void)state;
    list_add_tail(&head, &a.link);
    list_add_tail(&head, &b.link);
    list_remove(&a.link);
    list_remove(&a.link);
    assert_true(list_empty(&a.link));
    expect(&head, (int[]){ 2 }, 1);
    assert_ptr_equal(list_take_first(&head), &b.link);
    assert_null(list_take_first(&head));
}

static void safe_walk_may_remove_all(void **state)
{
    struct list head = LIST_INIT(head);
    struct item items[10], *item, *after;
    int seen = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        items[i].value = i;
        list_add_tail(&head, &items[i].link);
    }
    list_for_each_entry_safe(item, after, &head, link) {
        assert_int_equal(item->value, seen++);
        list_remove(&item->link);
    }
    assert_int_equal(seen, 10);
    assert_true(list_empty(&head));
}

static void splice_moves_all_to_the_end(void **state)
{
    struct list to = LIST_INIT(to), from = LIST_INIT(from);
    struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };

    (void)state;
    list_splice_tail(&to, &from);
    assert_true(list_empty(&to));
    list_add_tail(&to, &a.link);
    list_add_tail(&from, &b.link);
    list_add_tail(&from, &c.link);
    list_splice_tail(&to, &from);
    expect(&to, (int[]){ 1, 2, 3 }, 3);
    assert_true(list_empty(&from));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_tail_keep_order),
        cmocka_unit_test(removed_link_may_be_removed_again),
        cmocka_unit_test(safe_walk_may_remove_all),
        cmocka_unit_test(splice_moves_all_to_the_end),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
