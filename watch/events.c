// SPDX-License-Identifier: MIT
#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"

#define NANOSECONDS UINT64_C(1000000000)

void events_begin(struct events *events, const struct guest *guest, bool instructions)
{
    *events = (struct events){.guest = guest, .instructions = instructions};
}

/* ---- Taking ---- */

/* Copy record `number`. => false: it was overwritten, or is not whole */
static bool take_record(const struct event *records, uint64_t mask, uint64_t number, struct event *copy)
{
    const struct event *record = &records[number & mask];

    if (atomic_load_explicit(&record->sequence, memory_order_acquire) != number + 1)
        return false;
    memcpy(copy, record, sizeof *copy);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&record->sequence, memory_order_relaxed) == number + 1;
}

static void take_ring(struct events *events, unsigned cpu, const struct event_ring *ring)
{
    uint64_t next = atomic_load_explicit(&ring->next, memory_order_acquire), mask = atomic_load(&ring->mask);
    const struct event *records =
        memory_at_kernel(&events->guest->memory, (uint64_t)(uintptr_t)atomic_load(&ring->records), (mask + 1) * sizeof *records);
    uint64_t first = next > mask + 1 ? next - mask - 1 : 0;

    if (!records || events->taken[cpu] > next)
        first = next; // they are gone, or the guest has begun anew
    else if (first < events->taken[cpu])
        first = events->taken[cpu];
    events->lost += first > events->taken[cpu] ? first - events->taken[cpu] : 0;
    for (; first < next; first++) {
        if (events->count < EVENTS_MAX && take_record(records, mask, first, &events->waiting[events->count]))
            events->count++;
        else
            events->lost++;
    }
    events->taken[cpu] = next;
}

void events_take(struct events *events)
{
    const struct event_ring *rings =
        memory_at_kernel(&events->guest->memory, events->guest->at.event_rings, MAX_CPUS * sizeof *rings);

    for (unsigned cpu = 0; rings && cpu < MAX_CPUS; cpu++)
        take_ring(events, cpu, &rings[cpu]);
}

/* ---- Telling ---- */

static int by_time(const void *a, const void *b)
{
    uint64_t left = ((const struct event *)a)->time, right = ((const struct event *)b)->time;

    return left < right ? -1 : left > right;
}

/* Of the time-stamp counter into what is told. */
static uint64_t ticks(const struct events *events, uint64_t counter)
{
    uint64_t per_second = control_ticks_per_second(events->guest);

    if (events->instructions || per_second == 0)
        return counter;
    return (uint64_t)((unsigned __int128)counter * NANOSECONDS / per_second);
}

static void put_event(struct events *events, struct text *text, const struct event *event)
{
    json_open(text, '[');
    json_put_number(text, ++events->number);
    json_put_number(text, ticks(events, event->time));
    json_put_number(text, event->cpu);
    json_put_number(text, event->type);
    json_put_number(text, event->pid);
    json_put_number(text, event->tid);
    json_put_address(text, event->address);
    json_put_address(text, event->ip);
    json_put_number(text, event->code);
    json_put_number(text, event->cause);
    json_put_number(text, event->outcome);
    json_put_number(text, event->frame);
    json_put_number(text, ticks(events, event->cost));
    json_put_number(text, event->extra);
    json_close(text, ']');
}

unsigned events_put(struct events *events, struct text *text)
{
    unsigned count = events->count;

    if (count == 0 && events->lost == 0)
        return 0;
    qsort(events->waiting, count, sizeof events->waiting[0], by_time);
    message_begin(text, "events");
    json_field_number(text, "lost", events->lost);
    events->number += events->lost;
    json_name(text, "events");
    json_open(text, '[');
    for (unsigned i = 0; i < count; i++)
        put_event(events, text, &events->waiting[i]);
    json_close(text, ']');
    message_end(text);
    if (count > 0)
        events->last_time = ticks(events, events->waiting[count - 1].time);
    events->lost = 0;
    events->count = 0;
    return count;
}
