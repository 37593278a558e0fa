// SPDX-License-Identifier: MIT
/*
 * maps.c - making, changing and removing regions.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define SIZE (64 * 1024UL)

void map_and_unmap(void)
{
    const int rounds = 200;
    uint64_t start = start_clock();

    for (int i = 0; i < rounds; i++)
        munmap(map(SIZE), SIZE);
    report("mmap_munmap_64k", stop_clock(start), rounds);
}

void protect(void)
{
    const int rounds = 20;
    char *at = map(MIB);

    touch(at, MIB);
    uint64_t start = start_clock();
    for (int i = 0; i < rounds; i++) {
        mprotect(at, MIB, PROT_READ);
        mprotect(at, MIB, PROT_READ | PROT_WRITE);
    }
    report("mprotect_1m", stop_clock(start), rounds);
    munmap(at, MIB);
}

void brk_up_and_down(void)
{
    const int rounds = 200;
    uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
    uint64_t start = start_clock();

    for (int i = 0; i < rounds; i++) {
        syscall(SYS_brk, end + SIZE);
        syscall(SYS_brk, end);
    }
    report("brk_64k", stop_clock(start), rounds);
}
