// SPDX-License-Identifier: MIT
#include "control.h"

#include "mm/watch.h"

#define LOOKS 100 // at what is changed just now

static struct watch_control *page_of(const struct guest *guest)
{
    struct watch_control *page =
        memory_at_kernel(&guest->memory, guest_word(guest, guest->at.watch_control), sizeof *page);

    return page && page->magic == WATCH_MAGIC && page->version == WATCH_VERSION ? page : NULL;
}

bool control_is_there(const struct guest *guest)
{
    return page_of(guest);
}

uint64_t control_ticks_per_second(const struct guest *guest)
{
    const struct watch_control *page = page_of(guest);

    return page ? page->ticks_per_second : 0;
}

/* ---- Stepping ---- */

void control_step_begin(const struct guest *guest)
{
    struct watch_control *page = page_of(guest);

    if (!page)
        return;
    atomic_store(&page->allowed, atomic_load(&page->passed));
    atomic_store(&page->step, 1);
}

void control_step(const struct guest *guest, uint64_t faults)
{
    struct watch_control *page = page_of(guest);

    if (page)
        atomic_fetch_add(&page->allowed, faults);
}

void control_step_end(const struct guest *guest)
{
    struct watch_control *page = page_of(guest);

    if (page)
        atomic_store(&page->step, 0);
}

uint64_t control_steps_left(const struct guest *guest)
{
    struct watch_control *page = page_of(guest);

    return page ? atomic_load(&page->allowed) - atomic_load(&page->passed) : 0;
}

bool control_held(const struct guest *guest, struct held *held)
{
    const struct watch_control *page = page_of(guest);

    for (unsigned look = 0; page && look < LOOKS; look++) {
        uint32_t before = atomic_load(&page->held.sequence);
        struct watch_held copy = page->held;
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1) || atomic_load(&page->held.sequence) != before)
            continue;
        *held = (struct held){.pid = copy.pid, .tid = copy.tid, .address = copy.address, .code = copy.code};
        return copy.waiting > 0;
    }
    return false;
}

/* ---- Verify's moment ---- */

void control_hold_verify(const struct guest *guest, bool hold)
{
    struct watch_control *page = page_of(guest);

    if (page)
        atomic_store(&page->hold_verify, hold);
}

uint64_t control_verify_moment(const struct guest *guest)
{
    struct watch_control *page = page_of(guest);
    uint64_t moment = page ? atomic_load(&page->moment) : 0;

    return moment & 1 ? moment : 0;
}

void control_verify_seen(const struct guest *guest, uint64_t moment)
{
    struct watch_control *page = page_of(guest);

    if (page)
        atomic_store(&page->moment_seen, moment);
}
