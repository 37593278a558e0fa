// SPDX-License-Identifier: MIT
/*
 * fork_cow.c - after fork each process sees its own memory, and pays for what it writes only.
 *
 * The pages lie under one leaf of the page table, and the counted child writes one page there first: whether fork
 * copies leaves or shares them, what is counted afterwards is the same.
 */
#include "gaur.h"
#include "touch.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 16 };

static unsigned char *pages;
static struct baton to_child, to_parent;

static bool fill(int byte)
{
    pages = pages_map_one_leaf(PAGES);
    CHECK(pages);
    madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE);
    memset(pages, byte, PAGES * PAGE);
    return true;
}

static bool all_are(int byte)
{
    for (size_t i = 0; i < PAGES * PAGE; i += 256)
        CHECK_EQ(pages[i], byte);
    return true;
}

static bool child_writes(void)
{
    CHECK(all_are('p'));
    memset(pages, 'c', PAGES * PAGE);
    CHECK(all_are('c'));
    return true;
}

static bool writes_of_the_child_stay_in_the_child(void)
{
    CHECK(fill('p'));
    CHECK_CHILD(child_writes);
    CHECK(all_are('p'));
    pages_unmap(pages, PAGES);
    return true;
}

static bool child_waits_then_looks(void)
{
    CHECK(baton_wait(&to_child));
    CHECK(all_are('p'));
    return true;
}

static bool writes_of_the_parent_stay_in_the_parent(void)
{
    CHECK(fill('p') && baton_make(&to_child));
    pid_t child = child_start(child_waits_then_looks);
    memset(pages, 'q', PAGES * PAGE);
    baton_pass(&to_child);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(all_are('q'));
    baton_drop(&to_child);
    pages_unmap(pages, PAGES);
    return true;
}

static bool child_counts_copies(void)
{
    ancestors_sleep();
    pages[0] = 'c';
    counter("cow_copied");
    long copied = counter("cow_copied"), taken = counter("cow_taken_over");
    for (int i = 1; i < PAGES; i++)
        pages[i * PAGE] = 'c';
    CHECK_EQ(counter("cow_copied") - copied, PAGES - 1);
    CHECK_EQ(counter("cow_taken_over") - taken, 0);
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE + 1] = 'c';
    CHECK_EQ(counter("cow_copied") - copied, PAGES - 1);
    return true;
}

static bool one_copy_is_counted_per_page_written(void)
{
    NEEDS_GAUR();
    CHECK(fill('p'));
    CHECK_CHILD(child_counts_copies);
    pages_unmap(pages, PAGES);
    return true;
}

static bool child_writes_one_page(void)
{
    pages[0] = 'c';
    return true;
}

static bool last_owner_takes_over_without_a_copy(void)
{
    NEEDS_GAUR();
    CHECK(fill('p'));
    CHECK_CHILD(child_writes_one_page);
    ancestors_sleep();
    counter("cow_copied");
    long copied = counter("cow_copied"), taken = counter("cow_taken_over");
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE] = 'q';
    CHECK_EQ(counter("cow_taken_over") - taken, PAGES);
    CHECK_EQ(counter("cow_copied") - copied, 0);
    pages_unmap(pages, PAGES);
    return true;
}

static bool child_reads_all(void)
{
    ancestors_sleep();
    faults_taken();
    long faults = faults_taken();
    unsigned sum = 0;
    for (int i = 0; i < PAGES; i++)
        sum += ((volatile unsigned char *)pages)[i * PAGE];
    CHECK_EQ(sum, PAGES * 'p');
    CHECK_EQ(faults_taken() - faults, 0);
    return true;
}

static bool reading_after_fork_takes_no_fault(void)
{
    CHECK(fill('p'));
    CHECK_CHILD(child_reads_all);
    pages_unmap(pages, PAGES);
    return true;
}

/* What page 0 holds in this generation: its maker has written it. */
static int generation;

static bool generation_writes(void)
{
    CHECK_EQ(pages[0], '0' + generation);
    CHECK_EQ(pages[PAGE], '0');
    generation++;
    pages[0] = '0' + generation;
    pages[generation * PAGE] = 'x';
    if (generation < 3)
        CHECK_CHILD(generation_writes);
    CHECK_EQ(pages[0], '0' + generation);
    for (int i = 2; i < PAGES; i++)
        CHECK_EQ(pages[i * PAGE], i <= generation ? 'x' : '0');
    return true;
}

/* Each forks again a page that is COW already, after and before having written it. */
static bool three_generations_are_independent(void)
{
    CHECK(fill('0'));
    for (int i = 0; i < 2; i++) {
        generation = 1;
        pages[0] = '1';
        CHECK_CHILD(generation_writes);
        CHECK_EQ(pages[0], '1');
        pages[0] = '0';
        CHECK(all_are('0'));
    }
    pages_unmap(pages, PAGES);
    return true;
}

static long copied_by(int page)
{
    long copied = counter("cow_copied");

    pages[page * PAGE] = 'x';
    return counter("cow_copied") - copied;
}

static bool counting_grandchild(void)
{
    ancestors_sleep();
    pages[0] = 'g';
    counter("cow_copied");
    CHECK_EQ(copied_by(1), 1);
    return true;
}

static bool counting_child(void)
{
    ancestors_sleep();
    CHECK_CHILD(counting_grandchild);
    pages[0] = 'c';
    counter("cow_copied");
    CHECK_EQ(copied_by(1), 1);
    CHECK_EQ(copied_by(1), 0);
    return true;
}

static bool three_generations_copy_twice_and_take_over_once(void)
{
    NEEDS_GAUR();
    CHECK(fill('p'));
    CHECK_CHILD(counting_child);
    ancestors_sleep();
    counter("cow_copied");
    long taken = counter("cow_taken_over");
    CHECK_EQ(copied_by(1), 0);
    CHECK_EQ(counter("cow_taken_over") - taken, 1);
    pages_unmap(pages, PAGES);
    return true;
}

/* Turn by turn, each side writes while the other still holds the frame or has gone on. */
static bool alternating_child(void)
{
    for (int i = 0; i < PAGES; i++) {
        CHECK(baton_wait(&to_child));
        CHECK_EQ(pages[i * PAGE], 'p');
        pages[i * PAGE] = 'c';
        baton_pass(&to_parent);
    }
    for (int i = 0; i < PAGES; i++)
        CHECK_EQ(pages[i * PAGE], 'c');
    return true;
}

static bool both_sides_write_in_turn(void)
{
    CHECK(fill('p') && baton_make(&to_child) && baton_make(&to_parent));
    pid_t child = child_start(alternating_child);
    for (int i = 0; i < PAGES; i++) {
        if (i & 1)
            pages[i * PAGE] = 'q';
        baton_pass(&to_child);
        CHECK(baton_wait(&to_parent));
        CHECK_EQ(pages[i * PAGE], i & 1 ? 'q' : 'p');
        pages[i * PAGE] = 'q';
    }
    CHECK(exited_with(child_wait(child), 0));
    CHECK_EQ(pages[(PAGES - 1) * PAGE], 'q');
    baton_drop(&to_child);
    baton_drop(&to_parent);
    pages_unmap(pages, PAGES);
    return true;
}

static int static_value = 1;

static bool change_everything(void)
{
    int *heap_value = (int *)(pages);

    static_value = 2;
    *heap_value = 2;
    return true;
}

static bool data_and_stack_are_copied_too(void)
{
    volatile int local = 1;
    pid_t pid;

    CHECK(fill(0));
    pid = fork();
    if (pid == 0) {
        local = 2;
        _exit(change_everything() && local == 2 && static_value == 2 ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(local == 1 && static_value == 1 && pages[0] == 0);
    pages_unmap(pages, PAGES);
    return true;
}

int main(void)
{
    TEST(writes_of_the_child_stay_in_the_child);
    TEST(writes_of_the_parent_stay_in_the_parent);
    TEST(one_copy_is_counted_per_page_written);
    TEST(last_owner_takes_over_without_a_copy);
    TEST(reading_after_fork_takes_no_fault);
    TEST(three_generations_are_independent);
    TEST(three_generations_copy_twice_and_take_over_once);
    TEST(both_sides_write_in_turn);
    TEST(data_and_stack_are_copied_too);
    return tap_done();
}
