// SPDX-License-Identifier: MIT
/*
 * guest.h - a guest under observation: its memory, its kernel's ELF, and where that has its variables.
 */
#ifndef WATCH_GUEST_H
#define WATCH_GUEST_H

#include "image.h"
#include "memory.h"

/* Addresses of the kernel's variables. */
struct guest_symbols {
    uint64_t core_map, core_map_frames, spaces, spaces_lock, pids, vm_counters, event_rings, watch_control;
    uint64_t watch_layout;
    uint64_t inode_pages_describe, segment_describe, data_pages, image_pages; // what files are told by
};

struct guest {
    struct memory memory;
    struct image image;
    struct guest_symbols at;
};

/* => NULL, or what is wrong: in a buffer of its own, valid until the next call */
const char *guest_open(struct guest *guest, int memory, const char *machine, const char *kernel);

enum guest_match { GUEST_NOT_LOADED, GUEST_MATCHES, GUEST_DIFFERS };

/* Whether the kernel in the guest's memory is the ELF's. */
enum guest_match guest_match(const struct guest *guest);

/* Whether its structures are as this program has them. => it matches */
bool guest_fits(const struct guest *guest);

/* One word of the kernel's, 0 if it is out of reach. */
uint64_t guest_word(const struct guest *guest, uint64_t va);

#endif
