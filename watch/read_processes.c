// SPDX-License-Identifier: MIT
/*
 * read_processes.c - who runs in the spaces. The kernel's <asm/signal.h> does not agree with the C library's headers that have signal
 * sets: no other file includes proc/.
 */
#include <string.h>

#include "mirror.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "vector.h"

static_assert(NAME_SIZE == COMM_SIZE, "names of processes fit");

#define NUMBERS_MAX (2 * PID_MAX)

/* What the walk over all numbers has found. */
struct process_walk {
    struct mirror *mirror;
    size_t found;
    bool differs;
};

/* The letter of its first thread, as /proc/PID/stat has it. */
static char state_of(const struct guest *guest, const struct process *process)
{
    struct thread thread;

    if (process->state != PROCESS_ALIVE ||
        !memory_read(&guest->memory, (uint64_t)(uintptr_t)process->threads.next - offsetof(struct thread, in_process), &thread, sizeof thread))
        return 'Z';
    if (memory_flag(&thread.parked))
        return 'T';
    uint32_t state = atomic_load(&thread.kthread.state);
    if (state & KTHREAD_ASLEEP)
        return state & KTHREAD_INTERRUPTIBLE ? 'S' : 'D';
    return state & KTHREAD_DEAD ? 'Z' : 'R';
}

static void visit_process(struct process_walk *walk, const struct process *process)
{
    struct mirror_processes *known = &walk->mirror->processes;
    struct mirror_process made;

    memset(&made, 0, sizeof made);
    made.pid = process->id;
    made.parent = atomic_load(&process->parent_id);
    made.threads = atomic_load(&process->thread_count);
    made.space = (uint64_t)(uintptr_t)process->vspace;
    memcpy(made.name, process->comm, NAME_SIZE);
    made.name[NAME_SIZE - 1] = '\0';
    made.state = state_of(walk->mirror->guest, process);
    if (walk->found < known->count) {
        walk->differs |= memcmp(&known->array[walk->found], &made, sizeof made) != 0;
        known->array[walk->found] = made;
    } else {
        vector_add(known, made);
        walk->differs = true;
    }
    walk->found++;
}

static bool visit_number(void *arg, uint64_t node)
{
    struct process_walk *walk = arg;
    const struct memory *memory = &walk->mirror->guest->memory;
    struct process process;
    struct pid pid;

    if (!memory_read(memory, node - offsetof(struct pid, node), &pid, sizeof pid))
        return false;
    if (!pid.process)
        return true;
    if (!memory_read(memory, (uint64_t)(uintptr_t)pid.process, &process, sizeof process))
        return false;
    if (process.state != PROCESS_DEAD)
        visit_process(walk, &process);
    return true;
}

unsigned read_processes(struct mirror *mirror)
{
    const struct guest *guest = mirror->guest;
    struct process_walk walk = {.mirror = mirror};
    bool whole = read_tree(&guest->memory, guest_word(guest, guest->at.pids), visit_number, &walk, NUMBERS_MAX);

    walk.differs |= !whole || walk.found != mirror->processes.count;
    mirror->processes.count = walk.found;
    if (walk.differs)
        mirror->processes_differed = mirror->pass;
    return walk.differs;
}
