// SPDX-License-Identifier: MIT
/*
 * vectors.h - fill and check the vector registers: sixteen of 16 bytes, or of 32 if this processor and kernel have AVX.
 */
#ifndef GUEST_VECTORS_H
#define GUEST_VECTORS_H

#include "tap.h"

/* May AVX be used: cpuid says so, and the kernel has switched its state on (XCR0)? */
bool vectors_wide(void);

/* Every register gets a value made of `seed` and its number. */
void vectors_fill(unsigned char seed);

/*
 * Fill them, make the system call, and compare, with nothing in between that the compiler might put there.
 * kill: the handler runs before it returns. fork: both sides compare. spin: no call, `rounds` of waiting.
 */
bool vectors_survive_kill(unsigned char seed, int signo);
bool vectors_survive_spin(unsigned char seed, unsigned long rounds);
/* In the child: exits 0 if they are as in the parent. The parent's own are checked too. */
bool vectors_survive_fork(unsigned char seed);

#endif
