// SPDX-License-Identifier: MIT
/*
 * fork_shared.c - MAP_SHARED anonymous memory is the same memory after fork, pages absent at fork included.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile unsigned char *shared;
static struct baton to_child, to_parent;

static bool map_shared(void)
{
    void *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    shared = at;
    return true;
}

static void unmap_shared(void)
{
    munmap((void *)shared, 4 * PAGE);
}

static bool child_writes(void)
{
    CHECK_EQ(shared[0], 'p');
    shared[0] = 'c';
    shared[PAGE] = 'd';
    CHECK_EQ(kernel_touch(TOUCH_WRITE, shared + 2 * PAGE), 0);
    return true;
}

static bool writes_of_the_child_are_seen(void)
{
    CHECK(map_shared());
    shared[0] = 'p';
    CHECK_CHILD(child_writes);
    CHECK_EQ(shared[0], 'c');
    CHECK_EQ(shared[PAGE], 'd');
    CHECK_EQ(shared[2 * PAGE], 'Z');
    CHECK_EQ(shared[3 * PAGE], 0);
    unmap_shared();
    return true;
}

static bool child_reads(void)
{
    CHECK_EQ(shared[3 * PAGE], 0);
    baton_pass(&to_parent);
    CHECK(baton_wait(&to_child));
    CHECK_EQ(shared[0], 'q');
    CHECK_EQ(shared[3 * PAGE], 'r');
    return true;
}

/* The child has read the absent page before the parent writes it: a page of zeros of its own would be wrong. */
static bool writes_of_the_parent_are_seen(void)
{
    CHECK(map_shared() && baton_make(&to_child) && baton_make(&to_parent));
    shared[0] = 'p';
    pid_t child = child_start(child_reads);
    CHECK(baton_wait(&to_parent));
    shared[0] = 'q';
    shared[3 * PAGE] = 'r';
    baton_pass(&to_child);
    CHECK(exited_with(child_wait(child), 0));
    baton_drop(&to_child);
    baton_drop(&to_parent);
    unmap_shared();
    return true;
}

static bool grandchild_adds(void)
{
    __atomic_fetch_add((int *)shared, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add((int *)(shared + PAGE), 1, __ATOMIC_SEQ_CST);
    return true;
}

static bool child_adds(void)
{
    CHECK_CHILD(grandchild_adds);
    return grandchild_adds();
}

static bool generations_share_it(void)
{
    CHECK(map_shared());
    for (int i = 0; i < 4; i++)
        CHECK_CHILD(child_adds);
    CHECK_EQ(*(int *)shared, 8);
    CHECK_EQ(*(int *)(shared + PAGE), 8);
    unmap_shared();
    return true;
}

static bool unmapping_child(void)
{
    shared[PAGE] = 'u';
    unmap_shared();
    CHECK(touch_refused(TOUCH_READ, shared, SEGV_MAPERR));
    return true;
}

static bool unmapped_by_one_stays_for_the_other(void)
{
    CHECK(map_shared());
    shared[0] = 1;
    CHECK_CHILD(unmapping_child);
    CHECK_EQ(shared[0], 1);
    CHECK_EQ(shared[PAGE], 'u');
    unmap_shared();
    return true;
}

static bool readonly_child(void)
{
    CHECK(mprotect((void *)shared, PAGE, PROT_READ) == 0);
    CHECK(touch_refused(TOUCH_WRITE, shared, SEGV_ACCERR));
    baton_pass(&to_parent);
    CHECK(baton_wait(&to_child));
    CHECK_EQ(shared[0], 'w');
    return true;
}

static bool rights_are_not_shared(void)
{
    CHECK(map_shared() && baton_make(&to_child) && baton_make(&to_parent));
    shared[0] = 1;
    pid_t child = child_start(readonly_child);
    CHECK(baton_wait(&to_parent));
    CHECK(touch_allowed(TOUCH_WRITE, shared));
    shared[0] = 'w';
    baton_pass(&to_child);
    CHECK(exited_with(child_wait(child), 0));
    baton_drop(&to_child);
    baton_drop(&to_parent);
    unmap_shared();
    return true;
}

static bool two_mappings_are_apart(void)
{
    CHECK(map_shared());
    volatile unsigned char *first = shared;
    CHECK(map_shared());
    first[0] = 1;
    CHECK_EQ(shared[0], 0);
    unmap_shared();
    shared = first;
    unmap_shared();
    return true;
}

int main(void)
{
    TEST(writes_of_the_child_are_seen);
    TEST(writes_of_the_parent_are_seen);
    TEST(generations_share_it);
    TEST(unmapped_by_one_stays_for_the_other);
    TEST(rights_are_not_shared);
    TEST(two_mappings_are_apart);
    return tap_done();
}
