// SPDX-License-Identifier: MIT
/*
 * swap.c - a page can be in use and in no frame: it is in swap, and the next access brings it back.
 */
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "lib/lesson.h"

enum { PAGES = 16 };

static unsigned char *arena;

static bool has_swap(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 && info.totalswap > 0;
}

static size_t swapped(void)
{
    size_t count = 0;

    for (int i = 0; i < PAGES; i++)
        count += page_look(arena + i * PAGE).swapped;
    return count;
}

static void fill(void)
{
    step("I map %d pages at %p, and write to each.", PAGES, ARENA);
    arena = arena_map(PAGES, MAP_PRIVATE);
    for (int i = 0; i < PAGES; i++)
        arena[i * PAGE] = 'A' + i;
    page_tell(arena + 5 * PAGE);
    claim(pages_present(arena, PAGES) == PAGES, "all are in frames");
}

static void push_out(void)
{
    step("I ask for them to be written to swap, with madvise(MADV_PAGEOUT), as the kernel does by itself when memory is short.");
    struct frames before = frames_now();
    if (madvise(arena, PAGES * PAGE, MADV_PAGEOUT) < 0)
        broken("madvise");
    struct frames after = frames_now();
    page_tell(arena + 5 * PAGE);
    page_tell(arena + 6 * PAGE);
    claim(swapped() == PAGES, "all are in use, and in no frame");
    tell("frames of anonymous memory: %ld fewer", before.anonymous - after.anonymous);
}

static void bring_back(void)
{
    step("I read page 5.");
    struct fault fault = fault_tell(read_at(arena + 5 * PAGE));
    page_tell(arena + 5 * PAGE);
    claim(fault_is(&fault, arena + 5 * PAGE, U, "swapped"), "no entry: P=0. The vpage_info said where the content was");
    claim(fault.major == 1, "it was a major fault: it waited for the disk");
    claim(arena[5 * PAGE] == 'F', "the content is what I wrote");
}

static void write_to_it(void)
{
    step("I write to page 5. Its content is in the frame and in swap.");
    struct fault fault = fault_tell(write_at(arena + 5 * PAGE, 'w'));
    struct page page = page_tell(arena + 5 * PAGE);
    claim(page.present && fault.major == 0, "nothing has to be read");
    gaur_claim(fault_is(&fault, arena + 5 * PAGE, P | W | U, "cow_write"),
               "the frame was write-protected as long as the slot was to hold the same");
}

static void child_acts(int what)
{
    (void)what;
    struct fault fault = fault_tell(read_at(arena + 12 * PAGE));
    page_tell(arena + 12 * PAGE);
    claim(fault.major <= 1 && arena[12 * PAGE] == 'M', "the content is what the parent wrote");
}

static void share(void)
{
    set_name("parent");
    step("I fork. The child reads page 12, which is in swap. Then the parent reads it. How many faults is that?");
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, 0);
    struct fault fault = fault_tell(read_at(arena + 12 * PAGE));
    page_tell(arena + 12 * PAGE);
    gaur_claim(fault.count == 0, "one: the child has filled in the leaf that both have");
    step("The child ends.");
    partner_end(&child);
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Swap");
    if (!has_swap())
        not_here("This machine has no swap. Start it with: ./gaur watch --swap 32M");
    fill();
    push_out();
    bring_back();
    write_to_it();
    share();
    return lesson_end();
}
