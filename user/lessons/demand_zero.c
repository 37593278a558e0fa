// SPDX-License-Identifier: MIT
/*
 * demand_zero.c - memory that is asked for takes no frame until it is touched; a read and a write do not get the same.
 */
#include <sys/mman.h>

#include "lib/lesson.h"

enum { PAGES = 8 };

static unsigned char *arena;

static void promise(void)
{
    step("I ask for %d pages at %p with mmap. I touch none of them.", PAGES, ARENA);
    arena = arena_map(PAGES, MAP_PRIVATE);
    region_tell(arena);
    page_tell(arena);
    claim(pages_present(arena, PAGES) == 0, "the region is there, and none of its pages has a frame");
}

static void read_first(void)
{
    step("I read one byte of page 0, and one of page 1.");
    long flushes = counter("tlb_flush_page");
    struct fault fault = fault_tell(read_at(arena));
    struct page first = page_tell(arena);
    claim(fault_is(&fault, arena, U, "anonymous_read"), "no frame was mapped, it was a read: P=0, W=0");
    fault_tell(read_at(arena + PAGE));
    struct page second = page_tell(arena + PAGE);
    claim(same_frame(first, second), "both pages are in the same frame, and it is full of zeros");
    gaur_claim(first.zero, "that is the zero frame, which nobody may write to");
    tell("TLB flushes meanwhile: %ld", counter("tlb_flush_page") - flushes);
}

static void write_after_read(void)
{
    step("I write to page 0, which reads from the zero frame.");
    long flushes = counter("tlb_flush_page");
    struct page before = page_look(arena);
    struct fault fault = fault_tell(write_at(arena, 'a'));
    struct page after = page_tell(arena);
    claim(fault_is(&fault, arena, P | W | U, "zero_frame_write"), "the zero frame was mapped, read-only: P=1, W=1");
    claim(other_frame(before, after), "now it has a frame of its own");
    tell("TLB flushes meanwhile: %ld", counter("tlb_flush_page") - flushes);
}

static void write_first(void)
{
    step("I write to page 2, which I have never touched.");
    struct fault fault = fault_tell(write_at(arena + 2 * PAGE, 'b'));
    page_tell(arena + 2 * PAGE);
    claim(fault_is(&fault, arena + 2 * PAGE, W | U, "anonymous_write"), "nothing was mapped: P=0, W=1");
    claim(arena[2 * PAGE + 1] == 0, "the rest of the new frame is zero");
}

static void touch_again(void)
{
    step("I write to page 2 once more, and read from page 1.");
    struct fault write = write_at(arena + 2 * PAGE, 'c'), read = read_at(arena + PAGE);
    claim(write.count == 0 && read.count == 0, "neither is a fault: the hardware found what it needs");
    claim(pages_present(arena, PAGES) == 3, "of %d pages that I asked for, 3 are in a frame", PAGES);
}

static void give_back(void)
{
    step("I give the frames back with madvise(MADV_DONTNEED), and read page 2 again.");
    madvise(arena, PAGES * PAGE, MADV_DONTNEED);
    claim(pages_present(arena, PAGES) == 0, "no page has a frame; the region is still there");
    fault_tell(read_at(arena + 2 * PAGE));
    claim(arena[2 * PAGE] == 0, "what I wrote is gone: it reads as zero");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Demand zero");
    promise();
    read_first();
    write_after_read();
    write_first();
    touch_again();
    give_back();
    return lesson_end();
}
