// SPDX-License-Identifier: MIT
#include "proc/cpu_clock.h"

#include <linux/time.h>

#include "lib/errno.h"

/* A clock number below zero is ~number << 3 and three bits: the kind, and whether the number is a thread's. */
#define KIND_MASK 3
#define OF_THREAD 4

bool cpu_clock_is(int number)
{
    return number < 0 || number == CLOCK_PROCESS_CPUTIME_ID || number == CLOCK_THREAD_CPUTIME_ID;
}

/* CPU time of a thread of the process. => 0, -ESRCH */
static int thread_used(struct process *process, pid_t tid, struct process_usage *usage)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    struct thread *thread = process_thread(process, tid);

    if (thread)
        thread_usage(thread, usage);
    spin_unlock_irq(&process->signal_lock, flags);
    return thread ? 0 : -ESRCH;
}

int cpu_clock_find(int number, struct cpu_clock *out)
{
    bool of_thread = number < 0 ? number & OF_THREAD : number == CLOCK_THREAD_CPUTIME_ID;
    pid_t id = number < 0 ? ~(number >> 3) : 0;
    uint64_t ns;

    if (number < 0 && (number & KIND_MASK) > CPU_CLOCK_SCHED)
        return -EINVAL;
    *out = (struct cpu_clock){.kind = number < 0 ? number & KIND_MASK : CPU_CLOCK_SCHED};
    if (of_thread)
        out->thread = id ? id : current_thread()->tid->number;
    out->process = id && !of_thread ? process_find(id) : process_get(current_process());
    if (!out->process)
        return -EINVAL;
    if (!of_thread || !cpu_clock_read(out, &ns))
        return 0;
    cpu_clock_put(out);
    return -EINVAL;
}

void cpu_clock_put(struct cpu_clock *clock)
{
    process_put(clock->process);
    clock->process = NULL;
}

uint64_t cpu_clock_part(enum cpu_clock_kind kind, const struct process_usage *usage)
{
    return kind == CPU_CLOCK_VIRT ? usage->user_ns : usage->user_ns + usage->system_ns;
}

int cpu_clock_read(const struct cpu_clock *clock, uint64_t *ns)
{
    struct process_usage usage;
    int error = 0;

    if (clock->process->state == PROCESS_DEAD)
        return -ESRCH;
    if (clock->thread)
        error = thread_used(clock->process, clock->thread, &usage);
    else
        process_usage(clock->process, &usage);
    if (!error)
        *ns = cpu_clock_part(clock->kind, &usage);
    return error;
}
