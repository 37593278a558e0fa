// SPDX-License-Identifier: MIT
/*
 * worker.h - a process that does one round after the other, and what it tells of itself in shared memory.
 */
#ifndef SOAK_WORKER_H
#define SOAK_WORKER_H

#include "soak.h"

#define WORKERS_MAX 64

struct slot {
    pid_t pid;                          // 0: no worker
    volatile bool failed;
    volatile unsigned mixture;          // of the round that it is in
    volatile uint64_t seed;             // and that round's
    volatile long long started;         // and when it began (now_ms)
    volatile unsigned long done[MIXTURES_MAX];  // rounds, by mixture
};

/* Which mixtures are wanted; a bit for each. */
extern unsigned wanted;

/* Rounds until *stop. Returns the worker's exit status: 0, or 1 when a round has failed. */
int work(struct slot *slot, struct random random, const volatile bool *stop);

/* Each wanted mixture `rounds` times: what the kernel allocates once and keeps comes first. */
int warm_up(struct slot *slot, struct random random, unsigned rounds);

/* One mixture's number by its name; -1 if there is none. */
int mixture_named(const char *name);

#endif
