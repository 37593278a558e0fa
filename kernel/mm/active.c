// SPDX-License-Identifier: MIT
/*
 * active.c - which CPUs have which space's tables loaded.
 *
 * Theory      All that is known of a CPU and a space lies in one word, so that each step of the CPU and each look of who
 *             changes entries comes entirely before or after the other:
 *
 *                 to run there        RUNNING set, then the tables loaded
 *                 to idle             RUNNING cleared and IDLE set, in one step
 *                 entries changed     one step: who has RUNNING is interrupted, who has only IDLE gets STALE
 *                 to go on            RUNNING set; if STALE was set in that moment, flush; IDLE and STALE cleared
 *                 to leave            other tables loaded, then all bits cleared
 *
 *             Had the look two steps, a CPU could go idle, or on, between them and be missed by both.
 *             tests/models/shootdown.pml checks this, and what each step that is left out lets happen.
 * Considered  A reference of the idle CPU on the space: the memory of a process that has ended would stay until that CPU
 *             finds other work.
 */
#include "mm/active.h"

#include "arch/x86/paging.h"
#include "arch/x86/tlb.h"
#include "lib/log.h"
#include "mm/stat.h"

/* The space loaded on each CPU. Only its CPU touches it, with preemption off. */
static struct vspace *loaded[MAX_CPUS];

/* The tables are loaded already. => RUNNING is set, and all is forgotten that changed since the CPU went idle */
static void go_on(struct vspace *space, unsigned cpu)
{
    if (atomic_load_explicit(&space->active, memory_order_relaxed) & ACTIVE_RUNNING(cpu))
        return;
    if (atomic_fetch_or(&space->active, ACTIVE_RUNNING(cpu)) & ACTIVE_STALE(cpu)) {
        tlb_flush_local_all();
        vm_count(VM_TLB_FLUSH_ALL);
    }
    atomic_fetch_and(&space->active, ~(ACTIVE_IDLE(cpu) | ACTIVE_STALE(cpu)));
}

static void leave(struct vspace *old, unsigned cpu)
{
    if (old)
        atomic_fetch_and(&old->active, ~ACTIVE_ANY(cpu));
}

static __attribute__((noinline)) void load_kernel_tables(struct vspace *old, unsigned cpu)
{
    paging_load(paging_kernel_root());
    loaded[cpu] = NULL;
    leave(old, cpu);
}

void vspace_activate(struct vspace *space)
{
    unsigned cpu = cpu_id();
    struct vspace *old = loaded[cpu];

    if (!space)
        return load_kernel_tables(old, cpu);
    if (old == space)
        return go_on(space, cpu);
    atomic_fetch_or(&space->active, ACTIVE_RUNNING(cpu)); // a full barrier: tlb.c
    paging_load(page2pa(space->root));
    loaded[cpu] = space;
    leave(old, cpu);
}

void vspace_idle(void)
{
    unsigned cpu = cpu_id();

    if (!loaded[cpu])
        return;
    DEBUG_ASSERT((loaded[cpu]->active & ACTIVE_ANY(cpu)) == ACTIVE_RUNNING(cpu));
    atomic_fetch_xor(&loaded[cpu]->active, ACTIVE_RUNNING(cpu) | ACTIVE_IDLE(cpu));
}

bool vspace_leave_idle(void)
{
    unsigned cpu = cpu_id();

    if (!loaded[cpu] || (atomic_load(&loaded[cpu]->active) & ACTIVE_RUNNING(cpu)))
        return false;
    vspace_activate(NULL);
    return true;
}

uint64_t active_mark_idle(struct vspace *space)
{
    uint64_t active = atomic_load(&space->active), running, idle;

    do {
        running = active & ACTIVE_ALL_CPUS;
        idle = active >> MAX_CPUS & ACTIVE_ALL_CPUS & ~running;
    } while (!atomic_compare_exchange_weak(&space->active, &active, active | idle << 2 * MAX_CPUS));
    vm_count_n(VM_TLB_SHOOTDOWN_IDLE, idle != 0);
    return running;
}
