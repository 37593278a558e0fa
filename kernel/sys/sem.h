// SPDX-License-Identifier: MIT
/*
 * sem.h - System V semaphores, as /proc shows them.
 */
#ifndef SYS_SEM_H
#define SYS_SEM_H

#include <linux/sem.h>

#include "lib/types.h"

/* What is known of the first set whose index is at least `index`. => its index, or -1: there is none */
int sem_tell_from(int index, struct semid64_ds *out, int *id);

#endif
