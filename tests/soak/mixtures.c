// SPDX-License-Identifier: MIT
/*
 * mixtures.c - all mixtures, in the order in which they are told.
 */
#include "soak.h"

const struct mixture *const mixtures[] = {
    &forks, &execs, &pipes, &records, &signals, &stops, &faults, &deaths, &exits, &kills, &wakeups, &files,
    &threads, &generations, &huge_generations, &terminals, NULL,
};
