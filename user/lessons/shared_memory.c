// SPDX-License-Identifier: MIT
/*
 * shared_memory.c - shared pages are pages of a file, with or without a name: fork does not make them copy-on-write.
 */
#include <sys/mman.h>

#include "lib/lesson.h"

enum { PAGES = 4 };
enum { WRITE_0, READ_1, UNMAP };

static unsigned char *arena;
static struct page before;

static void child_writes(void)
{
    struct fault fault = fault_tell(write_at(arena, 'c'));
    struct page page = page_tell(arena);

    claim(fault_is(&fault, arena, P | W | U, "file_shared_write"), "a fault, for fork has write-protected all that lies under the top node");
    claim(same_frame(page, before), "it is still the same frame: a shared page is never copied");
}

static void child_acts(int what)
{
    switch (what) {
    case WRITE_0:
        child_writes();
        break;
    case READ_1: {
        struct fault fault = fault_tell(read_at(arena + PAGE));
        page_tell(arena + PAGE);
        claim(fault_is(&fault, arena + PAGE, U, "file_first_touch"), "my leaf had no entry for it: P=0. The page was in the page cache");
        claim(arena[PAGE] == 'P', "I read what the parent wrote a moment ago");
        break;
    }
    case UNMAP:
        munmap(arena, PAGES * PAGE);
        region_tell(arena);
    }
}

static void fill(void)
{
    step("I map %d pages at %p, shared (MAP_SHARED), and write to page 0.", PAGES, ARENA);
    arena = arena_map(PAGES, MAP_SHARED);
    struct fault fault = fault_tell(write_at(arena, 'p'));
    region_tell(arena);
    before = page_tell(arena);
    claim(fault_is(&fault, arena, W | U, "file_first_touch"), "shared memory is a file without a name: its first touch is that of a file's page");
}

static void touched_after_fork(struct partner *child)
{
    step("The parent writes to page 1, which nobody had touched at the fork. Then the child reads it.");
    fault_tell(write_at(arena + PAGE, 'P'));
    page_tell(arena + PAGE);
    partner_does(child, READ_1);
    struct page page = page_tell(arena + PAGE);
    gaur_claim(page.references == 2, "two leaves hold the frame, besides the page cache");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Shared memory");
    fill();
    set_name("parent");
    step("I fork. The child writes to page 0. Does the parent see it?");
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, WRITE_0);
    claim(arena[0] == 'c', "the parent sees what the child wrote");
    gaur_claim(page_tell(arena).references == 2, "two leaves hold the frame");
    touched_after_fork(&child);
    step("The child unmaps the pages.");
    partner_does(&child, UNMAP);
    struct page page = page_tell(arena);
    gaur_claim(page.references == 1, "one leaf holds the frame");
    step("The parent unmaps them as well.");
    struct frames held = frames_now();
    munmap(arena, PAGES * PAGE);
    struct frames given_back = frames_now();
    gaur_claim(held.file - given_back.file == 2, "2 frames of files fewer: without a name and without a mapping, the file is gone");
    partner_end(&child);
    return lesson_end();
}
