// SPDX-License-Identifier: MIT
/*
 * heap.c - brk moves the end of a region, and no more; every address has a region, or none; malloc is the library's.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/lesson.h"

enum { PAGES = 8 };

static unsigned char *heap; // where our part of it begins

static unsigned char *brk_set(unsigned char *end)
{
    return (unsigned char *)syscall(SYS_brk, end);
}

static void grow(void)
{
    unsigned char *end = brk_set(NULL);

    heap = (unsigned char *)(((uintptr_t)end + PAGE - 1) & -PAGE);
    step("The end of my heap is %p. I move it up by %d pages with brk.", end, PAGES);
    if (brk_set(heap + PAGES * PAGE) != heap + PAGES * PAGE)
        broken("brk");
    claim(region_tell(heap), "the addresses from %p on are in a region now", heap);
    claim(pages_present(heap, PAGES) == 0, "no page there has a frame");
}

static void use(void)
{
    step("I write to the first page and to the sixth.");
    struct fault fault = fault_tell(write_at(heap, 'h'));
    page_tell(heap);
    claim(fault_is(&fault, heap, W | U, "anonymous_write"), "P=0, W=1: it is a first touch, like any");
    fault_tell(write_at(heap + 5 * PAGE, 'h'));
    page_tell(heap + 5 * PAGE);
    claim(pages_present(heap, PAGES) == 2, "2 of %d pages have a frame", PAGES);
}

static void regions(void)
{
    static char word;
    char local;

    step("I ask which region holds what: a function, a variable, the heap, my stack, two pieces from malloc.");
    char *small = malloc(100), *large = malloc(256 * 1024);
    if (!small || !large)
        broken("malloc");
    region_tell((void *)(uintptr_t)regions);
    region_tell(&word);
    region_tell(heap);
    region_tell(&local);
    region_tell(small);
    claim(region_tell(large), "each of these addresses is in exactly one region");
    claim(!region_tell((void *)16), "address 16 is in none");
    volatile uintptr_t large_was = (uintptr_t)large;
    free(large);
    claim(!region_tell((void *)large_was), "the large piece was a region of its own: free has unmapped it");
    free(small);
}

static void shrink(void)
{
    step("I move the end of the heap back to %p, and read the first page behind it.", heap);
    struct page before = page_look(heap);
    claim(before.present, "up to now that page has a frame");
    brk_set(heap);
    struct fault fault = fault_tell(read_at(heap));
    claim(fault.signal == SIGSEGV, "region, vpage_info and frame are gone: SIGSEGV");
    claim(fault_is(&fault, heap, U, "no_region"), "P=0: nothing is mapped there");
}

int main(int argc, char **argv)
{
    lesson_start(argc, argv, "The heap");
    grow();
    use();
    regions();
    shrink();
    return lesson_end();
}
