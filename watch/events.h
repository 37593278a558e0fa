// SPDX-License-Identifier: MIT
/*
 * events.h - what happened in the guest since the last time, from the kernel's rings (kernel/mm/event.h).
 */
#ifndef WATCH_EVENTS_H
#define WATCH_EVENTS_H

#include "guest.h"
#include "json.h"
#include "mm/event.h"

#define EVENTS_MAX 2048 // that wait to be told; more than that in a tenth of a second nobody reads

struct events {
    const struct guest *guest;
    bool instructions;             // the guest's clock counts them; else it is turned into nanoseconds
    uint64_t taken[MAX_CPUS];      // the number of the next record of each CPU
    struct event waiting[EVENTS_MAX];
    unsigned count;
    uint64_t number;               // of all that were taken, the lost ones included
    uint64_t lost;                 // since they were last told
    uint64_t last_time;            // of the newest, in ticks as they are told
};

void events_begin(struct events *events, const struct guest *guest, bool instructions);

/* Take what is in the rings. */
void events_take(struct events *events);

/* A message with all that waits; nothing if there is nothing to tell. => how many events it tells of */
unsigned events_put(struct events *events, struct text *text);

#endif
