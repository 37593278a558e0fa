// SPDX-License-Identifier: MIT
/*
 * signal_kill.c - kill(2) and its relatives: whom a number means, and who may.
 *
 * A group is visited by number, in order, one process at a time: numbers grow, so a child that is forked
 * meanwhile is still met, and a process that is about to end takes no more signals, nor does it fork.
 */
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal_queue.h"

/* Check, then send; signal 0 only checks. => `process` is referenced */
static int kill_process(struct process *process, int sig, const struct signal_info *info)
{
    if (!credentials_may_signal(process, sig))
        return -EPERM;
    return sig == 0 ? 0 : signal_send_process(process, sig, info);
}

static int kill_one(pid_t id, int sig, const struct signal_info *info)
{
    struct process *process = process_find(id);
    int error;

    if (process == NULL)
        return -ESRCH;
    error = kill_process(process, sig, info);
    process_put(process);
    return error;
}

static pid_t group_of(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    pid_t group = process->group != NULL ? process->group->number : 0;

    spin_unlock_irq(&process_tree, flags);
    return group;
}

/*
 * `group` 0: everyone but init and the caller, who sends the signal to itself last of all, if it is in the
 * group.
 */
static bool is_meant(struct process *process, pid_t group)
{
    return group != 0 ? group_of(process) == group : process->id > 1 && process != current_process();
}

/*
 * => 0 if at least one could be signalled, else the last error; -ESRCH if there was none
 */
static __cold int kill_many(pid_t group, int sig, const struct signal_info *info)
{
    struct process *process;
    bool success = false;
    int error = -ESRCH;
    pid_t next;

    for (process = process_find_from(1); process != NULL; process = process_find_from(next)) {
        if (is_meant(process, group)) {
            error = kill_process(process, sig, info);
            success |= error == 0;
        }
        next = process->id + 1;
        process_put(process);
    }
    return success ? 0 : error;
}

int signal_kill(pid_t pid, int sig, const struct signal_info *info)
{
    if (sig < 0 || sig > SIGNAL_MAX)
        return -EINVAL;
    if (pid > 0)
        return kill_one(pid, sig, info);
    if (pid == 0)
        return kill_many(group_of(current_process()), sig, info);
    if (pid == -1)
        return kill_many(0, sig, info);
    return pid == INT32_MIN ? -ESRCH : kill_many(-pid, sig, info);
}

int signal_kill_process(struct process *process, int sig, const struct signal_info *info)
{
    if (sig < 0 || sig > SIGNAL_MAX)
        return -EINVAL;
    if (__atomic_load_n(&process->state, __ATOMIC_RELAXED) == PROCESS_DEAD)
        return -ESRCH;
    return kill_process(process, sig, info);
}

/* Send to a thread of `process` by number, while process_tree keeps it from going. => 0, -ESRCH, -EAGAIN */
static int send_to_tid(struct process *process, pid_t tid, int sig, struct signal_entry **entry)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(tid);
    int error = -ESRCH;

    if (pid != NULL && pid->thread != NULL && pid->thread->process == process) {
        error = 0;
        if (sig != 0) {
            spin_lock(&process->signal_lock);
            error = signal_send_locked(process, pid->thread, sig, entry);
            spin_unlock(&process->signal_lock);
        }
    } else if (pid != NULL && pid->process == process) {
        error = 0; // a zombie: there, and deaf
    }
    spin_unlock_irq(&process_tree, flags);
    return error;
}

__cold int signal_kill_thread(pid_t process_id, pid_t tid, int sig, const struct signal_info *info)
{
    struct signal_entry *entry;
    struct process *process;
    int error;

    if (sig < 0 || sig > SIGNAL_MAX || tid <= 0 || (process_id <= 0 && process_id != -1))
        return -EINVAL;
    process = process_find_by_tid(tid);
    if (process == NULL)
        return -ESRCH;
    if (process_id != -1 && process->id != process_id)
        error = -ESRCH;
    else if (!credentials_may_signal(process, sig))
        error = -EPERM;
    else {
        entry = signal_entry_create(sig != 0 ? info : NULL);
        error = send_to_tid(process, tid, sig, &entry);
        slab_free(entry);
    }
    process_put(process);
    return error;
}
