// SPDX-License-Identifier: MIT
/*
 * read_only.c - a page that was read-only before fork stays so; the code of the fault does not tell it from copy-on-write.
 */
#include <signal.h>
#include <sys/mman.h>

#include "lib/lesson.h"

enum { LOOK, WRITE_READ_ONLY, WRITE_WRITABLE, ALLOW_AND_WRITE };

static unsigned char *arena;
static struct page before[2];

static void write_read_only(void)
{
    struct fault fault = fault_tell(write_at(arena, 'x'));
    struct page page = page_tell(arena);

    claim(fault_is(&fault, arena, P | W | U, "readonly_write"), "a frame is mapped, it was a write, by the program: P=1, W=1, U=1");
    claim(fault.signal == SIGSEGV, "the region forbids it: SIGSEGV");
    claim(same_frame(page, before[0]), "nothing was copied");
}

static void write_writable(void)
{
    struct fault fault = fault_tell(write_at(arena + PAGE, 'c'));

    claim(fault_is(&fault, arena + PAGE, P | W | U, "cow_write"), "the same code, bit by bit; but this region allows it");
    claim(fault.signal == 0 && other_frame(page_tell(arena + PAGE), before[1]), "the page is copied, and the write goes on");
}

static void allow_and_write(void)
{
    if (mprotect(arena, PAGE, PROT_READ | PROT_WRITE) < 0)
        broken("mprotect");
    region_tell(arena);
    claim(page_look(arena).present, "mprotect has changed the region; the page is still in its frame");
    struct fault fault = fault_tell(write_at(arena, 'c'));
    claim(fault_is(&fault, arena, P | W | U, "cow_write"), "now it is copy-on-write: the region allows it, and others hold the frame");
    claim(other_frame(page_tell(arena), before[0]), "page 0 is copied");
}

static void child_acts(int what)
{
    switch (what) {
    case LOOK:
        region_tell(arena);
        page_tell(arena);
        page_tell(arena + PAGE);
        break;
    case WRITE_READ_ONLY:
        write_read_only();
        break;
    case WRITE_WRITABLE:
        write_writable();
        break;
    case ALLOW_AND_WRITE:
        allow_and_write();
    }
}

static void prepare(void)
{
    step("I map two pages at %p, write to both, and make the first one read-only with mprotect.", ARENA);
    arena = arena_map(2, MAP_PRIVATE);
    arena[0] = arena[PAGE] = 'p';
    if (mprotect(arena, PAGE, PROT_READ) < 0)
        broken("mprotect");
    region_tell(arena);
    region_tell(arena + PAGE);
    before[0] = page_tell(arena);
    before[1] = page_tell(arena + PAGE);
    claim(page_look(arena).present && arena[0] == 'p', "the one region is two now; the pages are where they were");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Read-only pages and fork");
    prepare();
    step("I fork. Both pages are write-protected in parent and child now, the first one for two reasons.");
    set_name("parent");
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, LOOK);
    step("The child writes to page 0, which was read-only before the fork. What is the code? What happens?");
    partner_does(&child, WRITE_READ_ONLY);
    step("The child writes to page 1, which was not. Is the code another one?");
    partner_does(&child, WRITE_WRITABLE);
    step("The child allows itself to write to page 0, with mprotect, and does.");
    partner_does(&child, ALLOW_AND_WRITE);
    region_tell(arena);
    claim(arena[0] == 'p' && arena[PAGE] == 'p', "nothing of this is seen by the parent, whose page 0 is still read-only");
    claim(write_at(arena, 'x').signal == SIGSEGV, "a write by the parent ends in SIGSEGV too");
    step("The child ends.");
    partner_end(&child);
    return lesson_end();
}
