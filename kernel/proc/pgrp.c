// SPDX-License-Identifier: MIT
/*
 * pgrp.c - process groups, sessions, and what a terminal asks of them.
 *
 * A session is an object; it lives as long as a process is in it, and knows its terminal. A group is no
 * more than the list of members at its number's struct pid.
 */
#include "proc/pgrp.h"

#include "dev/tty.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/deferred.h"
#include "proc/handlers.h"
#include "proc/process.h"
#include "proc/signal_queue.h"

static void group_join(struct process *process, struct pid *group)
{
    process->group = pid_use(group);
    list_add_tail(&group->members, &process->in_group);
}

static void group_quit(struct process *process, struct deferred **garbage)
{
    list_remove(&process->in_group);
    pid_drop(process->group, garbage);
    process->group = NULL;
}

static void session_quit(struct process *process, struct deferred **garbage)
{
    struct session *session = process->session;

    process->session = NULL;
    if (--session->members > 0)
        return;
    session->id->session = NULL;
    pid_drop(session->id, garbage);
    deferred_add(garbage, session);
}

void group_inherit(struct process *child, struct process *parent)
{
    group_join(child, parent->group);
    child->session = parent->session;
    child->session->members++;
    child->left_terminal = parent->left_terminal;
}

void group_leave(struct process *process, struct deferred **garbage)
{
    group_quit(process, garbage);
    session_quit(process, garbage);
}

void session_found(struct process *leader, struct session *session, struct deferred **garbage)
{
    // Joining comes first, so that the number cannot be freed in between.
    *session = (struct session){.members = 1, .id = pid_use(leader->pid)};
    if (leader->group != NULL)
        group_leave(leader, garbage);
    leader->pid->session = session;
    leader->session = session;
    leader->left_terminal = false;
    group_join(leader, leader->pid);
}

pid_t process_setsid(void)
{
    struct process *process = current_process();
    struct session *session = slab_alloc(sizeof(*session));
    struct deferred *garbage = NULL;
    pid_t result = process->id;
    uint64_t flags;

    if (session == NULL)
        return -ENOMEM;
    flags = spin_lock_irq(&process_tree);
    if (list_empty(&process->pid->members))
        session_found(process, session, &garbage);
    else
        result = -EPERM; // a group of this number exists
    spin_unlock_irq(&process_tree, flags);
    if (result < 0)
        slab_free(session);
    deferred_free(garbage);
    return result;
}

/* => process_tree held; the process of a number, 0 meaning the running one, or NULL */
static struct process *process_by_id(pid_t id)
{
    struct pid *pid = id == 0 ? current_process()->pid : pid_find(id);

    return pid != NULL ? pid->process : NULL;
}

static bool leads_session(const struct process *process)
{
    return process->session->id == process->pid;
}

/* The group that `process` may be moved to. => process_tree held; NULL: none */
static struct pid *group_for(struct process *process, pid_t number)
{
    struct pid *group = number == 0 ? process->pid : pid_find(number);
    struct list *first;

    if (group == NULL || group == process->pid)
        return group;
    first = list_first(&group->members);
    if (first == NULL || list_entry(first, struct process, in_group)->session != process->session)
        return NULL;
    return group;
}

/* setpgid(2)'s rules on who may move whom. => process_tree held */
static int check_setpgid(const struct process *process)
{
    const struct process *self = current_process();

    if (process != self) {
        if (process == NULL || process->parent != self)
            return -ESRCH;
        if (process->session != self->session)
            return -EPERM;
        if (process->has_execed)
            return -EACCES;
    }
    return leads_session(process) ? -EPERM : 0;
}

/* => process_tree held */
static int setpgid_locked(pid_t id, pid_t number, struct deferred **garbage)
{
    struct process *process = process_by_id(id);
    int error = check_setpgid(process);
    struct pid *group;

    if (error != 0)
        return error;
    group = group_for(process, number);
    if (group == NULL)
        return -EPERM;
    if (group != process->group) {
        pid_use(group);
        group_quit(process, garbage);
        group_join(process, group);
        pid_drop(group, garbage);
    }
    return 0;
}

int process_setpgid(pid_t pid, pid_t group)
{
    struct deferred *garbage = NULL;
    uint64_t flags;
    int error;

    if (group < 0 || pid < 0)
        return group < 0 ? -EINVAL : -ESRCH;
    flags = spin_lock_irq(&process_tree);
    error = setpgid_locked(pid, group, &garbage);
    spin_unlock_irq(&process_tree, flags);
    deferred_free(garbage);
    return error;
}

pid_t process_getpgid(pid_t pid)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct process *process = process_by_id(pid);
    pid_t result = process != NULL ? process->group->number : -ESRCH;

    spin_unlock_irq(&process_tree, flags);
    return result;
}

pid_t process_getsid(pid_t pid)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct process *process = process_by_id(pid);
    pid_t result = process != NULL ? process->session->id->number : -ESRCH;

    spin_unlock_irq(&process_tree, flags);
    return result;
}

/* Whether `parent` is a shell for a child in `group`: in the same session, but another group. */
static bool keeps_group(const struct process *parent, const struct process *child, const struct pid *group)
{
    return parent != NULL && parent->id != 1 && parent->group != group && parent->session == child->session;
}

bool group_is_orphaned(struct pid *group, const struct process *ignore)
{
    struct process *member;

    list_for_each_entry(member, &group->members, in_group) {
        if (member != ignore && member->state == PROCESS_ALIVE && keeps_group(member->parent, member, group))
            return false;
    }
    return true;
}

static bool group_has_stopped(struct pid *group)
{
    struct process *member;

    list_for_each_entry(member, &group->members, in_group) {
        if (member->stopped)
            return true;
    }
    return false;
}

void group_orphan_check(struct process *process, struct process *parent, bool ending)
{
    struct pid *group = process->group;

    if (parent == NULL || parent->group == group || parent->session != process->session)
        return; // it was not what kept the group
    if (!group_is_orphaned(group, ending ? process : NULL) || !group_has_stopped(group))
        return;
    signal_send_group(group, SIGHUP);
    signal_send_group(group, SIGCONT);
}

/* The session of a number, or NULL. => process_tree held */
static struct session *session_find(int number)
{
    struct pid *pid = pid_find(number);

    return pid != NULL ? pid->session : NULL;
}

/* The session that a group lies in, or NULL: it has no members. => process_tree held */
static const struct session *session_of_group(const struct pid *group)
{
    struct list *first = group != NULL ? list_first(&group->members) : NULL;

    return first != NULL ? list_entry(first, struct process, in_group)->session : NULL;
}

/* Take its terminal from a session. => process_tree held; the reference is now the caller's. NULL: it has none */
static struct tty *session_take_tty(struct session *session)
{
    struct tty *tty = session != NULL ? session->tty : NULL;

    if (tty != NULL)
        session->tty = NULL;
    return tty;
}

/* The leader outlived a hang-up: only now the group that was in front learns of it. => process_tree held */
static void tell_hung_up(struct session *session)
{
    struct pid *group = session->hung_up_group != 0 ? pid_find(session->hung_up_group) : NULL;

    session->hung_up_group = 0;
    if (session_of_group(group) != session)
        return;
    signal_send_group(group, SIGHUP);
    signal_send_group(group, SIGCONT);
}

void session_leader_exit(struct process *leader)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct tty *tty = NULL;

    if (leads_session(leader)) {
        tty = session_take_tty(leader->session);
        tell_hung_up(leader->session);
    }
    spin_unlock_irq(&process_tree, flags);
    if (tty == NULL)
        return;
    tty_session_ended(tty, leader->id);
    tty_put(tty);
}

/* The hooks of the terminal: dev/tty.h says what each is for. */

static void hook_signal_group(int number, int sig)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *group = pid_find(number);

    if (group != NULL)
        signal_send_group(group, sig);
    spin_unlock_irq(&process_tree, flags);
}

static void hook_hang_up(int number, int group)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct session *session = session_find(number);
    struct tty *tty = session_take_tty(session);
    struct process *leader = session != NULL ? session->id->process : NULL;

    if (session != NULL)
        session->hung_up_group = group;
    if (leader != NULL) {
        struct signal_entry *none = NULL;

        spin_lock(&leader->signal_lock);
        (void)signal_send_locked(leader, NULL, SIGHUP, &none);
        (void)signal_send_locked(leader, NULL, SIGCONT, &none);
        spin_unlock(&leader->signal_lock);
    }
    spin_unlock_irq(&process_tree, flags);
    if (tty != NULL)
        tty_put(tty);
}

static int hook_current_group(void)
{
    return process_getpgid(0);
}

static int hook_current_session(void)
{
    return process_getsid(0);
}

static bool hook_current_leads_session(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    bool leads = leads_session(current_process());

    spin_unlock_irq(&process_tree, flags);
    return leads;
}

static bool hook_current_ignores(int sig)
{
    struct thread *thread = current_thread();
    uint64_t flags = spin_lock_irq(&thread->process->signal_lock);
    struct sigaction action;

    handlers_read(thread->process->handlers, sig, &action);
    spin_unlock_irq(&thread->process->signal_lock, flags);
    return action.sa_handler == SIG_IGN || (thread->blocked & SIGNAL_BIT(sig));
}

static bool hook_current_group_is_orphaned(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    bool orphaned = group_is_orphaned(current_process()->group, NULL);

    spin_unlock_irq(&process_tree, flags);
    return orphaned;
}

static int hook_check_group(int number)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    const struct session *session = session_of_group(pid_find(number));
    int error = session == NULL ? -ESRCH : session != current_process()->session ? -EPERM : 0;

    spin_unlock_irq(&process_tree, flags);
    return error;
}

struct tty *process_tty(const struct process *process)
{
    return process->session != NULL && !process->left_terminal ? process->session->tty : NULL;
}

static const struct tty *hook_current_terminal(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    const struct tty *tty = process_tty(current_process());

    spin_unlock_irq(&process_tree, flags);
    return tty;
}

static struct tty *hook_get_terminal(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct tty *tty = process_tty(current_process());

    if (tty != NULL)
        tty_get(tty);
    spin_unlock_irq(&process_tree, flags);
    return tty;
}

static void hook_set_terminal(struct tty *tty)
{
    uint64_t flags = spin_lock_irq(&process_tree);

    ASSERT(current_process()->session->tty == NULL);
    tty_get(tty);
    current_process()->session->tty = tty;
    spin_unlock_irq(&process_tree, flags);
}

static void hook_clear_terminal(int number)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct tty *tty = session_take_tty(session_find(number));

    spin_unlock_irq(&process_tree, flags);
    if (tty != NULL)
        tty_put(tty);
}

static void hook_leave_terminal(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);

    current_process()->left_terminal = true;
    spin_unlock_irq(&process_tree, flags);
}

void pgrp_init(void)
{
    static const struct tty_hooks hooks = {
        .signal_group = hook_signal_group,
        .hang_up = hook_hang_up,
        .credentials = current_credentials,
        .current_group = hook_current_group,
        .current_session = hook_current_session,
        .current_leads_session = hook_current_leads_session,
        .current_ignores = hook_current_ignores,
        .current_group_is_orphaned = hook_current_group_is_orphaned,
        .check_group = hook_check_group,
        .current_terminal = hook_current_terminal,
        .get_terminal = hook_get_terminal,
        .set_terminal = hook_set_terminal,
        .clear_terminal = hook_clear_terminal,
        .leave_terminal = hook_leave_terminal,
    };

    tty_set_hooks(&hooks);
}
