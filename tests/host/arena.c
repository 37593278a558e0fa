// SPDX-License-Identifier: MIT
/* arena.c - the memory of the machine. Apart from the rest, since libc's <sys/mman.h> and <linux/mman.h> do not mix. */
#define _GNU_SOURCE
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void arena_map(void *at, size_t size)
{
    void *got = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (got != at) {
        perror("cannot map the machine's memory");
        exit(1);
    }
}
