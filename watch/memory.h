// SPDX-License-Identifier: MIT
/*
 * memory.h - the guest's memory, seen from outside: QEMU keeps it in a file that this program maps as well.
 *
 * Whatever comes from there is a stranger's word, and may change while it is read: every address is checked before it is followed.
 */
#ifndef WATCH_MEMORY_H
#define WATCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    uint8_t *base;      // the file; only the control page is ever written to
    uint64_t size;
    uint64_t below_hole; // bytes of it that lie below the devices' addresses; the rest begins at 4 GiB
};

/* Map the file of a machine ("q35", "pc", "microvm"). => NULL, or what is wrong with it */
const char *memory_open(struct memory *memory, int fd, const char *machine);

/* `length` bytes at a physical address, or at an address in the kernel's direct map. NULL: not all of them are memory. */
void *memory_at(const struct memory *memory, uint64_t pa, uint64_t length);
void *memory_at_kernel(const struct memory *memory, uint64_t va, uint64_t length);

/* Copy from there. => false: not all of it is memory; `to` is as it was */
bool memory_read(const struct memory *memory, uint64_t va, void *to, uint64_t length);

/* A flag that was copied from there, and may be any byte. */
static inline bool memory_flag(const bool *flag)
{
    return *(const unsigned char *)flag != 0;
}

/* Copy words, each in one piece, over an older copy. => whether any differs */
bool memory_refresh(uint64_t *copy, const void *from, size_t words);

#endif
