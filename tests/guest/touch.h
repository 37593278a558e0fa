// SPDX-License-Identifier: MIT
/*
 * touch.h - touch one byte of memory, as the program or through the kernel, and tell what happened.
 *
 * A touch that ends in SIGSEGV or SIGBUS is caught on an alternate stack and told, with what the handler saw.
 */
#ifndef GUEST_TOUCH_H
#define GUEST_TOUCH_H

#include "tap.h"

enum touch_kind { TOUCH_READ, TOUCH_WRITE, TOUCH_FETCH };

struct touch {
    int signo;              // 0: nothing happened
    int code;               // si_code
    unsigned long address;  // si_addr
    unsigned long error;    // the error code that the kernel tells in the signal frame
    unsigned long trap;     // 14: page fault, 13: general protection
};

struct touch touch(enum touch_kind kind, const volatile void *address);
#define touch_read(address) touch(TOUCH_READ, address)
#define touch_write(address) touch(TOUCH_WRITE, address)
#define touch_fetch(address) touch(TOUCH_FETCH, address)

/* Did the touch at `address` end in SIGSEGV with this si_code, telling that address? */
bool touch_refused(enum touch_kind kind, const volatile void *address, int code);
bool touch_allowed(enum touch_kind kind, const volatile void *address);

/* The kernel touches it: TOUCH_WRITE with read(2) from a pipe, TOUCH_READ with write(2) to one. 0 or errno. */
int kernel_touch(enum touch_kind kind, const volatile void *address);

/* `count` pages of private anonymous memory, readable and writable; NULL if there are none. */
unsigned char *pages_map(size_t count);
void pages_unmap(void *pages, size_t count);
/* The same, all in one 2 MiB block (under one leaf of the page table). */
unsigned char *pages_map_one_leaf(size_t count);

#endif
