// SPDX-License-Identifier: MIT
/*
 * event.c - the rings of events.
 *
 * Theory      A CPU writes only to its own ring, with interrupts off, so each ring has one writer, and a record needs no lock. Its
 *             sequence is cleared first and written last: a reader, on whatever CPU or outside of the guest, sees by it whether the
 *             record is whole and still the one that it wants.
 * Ending      Rings go when nobody watches any more. Who writes looks for the ring with interrupts off: once every CPU has been
 *             interrupted after the ring was taken from it, nobody writes to it.
 * Locking     `watching` for who begins and ends. Records are written under any lock that ranks below wait_queue.
 */
#include "mm/event.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/tlb.h"
#include "sync/mutex.h"
#include "sync/wait.h"

struct event_ring event_rings[MAX_CPUS];
bool events_wanted;
struct wait_queue events_queue = WAIT_QUEUE_INIT(events_queue);

static struct mutex watching = MUTEX_INIT(watching, "events", RANK_EVENTS);
static unsigned watchers;       // (watching)
static unsigned ring_order;     // (watching) frames of each ring, as a power of two
static void (*identify_running)(struct event_identity *identity); // constant after boot

/* ---- Writing ---- */

void events_set_identify(void (*identify)(struct event_identity *identity))
{
    identify_running = identify;
}

void event_identify(struct event_identity *identity)
{
    *identity = (struct event_identity){0};
    if (identify_running)
        identify_running(identity);
}

/* => interrupts off, on the ring's CPU */
static void ring_write(struct event_ring *ring, struct event *records, const struct event *event)
{
    uint64_t number = atomic_load_explicit(&ring->next, memory_order_relaxed);
    struct event *record = &records[number & atomic_load_explicit(&ring->mask, memory_order_relaxed)];

    atomic_store_explicit(&record->sequence, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memcpy(&record->time, &event->time, sizeof *event - offsetof(struct event, time));
    atomic_store_explicit(&record->sequence, number + 1, memory_order_release);
    atomic_store_explicit(&ring->next, number + 1, memory_order_release);
}

void __cold event_record(struct event *event)
{
    struct event_identity identity;

    event_identify(&identity);
    event->pid = identity.pid;
    event->tid = identity.tid;
    event->ip = identity.ip;
    unsigned long flags = irq_save();
    event->cpu = (uint8_t)cpu_id();
    event->time = read_tsc();
    struct event_ring *ring = &event_rings[event->cpu];
    struct event *records = atomic_load_explicit(&ring->records, memory_order_acquire);
    if (records)
        ring_write(ring, records, event);
    irq_restore(flags);
    wake_all(&events_queue);
}

void __cold event_record_range(enum event_type type, vaddr_t start, uint64_t bytes, unsigned code)
{
    struct event event = {.type = type, .address = start, .extra = bytes >> PAGE_SHIFT, .code = (uint8_t)code};

    event_record(&event);
}

void __cold event_record_frame(enum event_type type, pfn_t frame, uint64_t extra)
{
    struct event event = {.type = type, .frame = (uint32_t)frame, .extra = extra};

    event_record(&event);
}

/* ---- Reading ---- */

bool event_read(unsigned cpu, uint64_t number, struct event *event)
{
    struct event_ring *ring = &event_rings[cpu];
    struct event *records = atomic_load_explicit(&ring->records, memory_order_acquire);

    if (!records)
        return false;
    struct event *record = &records[number & atomic_load_explicit(&ring->mask, memory_order_relaxed)];
    if (atomic_load_explicit(&record->sequence, memory_order_acquire) != number + 1)
        return false;
    memcpy(event, record, sizeof *event);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&record->sequence, memory_order_relaxed) == number + 1;
}

uint64_t event_next(unsigned cpu)
{
    return atomic_load_explicit(&event_rings[cpu].next, memory_order_acquire);
}

uint64_t event_oldest(unsigned cpu)
{
    uint64_t next = event_next(cpu), count = atomic_load_explicit(&event_rings[cpu].mask, memory_order_relaxed) + 1;

    return next > count ? next - count : 0;
}

/* ---- Beginning and ending ---- */

/* Take the rings from their CPUs, and give them back when nobody writes to them any more. => watching held */
static void rings_drop(void)
{
    struct event *dropped[MAX_CPUS];
    const vaddr_t none = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        dropped[cpu] = atomic_exchange(&event_rings[cpu].records, NULL);
    tlb_flush_everywhere(&none, 0); // each CPU has been interrupted after this, or is this one
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (dropped[cpu])
            frame_free_run(kva2page(dropped[cpu]), ring_order);
}

/* => watching held; false: no memory for rings of this size, and there are none */
static bool rings_make(unsigned order, unsigned cpus)
{
    ring_order = order;
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        struct core_map_entry *run = order ? frame_alloc_run(FRAME_KERNEL, order) : frame_alloc(FRAME_KERNEL);
        if (!run) {
            rings_drop();
            return false;
        }
        memset(page2kva(run), 0, PAGE_SIZE << order);
        atomic_store(&event_rings[cpu].next, 0);
        atomic_store(&event_rings[cpu].mask, (PAGE_SIZE << order) / sizeof(struct event) - 1);
        atomic_store_explicit(&event_rings[cpu].records, page2kva(run), memory_order_release);
    }
    return true;
}

/* The largest run of frames that has no more than so many bytes; one frame at least. */
static unsigned order_within(uint64_t bytes)
{
    unsigned order = 0;

    while (order + 1 < BUDDY_ORDERS && PAGE_SIZE << (order + 1) <= bytes)
        order++;
    return order;
}

int events_start(uint64_t bytes, unsigned cpus)
{
    int error = 0;

    mutex_lock(&watching);
    if (watchers == 0) {
        unsigned order = order_within(bytes);
        while (error == 0 && !rings_make(order, cpus))
            error = order-- == 0 ? -ENOMEM : 0;
    }
    if (!error && watchers++ == 0)
        __atomic_store_n(&events_wanted, true, __ATOMIC_RELAXED);
    mutex_unlock(&watching);
    return error;
}

void events_stop(void)
{
    mutex_lock(&watching);
    if (--watchers == 0) {
        __atomic_store_n(&events_wanted, false, __ATOMIC_RELAXED);
        rings_drop();
    }
    mutex_unlock(&watching);
}
