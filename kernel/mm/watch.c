// SPDX-License-Identifier: MIT
/*
 * watch.c - the guest's side of the control page.
 *
 * Theory      The host cannot wake anybody in the guest. So who waits for it sleeps, and looks at the page a hundred times a second.
 *             Faults that wait stand in a line in order of arrival: its first one is told in the page, and is the next to go on.
 * Locking     `line`, for the line and for what the page says of it. A fault waits without any lock of mm's, but perhaps with one of
 *             those that may be held over a copy to or from user memory.
 */
#include "mm/watch.h"

#include "arch/x86/time.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/event.h"
#include "mm/fault.h"
#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/vpage.h"
#include "mm/vspace.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define LOOK_NS 10000000ull

struct watch_control *watch_control;
static bool (*thread_ends)(void); // constant after boot

/* One who waits, on its own stack.    Fields: (l) line.lock  (c) constant */
struct place {
    struct list link;                // (l)
    const struct fault *fault;       // (c)
    struct event_identity identity;  // (c)
};

static struct {
    struct spinlock lock;
    struct list places;
    uint32_t waiting;                // as many as are in the line
} line = {.lock = SPINLOCK_INIT("held faults", RANK_HELD_FAULTS), .places = LIST_INIT(line.places)};

void watch_set_stop(bool (*stop)(void))
{
    thread_ends = stop;
}

void watch_start(uint64_t ring_bytes, unsigned cpus)
{
    struct watch_control *control = kalloc();

    if (!control || events_start(ring_bytes, cpus) != 0) {
        if (control)
            kfree(control);
        printk(LOG_WARNING "too little memory to be watched");
        return;
    }
    memset(control, 0, PAGE_SIZE);
    control->magic = WATCH_MAGIC;
    control->version = WATCH_VERSION;
    control->cpus = cpus;
    control->ticks_per_second = tsc_frequency();
    __atomic_store_n(&watch_control, control, __ATOMIC_RELEASE);
}

/* ---- Stepping ---- */

/* Say in the page who goes on next. => line.lock held */
static void tell_first(void)
{
    struct watch_held *held = &watch_control->held;
    uint32_t sequence = atomic_load_explicit(&held->sequence, memory_order_relaxed);

    atomic_store_explicit(&held->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    held->waiting = line.waiting;
    if (line.waiting > 0) {
        const struct place *first = list_first_entry(&line.places, struct place, link);
        held->pid = first->identity.pid;
        held->tid = first->identity.tid;
        held->address = first->fault->address;
        held->ip = first->identity.ip;
        held->code = first->fault->code;
    }
    atomic_store_explicit(&held->sequence, sequence + 2, memory_order_release);
}

static void stand_in_line(struct place *place)
{
    spin_lock(&line.lock);
    list_add_tail(&line.places, &place->link);
    line.waiting++;
    tell_first();
    spin_unlock(&line.lock);
}

/* Whether the host lets the first in the line go on, which is counted then. => line.lock held */
static bool is_let_on(const struct place *place)
{
    uint64_t passed = atomic_load_explicit(&watch_control->passed, memory_order_relaxed);

    if (list_first_entry(&line.places, struct place, link) != place || passed >= atomic_load(&watch_control->allowed))
        return false;
    atomic_store_explicit(&watch_control->passed, passed + 1, memory_order_relaxed);
    return true;
}

/* Leave the line, if it is time to: let on, or nobody steps any more, or the thread is to end. */
static bool leave_line(struct place *place)
{
    spin_lock(&line.lock);
    bool leaves = !atomic_load(&watch_control->step) || is_let_on(place) || (place->identity.pid && thread_ends && thread_ends());
    if (leaves) {
        list_remove(&place->link);
        line.waiting--;
        tell_first();
    }
    spin_unlock(&line.lock);
    return leaves;
}

/* Wait, if the host steps through faults, until it lets this one go on. */
static void hold(const struct fault *fault)
{
    struct place place = {.fault = fault};

    if (!watch_control || !atomic_load_explicit(&watch_control->step, memory_order_relaxed))
        return;
    event_identify(&place.identity);
    stand_in_line(&place);
    while (!leave_line(&place))
        sleep_through(clock_ns() + LOOK_NS);
}

/* ---- Faults ---- */

/* The number of the frame that is behind the page; 0: none. */
static pfn_t frame_behind(struct vspace *space, vaddr_t va)
{
    pfn_t frame = 0;

    rwlock_read_lock(&space->lock);
    struct core_map_entry *leaf = node_find_leaf(space, va);
    if (leaf && leaf_covers(leaf, va)) {
        struct vpage_info info = vpage_load(leaf_info(leaf, va));
        frame = info.present ? info.ppn : 0;
    }
    rwlock_read_unlock(&space->lock);
    return frame;
}

enum fault_outcome watch_fault(struct vspace *space, struct fault *fault)
{
    hold(fault);
    uint64_t begun = read_tsc();
    fault->watched = true;
    enum fault_outcome outcome = vspace_fault(space, fault);
    fault->watched = false;
    uint64_t cost = read_tsc() - begun;
    struct event event = {
        .type = EVENT_FAULT,
        .address = fault->address,
        .code = (uint8_t)fault->code,
        .cause = fault->cause,
        .outcome = outcome,
        .extra = fault->ahead,
        .frame = outcome == FAULT_RESOLVED ? (uint32_t)frame_behind(space, fault->address) : 0,
        .cost = (uint32_t)MIN(cost, (uint64_t)UINT32_MAX),
    };
    event_record(&event);
    return outcome;
}

/* ---- Verify's moment ---- */

void __cold watch_verify_moment(void)
{
    uint64_t moment = atomic_fetch_add(&watch_control->moment, 1) + 1, deadline = clock_ns() + WATCH_VERIFY_WAIT_NS;

    while (atomic_load(&watch_control->hold_verify) && atomic_load(&watch_control->moment_seen) != moment &&
           clock_ns() < deadline)
        cpu_relax();
    atomic_fetch_add(&watch_control->moment, 1);
}
