// SPDX-License-Identifier: MIT
/*
 * event.h - what happens in memory, recorded while somebody watches: faults, forks, changes of mappings, flushes, swap.
 *
 * Each CPU has a ring of records of a fixed size, and overwrites the oldest. Nobody is waited for: who reads too late has lost some,
 * and can tell how many. Two kinds of readers: /proc/gaur/events, and a program of the host that sees the guest's memory (mm/watch.h);
 * for that one this header compiles on its own as well.
 *
 * Nothing is recorded, and there are no rings, while nobody watches. Each place that has something to tell then pays one test.
 */
#ifndef MM_EVENT_H
#define MM_EVENT_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/types.h"

enum event_type {
    EVENT_FAULT,    // a page fault, when it is over
    EVENT_FORK,     // a child was made
    EVENT_EXEC,     // a program was loaded
    EVENT_EXIT,     // a process's last thread ends
    EVENT_MAP,      // addresses have got a region: mmap, mremap, brk
    EVENT_UNMAP,    // ... have lost it
    EVENT_PROTECT,  // mprotect
    EVENT_DISCARD,  // pages were given up, their region stays: madvise
    EVENT_FLUSH,    // CPUs were told to forget translations
    EVENT_SWAP_OUT, // a frame is being written to its slot
    EVENT_SWAP_IN,  // ... was read from it
    EVENT_TYPES
};

/*
 * One record. What its type does not have is 0.
 *
 *              address         code                  cause, outcome          frame              extra
 * fault        touched         the error code        fault.h's enums         there afterwards   pages behind it that were filled as well
 * fork                                                                                          the child's pid
 * exec
 * exit                                                                                          the status, as wait(2) has it
 * map          first           rights (VR_...)                                                  pages
 * unmap        first                                                                            pages
 * protect      first           rights                                                           pages
 * discard      first                                                                            pages
 * flush        first           CPUs interrupted                                                 pages
 * swap_out, swap_in                                                          that has them      slot
 */
struct event {
    _Atomic uint64_t sequence; // its number on its CPU, plus one; 0 while it is being written
    uint64_t time;             // of the time-stamp counter, when it was recorded
    uint64_t address;
    uint64_t ip;               // where the program was, also for what the kernel did for it
    uint64_t extra;
    uint32_t pid, tid;         // whose thread; 0: the kernel's own
    uint32_t frame;            // its number; 0: none
    uint32_t cost;             // of a fault: ticks of the time-stamp counter from its entry to its end, at most UINT32_MAX
    uint8_t type;              // enum event_type
    uint8_t cpu;
    uint8_t code;
    uint8_t cause, outcome;
    uint8_t unused[3];
};

static_assert(sizeof(struct event) == 64, "records fill cache lines");

/*
 * One CPU's records: number n lies at records[n & mask].
 *
 * A reader takes record n so: `sequence` must be n + 1; copy it; then `sequence` must still be n + 1. If it is more, n has been
 * overwritten: the oldest that may still be whole is next - mask - 1.
 */
struct event_ring {
    _Atomic uint64_t next;           // the number of the record that will be written next
    struct event *_Atomic records;   // NULL: nobody records
    _Atomic uint64_t mask;           // how many there are, a power of two, minus one
};

extern struct event_ring event_rings[MAX_CPUS];

/* Whether somebody watches. */
extern bool events_wanted;

static inline bool events_on(void)
{
    return unlikely(events_wanted); // a plain read is one instruction less; whether it is of this moment does not matter
}

/*
 * Record an event of the running thread, whose `time`, `cpu`, `pid`, `tid` and `ip` are filled in.
 *
 * => any context but a non-maskable interrupt; takes no lock below wait_queue
 */
void event_record(struct event *event);

/* The same by its parts. => so many bytes from `start` on */
void event_record_range(enum event_type type, vaddr_t start, uint64_t bytes, unsigned code);
void event_record_frame(enum event_type type, pfn_t frame, uint64_t extra);

/* The hooks for what happens to addresses, and for the rest: one test when nobody watches. */
static inline void event_range(enum event_type type, vaddr_t start, uint64_t bytes, unsigned code)
{
    if (events_on())
        event_record_range(type, start, bytes, code);
}

static inline void event_frame(enum event_type type, pfn_t frame, uint64_t extra)
{
    if (events_on())
        event_record_frame(type, frame, extra);
}

/*
 * Begin and end watching; several may. The first one makes the rings, of `bytes` each or less if memory is short, for `cpus` CPUs;
 * the last one gives them back.
 *
 * => may sleep; 0 or -ENOMEM
 */
__must_check int events_start(uint64_t bytes, unsigned cpus);
void events_stop(void);

#define EVENT_RING_BYTES 0x10000 // of one CPU, unless somebody asks for more

/* Copy record `number` of a CPU. => false: it has been overwritten, or is not there yet */
__must_check bool event_read(unsigned cpu, uint64_t number, struct event *event);

/* The number of the record that a CPU writes next, and of the oldest one that can still be read. */
uint64_t event_next(unsigned cpu);
uint64_t event_oldest(unsigned cpu);

/* Woken when something was recorded. */
extern struct wait_queue events_queue;

/* Who runs, as who stands above and knows processes tells it; all 0: the kernel itself. => set once, at boot; takes no lock */
struct event_identity {
    uint32_t pid, tid;
    uint64_t ip;
};
void events_set_identify(void (*identify)(struct event_identity *identity));
void event_identify(struct event_identity *identity);

/* "fault", "fork", ... */
const char *event_type_name(enum event_type type);

#endif
