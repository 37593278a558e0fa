// SPDX-License-Identifier: MIT
#include "memory.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "arch/x86/layout.h"

#define GIB (UINT64_C(1) << 30)
#define FOUR_GIB (4 * GIB)

/*
 * Where QEMU lets memory end for the devices below 4 GiB (pc_q35_init, pc_init1, microvm_memory_init): it prefers whole GiB as
 * soon as some memory has to move anyway.
 */
static uint64_t hole_begins(const char *machine, uint64_t size)
{
    if (strcmp(machine, "q35") == 0)
        return size >= 0xb0000000 ? 2 * GIB : 0xb0000000;
    if (strcmp(machine, "pc") == 0)
        return size >= 0xe0000000 ? 3 * GIB : 0xe0000000;
    return 3 * GIB;
}

const char *memory_open(struct memory *memory, int fd, const char *machine)
{
    struct stat file;

    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return "the guest's memory is no file";
    memory->size = (uint64_t)file.st_size;
    memory->below_hole = MIN(memory->size, hole_begins(machine, memory->size));
    memory->base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory->base == MAP_FAILED ? "the guest's memory cannot be mapped" : NULL;
}

void *memory_at(const struct memory *memory, uint64_t pa, uint64_t length)
{
    uint64_t above = memory->size - memory->below_hole;

    if (pa < memory->below_hole && length <= memory->below_hole - pa)
        return memory->base + pa;
    if (pa >= FOUR_GIB && pa - FOUR_GIB < above && length <= above - (pa - FOUR_GIB))
        return memory->base + memory->below_hole + (pa - FOUR_GIB);
    return NULL;
}

void *memory_at_kernel(const struct memory *memory, uint64_t va, uint64_t length)
{
    return va >= KERNBASE && va < DIRECT_MAP_END ? memory_at(memory, V2P(va), length) : NULL;
}

bool memory_read(const struct memory *memory, uint64_t va, void *to, uint64_t length)
{
    const void *from = memory_at_kernel(memory, va, length);

    if (from)
        memcpy(to, from, length);
    return from;
}

bool memory_refresh(uint64_t *copy, const void *from, size_t words)
{
    const uint64_t *source = from;
    bool differs = false;

    for (size_t i = 0; i < words; i++) {
        uint64_t word = __atomic_load_n(&source[i], __ATOMIC_RELAXED);
        differs |= word != copy[i];
        copy[i] = word;
    }
    return differs;
}
