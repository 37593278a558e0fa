// SPDX-License-Identifier: MIT
/*
 * swap_device.h - a swap device in memory, which can be told to fail.
 */
#ifndef HOST_SWAP_DEVICE_H
#define HOST_SWAP_DEVICE_H

#include "mm/swap.h"

#define DEVICE_PAGES 4096

struct swap_device {
    _Atomic unsigned reads, writes; // calls
    _Atomic unsigned pages_read, pages_written;
    int read_error, write_error;    // what the next calls answer, unless 0
    uint32_t bad_page;              // that can be neither read nor written, unless 0
    void (*during_write)(void);     // called while a write is under way, unless NULL
    int priority;                   // that it is to have when it is added: 0, or what the test has set
    uint8_t content[DEVICE_PAGES][4096];
};

extern struct swap_device swap_device, second_device;

/* Use the first `pages` of it; and no more, which must be possible: nothing is in it. */
void swap_device_add(unsigned pages, const uint32_t *bad, unsigned bad_count);
void swap_device_remove(void);

/* The same for another one, which is used after it. */
void swap_device_add_second(unsigned pages);
void swap_device_remove_second(void);

#endif
