// SPDX-License-Identifier: MIT
/*
 * tlb.c - which CPUs to tell, and waiting until they know.
 *
 * Theory      A CPU joins `active` of a space before it loads the space's tables, with a barrier between; we change the
 *             entries before we read `active`, with a barrier between. So either we see the CPU and interrupt it, or it
 *             loads the tables after the change. A CPU that idles with the tables is marked instead (active.c), unless
 *             page-table pages are about to be freed: a processor may walk on its own account, through what it remembers.
 * Locking     One flush of other CPUs at a time, under a spinlock whose holder waits with interrupts on; whoever waits for
 *             the lock serves interrupts too.
 */
#include "mm/tlb.h"

#include <stdatomic.h>

#include "arch/x86/tlb.h"
#include "lib/log.h"
#include "mm/active.h"
#include "mm/event.h"
#include "mm/stat.h"
#include "sync/rank.h"
#include "sync/sched.h"

_Atomic uint32_t tlb_flush_pages_max = 110;

/* The flush that other CPUs are asked for. One at a time: taken by compare-and-exchange on `busy`. */
static struct {
    _Atomic bool busy;
    vaddr_t start, end;           // stable while busy; or
    const vaddr_t *pages;         // so many pages of the kernel's; NULL: the range
    unsigned count;
    _Atomic uint64_t outstanding; // CPUs that have not answered, a bit each
} request;

static void flush_here(vaddr_t start, vaddr_t end)
{
    uint64_t pages = (end - start) >> PAGE_SHIFT;

    if (pages > atomic_load_explicit(&tlb_flush_pages_max, memory_order_relaxed)) {
        tlb_flush_local_all();
        vm_count(VM_TLB_FLUSH_ALL);
        if (end != USER_END)
            vm_count(VM_TLB_FLUSH_ABOVE);
        return;
    }
    for (vaddr_t va = start; va < end; va += PAGE_SIZE)
        tlb_flush_local_page(va);
    vm_count_n(VM_TLB_FLUSH_PAGE, pages);
}

static void flush_pages_here(const vaddr_t *pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        tlb_flush_local_page(pages[i]);
    vm_count_n(VM_TLB_FLUSH_PAGE, count);
}

/* On the CPU that was asked, in an interrupt. One that idles need not be asked again. */
static void shootdown_handler(void)
{
    uint64_t self = 1ull << cpu_id();

    if (!(atomic_load(&request.outstanding) & self))
        return;
    if (request.pages)
        flush_pages_here(request.pages, request.count);
    else if (!vspace_leave_idle())
        flush_here(request.start, request.end);
    atomic_fetch_and(&request.outstanding, ~self);
}

/* => preemption off, interrupts on */
static void request_begin(void)
{
    while (atomic_exchange_explicit(&request.busy, true, memory_order_acquire))
        cpu_relax();
    request.pages = NULL;
}

/* Ask, and wait until all have answered. => as above, the request is written */
static void request_send(uint64_t targets)
{
    atomic_store(&request.outstanding, targets);
    tlb_send_shootdown(targets);
    while (atomic_load(&request.outstanding))
        cpu_relax();
    atomic_store_explicit(&request.busy, false, memory_order_release);
    vm_count(VM_TLB_SHOOTDOWN);
}

static void flush_others(uint64_t targets, vaddr_t start, vaddr_t end)
{
    request_begin();
    request.start = start;
    request.end = end;
    request_send(targets);
}

/* For who watches: what is flushed, and which other CPUs are interrupted for it. => preemption off */
static __cold void note_flush(uint64_t targets, vaddr_t start, vaddr_t end)
{
    event_record_range(EVENT_FLUSH, start, end - start, (unsigned)(targets & ~(1ull << cpu_id())));
}

/* Some other CPU has the space, or this one has it not, or somebody watches. => preemption off, interrupts on */
static __attribute__((noinline)) void flush_on(uint64_t targets, vaddr_t start, vaddr_t end)
{
    uint64_t self = 1ull << cpu_id();

    if (targets & self)
        flush_here(start, end);
    if (targets & ~self)
        flush_others(targets & ~self, start, end);
    if (events_on())
        note_flush(targets, start, end);
}

/*
 * Whether this CPU runs in the space, no other has its tables, and nobody watches: then nothing is to be done but to flush here.
 *
 * => preemption off, the entries are written
 */
static bool is_ours_alone(const struct vspace *space)
{
    atomic_thread_fence(memory_order_seq_cst);
    return likely(atomic_load(&space->active) == ACTIVE_RUNNING(cpu_id())) && !events_on();
}

void tlb_flush_range(struct vspace *space, vaddr_t start, vaddr_t end)
{
    lock_rank_assert_no_spinlock("wait for a TLB flush");
    preempt_disable();
    if (is_ours_alone(space))
        flush_here(start, end);
    else
        flush_on(active_targets(space), start, end);
    preempt_enable();
}

void tlb_flush_space(struct vspace *space)
{
    tlb_flush_range(space, 0, USER_END);
}

void tlb_flush_nodes(struct vspace *space, vaddr_t start, vaddr_t end)
{
    lock_rank_assert_no_spinlock("wait for a TLB flush");
    preempt_disable();
    if (is_ours_alone(space))
        flush_here(start, end);
    else
        flush_on(active_holders(space), start, end);
    preempt_enable();
}

static __attribute__((noinline)) bool try_flush_on(uint64_t targets, vaddr_t va)
{
    uint64_t self = 1ull << cpu_id();

    if (targets & ~self)
        return false;
    if (targets)
        flush_here(va, va + PAGE_SIZE);
    if (targets && events_on())
        note_flush(targets, va, va + PAGE_SIZE);
    return true;
}

bool tlb_try_flush_here(struct vspace *space, vaddr_t va)
{
    if (!is_ours_alone(space))
        return try_flush_on(active_targets(space), va);
    tlb_flush_local_page(va);
    vm_count(VM_TLB_FLUSH_PAGE);
    return true;
}

void tlb_flush_all_spaces(vaddr_t start, vaddr_t end)
{
    lock_rank_assert_no_spinlock("wait for a TLB flush");
    preempt_disable();
    atomic_thread_fence(memory_order_seq_cst);
    if (events_on())
        note_flush(sched_online(), start, end);
    flush_here(start, end);
    uint64_t others = sched_online() & ~(1ull << cpu_id());
    if (others)
        flush_others(others, start, end);
    preempt_enable();
}

void tlb_flush_everywhere(const vaddr_t *pages, unsigned count)
{
    lock_rank_assert_no_spinlock("wait for a TLB flush");
    preempt_disable();
    flush_pages_here(pages, count);
    uint64_t others = sched_online() & ~(1ull << cpu_id());
    if (others) {
        request_begin();
        request.pages = pages;
        request.count = count;
        request_send(others);
    }
    preempt_enable();
}

void tlb_init(void)
{
    tlb_set_shootdown_handler(shootdown_handler);
}
