// SPDX-License-Identifier: MIT
/*
 * oom.c - choose who is to end when memory has run out.
 *
 * Theory      Badness is what a process's end gives back: pages that nobody shares with it, and its page tables; of two that are as bad, the
 *             younger. The leader of a session (the shell that somebody sits at, the first process of a service) counts a
 *             quarter, so that a storm of small children ends before it. The worst one gets SIGKILL, never init. Until it
 *             has let go of its memory nobody else is chosen: whoever finds no memory meanwhile waits and tries again.
 * Locking     None but the flag `choosing`; processes are looked at one by one, each with a reference.
 */
#include "proc/oom.h"

#include <asm/signal.h>
#include <linux/oom.h>
#include <stdatomic.h>

#include "arch/x86/time.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/kalloc.h"
#include "mm/vspace.h"
#include "proc/pgrp.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sync/wait.h"

#define PAUSE_NS 10000000ull // between two looks whether the chosen one has gone
#define FREE_ENOUGH 32       // frames: with so many, somebody else has solved it meanwhile

static _Atomic bool choosing;          // by one thread at a time
static pid_t victim;                   // (choosing) the last one chosen, without a reference: it need not be there any more
static uint64_t victim_start_ns;       // (choosing) tells it from one that got its number

/* A candidate, with a reference, and what it holds. */
struct candidate {
    struct process *process;
    struct vspace_sizes sizes;
    uint64_t badness; // pages
};

static bool leads_session(const struct process *process)
{
    return process_getsid(process->id) == process->id;
}

/* oom_score_adj adds or takes so many thousandths of all memory; at its end of the scale a process is never chosen. */
static uint64_t adjusted(uint64_t badness, int adjustment)
{
    int64_t points = (int64_t)badness + adjustment * (int64_t)commit_memory() / 1000;

    if (adjustment == OOM_SCORE_ADJ_MIN)
        return 0;
    return points > 0 ? (uint64_t)points : badness ? 1 : 0;
}

/* => 0: not to be chosen */
static uint64_t measure(struct process *process, struct vspace_sizes *sizes)
{
    struct vspace *space = process->unkillable ? NULL : process_vspace(process);
    if (!space)
        return 0;
    vspace_measure(space, sizes);
    vspace_put(space);
    uint64_t badness = sizes->exclusive + sizes->shared + sizes->nodes;
    return adjusted(leads_session(process) ? badness / 4 : badness, process->oom_score_adj);
}

uint64_t oom_score(struct process *process)
{
    struct vspace_sizes sizes;
    uint64_t total = commit_memory();

    return total ? measure(process, &sizes) * 1000 / total : 0;
}

/* The worst of all processes; its process is NULL if there is none. */
static struct candidate find_worst(void)
{
    struct candidate worst = {NULL, {0}, 0};
    struct process *process;

    for (pid_t id = 1; (process = process_find_from(id)); ) {
        struct vspace_sizes sizes;
        uint64_t badness = measure(process, &sizes);
        id = process->id + 1;
        if (badness && badness >= worst.badness) {
            if (worst.process)
                process_put(worst.process);
            worst = (struct candidate){process, sizes, badness};
        } else {
            process_put(process);
        }
    }
    return worst;
}

/* Linux's line, so that who looks for it finds it. */
static void tell(const struct candidate *chosen)
{
    const struct vspace_sizes *sizes = &chosen->sizes;

    printk(LOG_ERROR "Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, "
           "shmem-rss:%lukB, UID:%u pgtables:%lukB; its end gives back the most", chosen->process->id, chosen->process->comm,
           sizes->total_bytes >> 10, sizes->anonymous << 2, sizes->file << 2, sizes->shared << 2,
           atomic_load(&chosen->process->uid), sizes->nodes << 2);
}

/* Whether the one chosen last still holds its memory. */
static bool victim_lingers(void)
{
    struct process *process = victim ? process_find(victim) : NULL;
    if (!process)
        return false;
    struct vspace *space = process->start_ns == victim_start_ns ? process_vspace(process) : NULL;
    if (space)
        vspace_put(space);
    process_put(process);
    return space != NULL;
}

/* => `choosing` is ours */
static void choose(void)
{
    if (frames_by_kind(FRAME_FREE) > FREE_ENOUGH || victim_lingers())
        return;
    struct candidate worst = find_worst();
    if (!worst.process)
        panic("out of memory, and no process is left that could be ended");
    victim = worst.process->id;
    victim_start_ns = worst.process->start_ns;
    tell(&worst);
    signal_send_process(worst.process, SIGKILL, NULL);
    process_put(worst.process);
}

bool oom_kill(void)
{
    if (!atomic_exchange(&choosing, true)) {
        choose();
        atomic_store(&choosing, false);
    }
    if (!signal_fatal_pending())
        (void)!sleep_until(clock_ns() + PAUSE_NS);
    return !signal_fatal_pending();
}
