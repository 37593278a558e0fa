// SPDX-License-Identifier: MIT
/*
 * shm.h - System V shared memory, as /proc shows it.
 */
#ifndef SYS_SHM_H
#define SYS_SHM_H

#include <linux/shm.h>

#include "lib/types.h"

/* What is known of the first segment whose index is at least `index`, with its pages. => its index, or -1: there is none */
int shm_tell_from(int index, struct shmid64_ds *out, int *id, uint64_t *resident, uint64_t *swapped);

#endif
