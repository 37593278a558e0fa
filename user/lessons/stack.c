// SPDX-License-Identifier: MIT
/*
 * stack.c - a stack grows where it is touched, by whoever touches it, down to its limit.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/lesson.h"

static unsigned char *here; // a page of the stack that is in use

static unsigned char *below(long kilobytes)
{
    return here - kilobytes * 1024;
}

static void where(void)
{
    struct region region;

    step("I look where my stack is. Nothing is touched yet.");
    here = (unsigned char *)((uintptr_t)__builtin_frame_address(0) & -PAGE);
    region_tell(here);
    if (!region_of(here, &region))
        broken("the stack is in no region");
    size_t pages = (region.end - region.start) / PAGE;
    tell("the region has %zu pages, of which %zu are in a frame", pages, pages_present((void *)region.start, pages));
    claim(!region_of(below(1024), &region), "1 MiB further down, at %p, there is no region", below(1024));
}

static void grow_by_write(void)
{
    unsigned char *at = below(256);

    step("I write one byte 256 KiB below, at %p, as a function with a large array would.", at);
    struct fault fault = fault_tell(write_at(at, 's'));
    region_tell(at);
    page_tell(at);
    claim(fault_is(&fault, at, W | U, "stack_growth"), "there was no frame and no region, it was a write: P=0, W=1");
    claim(page_look(at).present, "the region has grown, and this page has a frame");
    claim(!page_look(below(200)).present, "the pages that were jumped over have none");
}

static void grow_by_read(void)
{
    unsigned char *at = below(320);

    step("I read one byte 320 KiB below, at %p.", at);
    struct fault fault = fault_tell(read_at(at));
    struct page page = page_tell(at);
    claim(fault_is(&fault, at, U, "stack_growth_read"), "the stack grows for a read as well: P=0, W=0");
    gaur_claim(page.zero, "but a read needs no more than the zero frame");
}

static void grow_by_kernel(void)
{
    unsigned char *at = below(384);

    step("I call read(2) with a buffer 384 KiB below, at %p: it is the kernel that touches the stack.", at);
    struct fault fault = fault_tell(kernel_write_at(at, 'k'));
    page_tell(at);
    claim(fault_is(&fault, at, W, "stack_growth"), "the same fault from kernel mode: U=0");
    claim(fault.result == 1 && *at == 'k', "read(2) went well, and the byte is there");
}

static void beyond_the_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_STACK, &limit);
    unsigned char *at = here - limit.rlim_cur - 16 * PAGE;
    step("The limit of my stack is %lu KiB. I write below that, at %p.", (unsigned long)limit.rlim_cur / 1024, at);
    struct fault fault = fault_tell(write_at(at, 'x'));
    claim(fault.signal != 0, "the stack does not grow there: the program gets SIGSEGV");
    claim(fault_is(&fault, at, W | U, "no_region"), "the code is that of the second step; address and limit tell them apart");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "The stack grows");
    where();
    grow_by_write();
    grow_by_read();
    grow_by_kernel();
    beyond_the_limit();
    return lesson_end();
}
