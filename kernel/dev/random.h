// SPDX-License-Identifier: MIT
/*
 * random.h - random bytes: ChaCha20, seeded from the CPU's generator when it has one, and from timing.
 */
#ifndef DEV_RANDOM_H
#define DEV_RANDOM_H

#include "lib/types.h"

// Seed the generator and register /dev/random and /dev/urandom.
void random_init_early(void);
void random_init(void);

// `size` random bytes. Any context but interrupts; never fails, never waits.
void random_bytes(void *buffer, size_t size);

// Something unforeseeable happened (an interrupt's time): stir it in.
void random_add(uint64_t value);

#endif
