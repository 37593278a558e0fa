// SPDX-License-Identifier: MIT
/*
 * wait.c - a parent asks after its children.
 */
#include "proc/wait.h"

#include <linux/wait.h>

#include "lib/errno.h"
#include "proc/deferred.h"
#include "proc/exit.h"
#include "proc/family.h"
#include "proc/signal_queue.h"

/* One look at the children, under process_tree. */
struct scan {
    const struct wait_request *request;
    struct wait_result *result;
    struct process *reaped;             // a zombie taken out of the family: its reference
    struct deferred *garbage;
    int64_t answer;                     // the child's id; -ECHILD: there is nobody to wait for; 0: not yet
};

/* __WCLONE: children that do not tell by SIGCHLD; __WALL: both kinds. */
static bool is_meant(const struct wait_request *request, const struct process *child)
{
    bool clone = child->exit_signal != SIGCHLD;

    if (!(request->options & __WALL) && clone != !!(request->options & __WCLONE))
        return false;
    switch (request->which) {
    case WAIT_PROCESS: return child->id == request->id;
    case WAIT_THIS: return child == request->process;
    case WAIT_GROUP: return child->group->number == request->id;
    default: return true;
    }
}

static void fill(struct wait_result *result, struct process *child, int code, int status)
{
    result->id = child->id;
    result->uid = child->uid;
    result->code = code;
    result->status = status;
    result->usage = child->usage;
    process_usage_add(&result->usage, &child->child_usage);
}

static void found_zombie(struct scan *scan, struct process *child)
{
    int status = child->exit_status;
    int sig = status & 0x7f;

    fill(scan->result, child, sig != 0 ? CLD_KILLED : CLD_EXITED, status);
    scan->result->detail = sig != 0 ? sig : (status >> 8) & 0xff;
    scan->answer = child->id;
    if (scan->request->options & WNOWAIT)
        return;
    process_usage_add(&child->parent->child_usage, &scan->result->usage);
    family_reap(child, &scan->garbage);
    scan->reaped = child;
}

static void found_change(struct scan *scan, struct process *child, int code, int status, int detail)
{
    fill(scan->result, child, code, status);
    scan->result->detail = detail;
    scan->answer = child->id;
}

/* Has the child stopped, or gone on, unseen so far? */
static void look_at_living(struct scan *scan, struct process *child)
{
    unsigned options = scan->request->options;
    bool look_only = options & WNOWAIT;

    spin_lock(&child->signal_lock);
    if ((options & WSTOPPED) && child->stopped && child->stop_waitable) {
        found_change(scan, child, CLD_STOPPED, STATUS_STOPPED(child->stop_signal), child->stop_signal);
        child->stop_waitable = look_only;
    } else if ((options & WCONTINUED) && child->continue_waitable) {
        found_change(scan, child, CLD_CONTINUED, STATUS_CONTINUED, SIGCONT);
        child->continue_waitable = look_only;
    }
    spin_unlock(&child->signal_lock);
}

static void look_at(struct scan *scan, struct process *child)
{
    if (child->state != PROCESS_ZOMBIE)
        look_at_living(scan, child);
    else if (scan->request->options & WEXITED)
        found_zombie(scan, child);
}

/* Look at each child once. => the answer */
static int64_t scan_children(struct scan *scan)
{
    struct process *self = current_process();
    struct process *child, *after;
    uint64_t flags = spin_lock_irq(&process_tree);

    scan->answer = -ECHILD;
    list_for_each_entry_safe(child, after, &self->children, sibling) {
        if (!is_meant(scan->request, child))
            continue;
        if (scan->answer == -ECHILD)
            scan->answer = 0;
        look_at(scan, child);
        if (scan->answer > 0)
            break;
    }
    spin_unlock_irq(&process_tree, flags);
    return scan->answer;
}

int64_t process_wait(const struct wait_request *request, struct wait_result *result)
{
    struct scan scan = {.request = request, .result = result};
    int error = 0;

    if (scan_children(&scan) == 0 && !(request->options & WNOHANG))
        error = wait_event_interruptible(&current_process()->events, scan_children(&scan) != 0);
    deferred_free(scan.garbage);
    if (scan.reaped != NULL)
        process_put(scan.reaped);
    return error != 0 ? -ERESTARTSYS : scan.answer;
}
