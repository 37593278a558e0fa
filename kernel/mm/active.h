// SPDX-License-Identifier: MIT
/*
 * active.h - which CPUs have which space's tables loaded, and which of them must be told of changes.
 *
 * A CPU that runs in a space is interrupted when entries lose rights. One that idles keeps the tables of the space that it ran
 * last, since it mostly goes on there, but uses no user address meanwhile: it is not interrupted but marked, and forgets
 * everything before it runs in the space again. Only before page-table pages are freed, and before the
 * space goes, idle CPUs are interrupted, too; they give the tables up, and so are interrupted once at most.
 */
#ifndef MM_ACTIVE_H
#define MM_ACTIVE_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/types.h"
#include "mm/vspace.h"

/* The bits of vspace.active. A CPU that has other tables loaded has none of them. */
#define ACTIVE_RUNNING(cpu) (1ull << (cpu))
#define ACTIVE_IDLE(cpu) (1ull << MAX_CPUS << (cpu))      // the tables are loaded, no user address is used
#define ACTIVE_STALE(cpu) (1ull << 2 * MAX_CPUS << (cpu)) // besides: entries have changed meanwhile
#define ACTIVE_ANY(cpu) ((ACTIVE_RUNNING(0) | ACTIVE_IDLE(0) | ACTIVE_STALE(0)) << (cpu))
#define ACTIVE_ALL_CPUS ((1ull << MAX_CPUS) - 1)

static_assert(3 * MAX_CPUS <= 64, "three bits for each CPU");

/*
 * Load the space on this CPU: join its active set, then CR3. NULL loads the kernel's own tables.
 *
 * => preemption off; from the scheduler's switch hook, and from exec
 */
void vspace_activate(struct vspace *space);

/* This CPU has nothing to do: keep the tables that are loaded, and ask not to be interrupted for them. => as above */
void vspace_idle(void);

/* If this CPU idles with a space's tables, load the kernel's own instead. => in an interrupt; true if it was so */
bool vspace_leave_idle(void);

/* The slow half of active_targets: mark the CPUs that idle. => the CPUs that run in the space at that moment */
uint64_t active_mark_idle(struct vspace *space);

/*
 * The CPUs that must be interrupted since entries have changed. Those that idle will see to it themselves.
 *
 * => the entries are written, a full barrier lies between
 */
static inline uint64_t active_targets(struct vspace *space)
{
    uint64_t active = atomic_load(&space->active);

    return active <= ACTIVE_ALL_CPUS ? active : active_mark_idle(space);
}

/* The CPUs that have the tables loaded, idle ones included. => as above */
static inline uint64_t active_holders(struct vspace *space)
{
    uint64_t active = atomic_load(&space->active);

    return (active | active >> MAX_CPUS) & ACTIVE_ALL_CPUS;
}

#endif
