// SPDX-License-Identifier: MIT
/*
 * fork_of_fork.c - three generations share their pages: who writes parts from the others, in any order.
 */
#include <sys/mman.h>

#include "lib/lesson.h"

enum { PAGES = 4 };
enum { FORK, LOOK, WRITE_0, WRITE_1, END_CHILD };

static unsigned char *arena;
static struct page first[PAGES];
static struct partner grandchild;

static void tell_all(void)
{
    for (int i = 0; i < PAGES; i++)
        page_tell(arena + i * PAGE);
}

static void grandchild_acts(int what)
{
    if (what == WRITE_0) {
        struct fault fault = fault_tell(write_at(arena, 'g'));
        claim(fault_is(&fault, arena, P | W | U, "cow_write"), "a fault like any other copy on write");
        gaur_claim(page_look(arena).references == 1, "page 0 has a frame of my own");
        gaur_claim(page_look(arena + 2 * PAGE).references == 2,
                   "page 2 has 2 references: my leaf, and the one that child and parent share");
    }
    tell_all();
    claim(arena[PAGE] == 'p', "page 1 is as the parent wrote it");
}

static void child_writes(void)
{
    struct fault fault = fault_tell(write_at(arena + PAGE, 'c'));

    claim(fault_is(&fault, arena + PAGE, P | W | U, "cow_write"), "the same fault once more");
    struct page two = page_look(arena + 2 * PAGE), zero = page_look(arena);
    gaur_claim(two.references == 3, "page 2 has 3 references: three leaves, one each");
    gaur_claim(zero.references == 2, "page 0 has 2: the grandchild has its own");
    tell_all();
    partner_does(&grandchild, LOOK);
}

static void child_acts(int what)
{
    switch (what) {
    case FORK:
        grandchild = partner_start("grand", grandchild_acts);
        break;
    case LOOK:
        tell_all();
        break;
    case WRITE_0:
        partner_does(&grandchild, WRITE_0);
        break;
    case WRITE_1:
        child_writes();
        break;
    case END_CHILD:
        partner_end(&grandchild);
        tell_all();
    }
}

static void fill(void)
{
    step("I map %d pages at %p, and write to each.", PAGES, ARENA);
    arena = arena_map(PAGES, MAP_PRIVATE);
    for (int i = 0; i < PAGES; i++)
        arena[i * PAGE] = 'p';
    for (int i = 0; i < PAGES; i++)
        first[i] = page_tell(arena + i * PAGE);
}

static struct partner family(void)
{
    struct frames before = frames_now();

    step("I fork, and my child forks. Three processes have these pages now.");
    set_name("parent");
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, FORK);
    tell_all();
    struct frames after = frames_now();
    tell("frames of anonymous memory: %ld more; the three have touched their stacks and variables", after.anonymous - before.anonymous);
    gaur_claim(page_look(arena).references == 1, "one reference each: all three go through one leaf, and that has the owners");
    return child;
}

static void after_all(struct partner *child)
{
    step("The parent writes to page 2, which all three have.");
    fault_tell(write_at(arena + 2 * PAGE, 'P'));
    claim(other_frame(page_look(arena + 2 * PAGE), first[2]), "it gets a copy: the old frame stays with the other two");
    tell_all();
    step("The grandchild ends, then the child.");
    partner_does(child, END_CHILD);
    partner_end(child);
    tell_all();
    claim(same_frame(page_look(arena), first[0]) && same_frame(page_look(arena + 3 * PAGE), first[3]),
          "pages 0 and 3 never moved");
    gaur_claim(page_look(arena + 3 * PAGE).references == 1, "one reference is left");
    struct fault fault = fault_tell(write_at(arena + 3 * PAGE, 'P'));
    claim(fault.count == 1 && same_frame(page_look(arena + 3 * PAGE), first[3]), "a write to it copies nothing");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "A fork of a fork");
    fill();
    struct partner child = family();
    step("The grandchild writes to page 0.");
    partner_does(&child, WRITE_0);
    step("The child writes to page 1.");
    partner_does(&child, WRITE_1);
    after_all(&child);
    return lesson_end();
}
