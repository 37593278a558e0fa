// SPDX-License-Identifier: MIT
/*
 * cow_fork.c - fork copies nothing; a write copies one page; who is left alone writes in place.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/lesson.h"

enum { PAGES = 8, TRIES = 20 };

static unsigned char *arena;
static struct page before[PAGES]; // where the parent had its pages at the fork: the child knows it too

enum { LOOK, READ_ALL, WRITE_3, LOOK_AGAIN };

static void child_reads(void)
{
    long faults = 0;

    for (int i = 0; i < PAGES; i++)
        faults += read_at(arena + i * PAGE).count;
    claim(faults == 0, "I have read all %d pages, without a fault", PAGES);
    claim(arena[3 * PAGE] == 'p', "they are as the parent wrote them");
}

static void child_writes(void)
{
    struct frames first = frames_now();
    struct fault fault = fault_tell(write_at(arena + 3 * PAGE, 'c'));
    struct frames last = frames_now();
    struct page mine = page_tell(arena + 3 * PAGE);

    claim(fault_is(&fault, arena + 3 * PAGE, P | W | U, "cow_write"), "a frame was mapped, read-only: P=1, W=1, U=1");
    claim(other_frame(mine, before[3]), "page 3 has another frame: a copy");
    gaur_claim(mine.references == 1, "which is mine alone");
    gaur_claim(last.anonymous - first.anonymous == 1 && last.node - first.node == 3,
               "this took one frame for the page, and three for the nodes on the way to it");
    struct page next = page_tell(arena + 4 * PAGE);
    claim(same_frame(next, before[4]), "page 4 is still in the frame that the parent has");
    gaur_claim(next.references == 2, "but its frame has two references now, since there are two leaves");
}

static void child_acts(int what)
{
    switch (what) {
    case LOOK: {
        struct page page = page_tell(arena + 3 * PAGE);
        claim(same_frame(page, before[3]), "I have the same pages, in the same frames");
        gaur_claim(page.references == 1, "the frame has one reference, and yet it is shared");
        break;
    }
    case READ_ALL:
        child_reads();
        break;
    case WRITE_3:
        child_writes();
        break;
    case LOOK_AGAIN:
        page_tell(arena + 4 * PAGE);
        claim(arena[3 * PAGE] == 'c' && arena[4 * PAGE] == 'p', "what the parent wrote is not here");
    }
}

static void fill(void)
{
    step("I map %d pages at %p, and write to each.", PAGES, ARENA);
    arena = arena_map(PAGES, MAP_PRIVATE);
    for (int i = 0; i < PAGES; i++)
        arena[i * PAGE] = 'p';
    for (int i = 0; i < PAGES; i++)
        before[i] = page_look(arena + i * PAGE);
    page_tell(arena + 3 * PAGE);
    page_tell(arena + 4 * PAGE);
    gaur_claim(before[3].references == 1 && before[3].alone, "each is in a frame with one reference, and mine alone");
}

static struct partner start(void)
{
    step("I fork. How many references will these frames have then?");
    set_name("parent");
    struct partner child = partner_start("child", child_acts);
    struct page page = page_tell(arena + 3 * PAGE);
    gaur_claim(page.references == 1 && !page.alone, "still one reference, but no longer mine alone: a node above is shared");
    partner_does(&child, LOOK);
    return child;
}

/* The parent has not written yet: its path of nodes is its own again, and the leaf as well. */
static void write_what_was_copied(struct partner *child)
{
    step("The parent writes to page 3 as well. The child has a copy by now. Is there a fault? A copy?");
    struct fault fault = fault_tell(write_at(arena + 3 * PAGE, 'P'));
    struct page page = page_tell(arena + 3 * PAGE);
    claim(fault_is(&fault, arena + 3 * PAGE, P | W | U, "cow_write"), "a fault, since the entry was read-only");
    claim(same_frame(page, before[3]), "but no copy: nobody else holds the frame, so it is taken over");
    step("The parent writes to page 4, which both still have.");
    fault = fault_tell(write_at(arena + 4 * PAGE, 'P'));
    page = page_tell(arena + 4 * PAGE);
    claim(fault_is(&fault, arena + 4 * PAGE, P | W | U, "cow_write"), "the same code, the same cause");
    claim(other_frame(page, before[4]), "this time it is a copy: the old frame stays with the child");
    partner_does(child, LOOK_AGAIN);
}

/* What the child held comes back when it has ended, and that is a moment after wait(2) returns. */
static void write_when_alone(struct partner *child)
{
    step("The child ends. The parent writes to page 5.");
    partner_end(child);
    struct page page = page_tell(arena + 5 * PAGE);
    gaur_claim(page.references == 1, "one reference is left of the two");
    fault_tell(write_at(arena + 5 * PAGE, 'P'));
    page = page_tell(arena + 5 * PAGE);
    claim(same_frame(page, before[5]), "the last one takes the frame over");
    fault_tell(write_at(arena + 5 * PAGE, 'Q'));
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Copy-on-write fork");
    fill();
    struct partner child = start();
    step("The child reads all pages. How many faults will it take?");
    partner_does(&child, READ_ALL);
    step("The child writes one byte to page 3.");
    partner_does(&child, WRITE_3);
    write_what_was_copied(&child);
    write_when_alone(&child);
    return lesson_end();
}
