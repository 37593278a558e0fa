// SPDX-License-Identifier: MIT
/*
 * oom.c - choose who is to end when memory has run out.
 *
 * Theory      Badness is a process's share of memory: its pages, each divided by how many hold it, those in swap, and its page tables;
 *             of two that are as bad, the younger. The leader of a session (the shell that somebody sits at, the first process of a
 *             service) counts a quarter, so that a storm of small children ends before it. The worst one gets SIGKILL, never init.
 * Patience    Until it has ended nobody else is chosen, nor while anybody else is about to end: whoever finds no memory meanwhile waits
 *             and tries again. An end can take long, as it may need a lock whose holder waits here; then another one is chosen.
 * Swarms      A fork bomb fills what each end gives back at once, and each of its processes is small. So a large group of
 *             processes that has grown again each time one of it was chosen, SWARM_AFTER times shortly after each other, is ended
 *             as a whole: the job, as ^C would end it, but for a session's leader. All of it in one hold of process_tree, so that
 *             nothing forked slips out. A server whose workers are ended now and then, and started again, is no swarm.
 * Considered  What a process's end gives back: one that forks shares all it has, and others would be ended in its place.
 *             All that it maps, as Linux does: children of a large process, which share its pages, would be ended in its place.
 * Locking     The flag `choosing`, which its holder may sleep with (for the address spaces that it measures), and nobody sleeps for.
 *             Processes are looked at one by one, each with a reference; process_tree for a group.
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
#include "proc/signal_queue.h"
#include "sync/wait.h"

#define PAUSE_NS 10000000ull // between two looks whether who is to end has gone
#define FREE_ENOUGH 32       // frames: with so many, somebody else has solved it meanwhile
#define PATIENCE_NS (10 * NS_PER_SECOND) // with one who is to end
#define SWARM_AFTER 3                    // ends of its processes that a group has made good
#define SWARM_SIZE 16                    // processes, at least
#define SWARM_NS (60 * NS_PER_SECOND)    // from one end to the next, at most

static _Atomic bool choosing; // by one thread at a time

/* Who is to end before anybody else is chosen, without a reference: it need not be there any more. Fields: (choosing) */
static struct {
    pid_t id;
    uint64_t start_ns;  // tells it from one that got its number
    uint64_t since_ns;
} awaited;

/* The group that somebody was chosen from last. Fields: (choosing) */
static struct {
    pid_t group;
    uint64_t chosen_ns;
    unsigned regrown;   // times in a row that it was chosen from, and had grown since
} swarm;

/* A candidate, with a reference, and what it holds. */
struct candidate {
    struct process *process;
    struct vspace_sizes sizes;
    uint64_t badness; // pages
    bool ending;      // it needs no signal any more
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
    uint64_t badness = sizes->share / PAGE_SHARES + sizes->swapped + sizes->nodes;
    return adjusted(leads_session(process) ? badness / 4 : badness, process->oom_score_adj);
}

uint64_t oom_score(struct process *process)
{
    struct vspace_sizes sizes;
    uint64_t total = commit_memory();

    return total ? measure(process, &sizes) * 1000 / total : 0;
}

/* Its memory has gone before a process is a zombie. */
static bool is_alive(const struct process *process)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    bool alive = process->state == PROCESS_ALIVE;

    spin_unlock_irq(&process_tree, flags);
    return alive;
}

/* Whether a process is about to give back what it has without being told. */
static bool is_ending(const struct process *process)
{
    return (atomic_load(&process->group_exiting) || atomic_load(&process->thread_count) == 0) && is_alive(process);
}

/* What one process is as a candidate: the best of all if it ends anyway, none (badness 0) if it has been waited for in vain. */
static struct candidate judge(struct process *process, bool patient)
{
    struct candidate candidate = {.process = process, .ending = is_ending(process)};

    if (!candidate.ending)
        candidate.badness = measure(process, &candidate.sizes);
    else if (patient)
        candidate.badness = UINT64_MAX;
    return candidate;
}

/* The worst of all processes; its process is NULL if there is none. */
static struct candidate find_worst(bool patient)
{
    struct candidate worst = {0};
    struct process *process;

    for (pid_t id = 1; (process = process_find_from(id)); ) {
        struct candidate next = judge(process, patient);
        id = process->id + 1;
        if (next.badness && next.badness >= worst.badness) {
            if (worst.process)
                process_put(worst.process);
            worst = next;
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
           "shmem-rss:%lukB, UID:%u pgtables:%lukB; its share of memory is the largest", chosen->process->id, chosen->process->comm,
           sizes->total_bytes >> 10, sizes->anonymous << 2, sizes->file << 2, sizes->shared << 2,
           atomic_load(&chosen->process->uid), sizes->nodes << 2);
}

/* Whether the group of this number is large, and has a process that is younger than that. */
static bool group_has_grown(pid_t group, uint64_t since_ns)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(group);
    struct process *process;
    unsigned count = 0, younger = 0;

    if (pid) {
        list_for_each_entry(process, &pid->members, in_group) {
            count++;
            younger += process->start_ns > since_ns;
        }
    }
    spin_unlock_irq(&process_tree, flags);
    return younger > 0 && count >= SWARM_SIZE;
}

/* Note that a process of this group was chosen. => `choosing` is ours; true: the group has outgrown it too often */
static bool is_swarm(pid_t group)
{
    uint64_t now = clock_ns();
    bool again = group > 0 && group == swarm.group && now - swarm.chosen_ns < SWARM_NS && group_has_grown(group, swarm.chosen_ns);

    swarm.regrown = again ? swarm.regrown + 1 : 0;
    swarm.group = group;
    swarm.chosen_ns = now;
    return swarm.regrown >= SWARM_AFTER;
}

/* => process_tree held */
static bool ends_with_its_group(const struct process *process)
{
    return process->session->id != process->pid && !process->unkillable && process->oom_score_adj != OOM_SCORE_ADJ_MIN &&
           process->state == PROCESS_ALIVE && !atomic_load(&process->group_exiting);
}

/* => how many of it were told to end */
static unsigned end_group(pid_t group)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(group);
    struct process *process;
    unsigned count = 0;

    if (pid) {
        list_for_each_entry(process, &pid->members, in_group) {
            struct signal_entry *none = NULL;

            if (!ends_with_its_group(process))
                continue;
            count++;
            spin_lock(&process->signal_lock);
            (void)signal_send_locked(process, NULL, SIGKILL, &none); // no entry wanted: cannot fail
            spin_unlock(&process->signal_lock);
        }
    }
    spin_unlock_irq(&process_tree, flags);
    return count;
}

/* => `choosing` is ours */
static void end(const struct candidate *chosen)
{
    pid_t group = process_getpgid(chosen->process->id);

    tell(chosen);
    (void)signal_send_process(chosen->process, SIGKILL, NULL); // without more to say: cannot fail
    if (!is_swarm(group))
        return;
    unsigned count = end_group(group);
    printk(LOG_ERROR "Out of memory: Killed process group %d (%s), %u processes more: it grew again each time one of it was killed",
           group, chosen->process->comm, count);
    swarm.regrown = 0;
}

/* Whether the awaited process has not gone. => `choosing` is ours */
static bool awaited_is_there(void)
{
    struct process *process = awaited.id ? process_find(awaited.id) : NULL;
    if (!process)
        return false;
    bool there = process->start_ns == awaited.start_ns && is_alive(process);
    process_put(process);
    return there;
}

/* => `choosing` is ours */
static bool patience_is_over(void)
{
    return clock_ns() - awaited.since_ns >= PATIENCE_NS;
}

static bool memory_is_back(void)
{
    return frames_by_kind(FRAME_FREE) > FREE_ENOUGH;
}

/* => `choosing` is ours */
static void choose(void)
{
    bool in_vain = awaited_is_there();

    if (memory_is_back() || (in_vain && !patience_is_over()))
        return;
    struct candidate worst = find_worst(!in_vain);
    if (!worst.process && !in_vain && !memory_is_back())
        panic("out of memory, and no process is left that could be ended");
    if (!worst.process)
        return;
    if (!worst.ending)
        end(&worst);
    awaited.id = worst.process->id;
    awaited.start_ns = worst.process->start_ns;
    awaited.since_ns = clock_ns();
    process_put(worst.process);
}

/* Whether it is of no use to try again yet. */
static bool must_wait(void)
{
    if (memory_is_back())
        return false;
    if (atomic_exchange(&choosing, true))
        return true;
    bool waits = awaited_is_there() && !patience_is_over();
    atomic_store(&choosing, false);
    return waits;
}

/* Give who is to end time to go. => false: that is the running thread */
static bool wait_for_memory(void)
{
    do {
        if (signal_fatal_pending())
            return false;
        sleep_through(clock_ns() + PAUSE_NS); // other signals must not make this a busy loop
    } while (must_wait());
    return !signal_fatal_pending();
}

bool oom_kill(void)
{
    if (!atomic_exchange(&choosing, true)) {
        choose();
        atomic_store(&choosing, false);
    }
    return wait_for_memory();
}
