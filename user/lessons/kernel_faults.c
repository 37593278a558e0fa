// SPDX-License-Identifier: MIT
/*
 * kernel_faults.c - the kernel touches a program's memory in read(2) and write(2), and faults there as the program would.
 */
#include <errno.h>
#include <sys/mman.h>

#include "lib/lesson.h"

static unsigned char *arena;
static struct page before;

static void first_touches(void)
{
    step("I call read(2) with page 0 as the buffer. I have never touched it.");
    struct fault fault = fault_tell(kernel_write_at(arena, 'k'));
    page_tell(arena);
    claim(fault_is(&fault, arena, W, "anonymous_write"), "no frame, a write, by the kernel: P=0, W=1, U=0");
    claim(fault.result == 1 && arena[0] == 'k', "the fault was resolved, and read(2) went on");
    step("I call write(2) with page 1 as the buffer.");
    fault = fault_tell(kernel_read_at(arena + PAGE));
    page_tell(arena + PAGE);
    claim(fault_is(&fault, arena + PAGE, 0, "anonymous_read"), "write(2) reads my memory: P=0, W=0, U=0");
    claim(fault.result == 1, "it has written one zero byte");
}

static void child_acts(int what)
{
    (void)what;
    struct fault fault = fault_tell(kernel_write_at(arena, 'c'));
    struct page page = page_tell(arena);
    claim(fault_is(&fault, arena, P | W, "cow_write"), "a frame, read-only, a write, by the kernel: P=1, W=1, U=0");
    claim(other_frame(page, before) && arena[0] == 'c', "the kernel has copied the page before it wrote to it");
}

static void copy_on_write(void)
{
    before = page_look(arena);
    set_name("parent");
    step("I fork. The child calls read(2) with page 0 as the buffer, which we share.");
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, 0);
    claim(same_frame(page_tell(arena), before) && arena[0] == 'k', "the parent's page is as it was");
    step("The child ends.");
    partner_end(&child);
    set_name("");
}

static void refused(void)
{
    step("I make page 0 read-only, and call read(2) with it as the buffer. Is there a SIGSEGV?");
    if (mprotect(arena, PAGE, PROT_READ) < 0)
        broken("mprotect");
    struct fault fault = fault_tell(kernel_write_at(arena, 'x'));
    claim(fault.signal == 0 && fault.result == -EFAULT, "no signal: the call fails with EFAULT");
    claim(fault_is(&fault, arena, P | W, "readonly_write"), "the cause is the same as for a program, and U=0");
    step("I call read(2) with a buffer at address 4096, which is in no region.");
    fault = fault_tell(kernel_write_at((void *)PAGE, 'x'));
    claim(fault.signal == 0 && fault.result == -EFAULT, "EFAULT again");
    claim(fault_is(&fault, (void *)PAGE, W, "no_region"), "P=0, W=1, U=0");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "Faults in kernel mode");
    arena = arena_map(4, MAP_PRIVATE);
    first_touches();
    copy_on_write();
    refused();
    return lesson_end();
}
