// SPDX-License-Identifier: MIT
/*
 * fork.c - a new process, or a new thread of this one.
 *
 * Order    Check; make all that the child has of its own (each step can fail, and is undone by dropping
 *          the half-made process); enter it into the family, which cannot fail; let it run.
 * Child    Begins in child_start on its own kernel stack, with a copy of the parent's registers in its
 *          trap frame, rax 0.
 */
#include "proc/fork.h"

#include <linux/sched.h>

#include "arch/x86/context.h"
#include "arch/x86/layout.h"
#include "arch/x86/time.h"
#include "fs/credentials.h"
#include "fs/file.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/event.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/cpu_watch.h"
#include "proc/cred.h"
#include "proc/deferred.h"
#include "proc/family.h"
#include "proc/fs_context.h"
#include "proc/handlers.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/thread_limit.h"

#define CLONE_KNOWN \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD \
     | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID \
     | CLONE_CLEAR_SIGHAND | CLONE_PIDFD)
#define CLONE_IGNORED (CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE | CLONE_IO) // without effect here

static bool has_all(uint64_t flags, uint64_t wanted)
{
    return (flags & wanted) == wanted;
}

static int check(const struct clone_request *request)
{
    uint64_t flags = request->flags;

    if (flags & ~(uint64_t)(CLONE_KNOWN | CLONE_IGNORED))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
        return -EINVAL;
    if (has_all(flags, CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && current_process() == init_process)
        return -EINVAL;
    if ((flags & CLONE_SETTLS) && request->tls >= USER_END)
        return -EPERM;
    return request->exit_signal < 0 || request->exit_signal > SIGNAL_MAX ? -EINVAL : 0;
}

/* What the child's first instructions in the kernel are. */
static void child_start(void *arg)
{
    struct thread *thread = arg;

    // If the address is bad nobody is told, as on Linux.
    if (thread->set_child_tid != 0)
        (void)!put_user_u32(thread->set_child_tid, thread->tid->number);
    irq_disable();
    while (signal_pending()) {
        irq_enable();
        proc_return_to_user(thread->frame);
        irq_disable();
    }
    user_return(thread->frame);
}

/* A thread of `process` that goes on where the running one is. => NULL when there is no memory */
static struct thread *copy_thread(struct process *process, const struct clone_request *request)
{
    struct thread *thread = thread_create(process, child_start);

    if (thread == NULL)
        return NULL;
    *thread->frame = *current_thread()->frame;
    thread->frame->rax = 0;
    thread->start_ns = process == current_process() ? clock_ns() : process->start_ns;
    if (request->stack != 0)
        thread->frame->rsp = request->stack;
    if (request->flags & CLONE_SETTLS)
        thread->fs_base = request->tls;
    if (request->flags & CLONE_CHILD_CLEARTID)
        thread->clear_tid = request->child_tid;
    if (request->flags & CLONE_CHILD_SETTID)
        thread->set_child_tid = request->child_tid;
    return thread;
}

static int copy_memory(struct process *child, struct process *parent, uint64_t flags)
{
    if (!(flags & CLONE_VM))
        return vspace_fork(parent->vspace, &child->vspace);
    vspace_get(parent->vspace);
    child->vspace = parent->vspace;
    return 0;
}

static int copy_files(struct process *child, struct process *parent, uint64_t flags)
{
    if (flags & CLONE_FILES) {
        file_table_get(parent->files);
        child->files = parent->files;
    } else {
        child->files = file_table_copy(parent->files);
    }
    child->fs = flags & CLONE_FS ? fs_context_get(parent->fs) : fs_context_copy(parent->fs);
    return child->files == NULL || child->fs == NULL ? -ENOMEM : 0;
}

static int copy_handlers(struct process *child, struct process *parent, uint64_t flags)
{
    child->handlers = flags & CLONE_SIGHAND ? handlers_get(parent->handlers)
                                            : handlers_copy(parent->handlers);
    if (child->handlers == NULL)
        return -ENOMEM;
    if (flags & CLONE_CLEAR_SIGHAND)
        handlers_drop_functions(child->handlers);
    return 0;
}

/* What is copied byte by byte. */
static void copy_fields(struct process *child, struct process *parent)
{
    spin_lock(&parent->lock);
    __builtin_memcpy(child->comm, current_thread()->comm, COMM_SIZE);
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    child->ranges = parent->ranges;
    child->executable = parent->executable;
    if (child->executable != NULL)
        file_get(child->executable);
    spin_unlock(&parent->lock);
    child->credentials = credentials_get(current_thread()->credentials);
    child->uid = child->credentials->uid;
    child->nice = current_thread()->reset_on_fork ? MAX(parent->nice, 0) : parent->nice;
    child->io_priority = parent->io_priority;
    child->not_dumpable = parent->not_dumpable;
    child->oom_score_adj = parent->oom_score_adj;
    child->oom_score_adj_least = parent->oom_score_adj_least;
    child->start_ns = clock_ns();
    child->cpu_watched = parent->cpu_watched & CPU_WATCHED_LIMIT;
}

/* Undo what fork has made of a process; each part may be missing. */
static void process_abandon(struct process *process)
{
    if (process->vfork_parent != NULL)
        process_put(process->vfork_parent);
    if (process->vspace != NULL)
        vspace_put(process->vspace);
    if (process->files != NULL)
        file_table_put(process->files);
    if (process->fs != NULL)
        fs_context_put(process->fs);
    if (process->executable != NULL)
        file_put(process->executable);
    process_put(process);
}

/* => NULL when there is no memory (vspace_fork, the largest part, comes last) */
static struct process *copy_process(struct process *parent, const struct clone_request *request)
{
    struct process *child = process_create();

    if (child == NULL)
        return NULL;
    copy_fields(child, parent);
    child->exit_signal = request->exit_signal;
    if (request->flags & CLONE_VFORK)
        child->vfork_parent = process_get(parent);
    if (copy_files(child, parent, request->flags) == 0 && copy_handlers(child, parent, request->flags) == 0
        && copy_memory(child, parent, request->flags) == 0)
        return child;
    process_abandon(child);
    return NULL;
}

/* => process_tree and the process's signal_lock held */
static void list_thread(struct process *process, struct thread *thread, struct pid *tid)
{
    thread->tid = tid;
    tid->thread = thread;
    list_add_tail(&process->threads, &thread->in_process);
    process->thread_count++;
}

/*
 * Enter the thread into its process, and that, if it is new, into the family. A process that is told to
 * end makes no more of its kind: whoever kills a group kills what it forks, too.
 *
 * => 0, or -EINTR: the thread is to end
 */
static int enter(struct thread *thread, struct pid *tid, uint64_t clone_flags)
{
    struct process *self = current_process();
    struct process *process = thread->process;
    uint64_t flags = spin_lock_irq(&process_tree);
    bool refused;

    spin_lock(&self->signal_lock);
    refused = signal_fatal_pending();
    if (!refused)
        list_thread(process, thread, tid);
    spin_unlock(&self->signal_lock);
    if (!refused && process != self) {
        process->pid = tid;
        process->id = tid->number;
        tid->process = process;
        family_enter(process, clone_flags & CLONE_PARENT ? self->parent : self);
    }
    spin_unlock_irq(&process_tree, flags);
    return refused ? -EINTR : 0;
}

static void number_release(struct pid *tid)
{
    struct deferred *garbage = NULL;
    uint64_t flags = spin_lock_irq(&process_tree);

    pid_drop(tid, &garbage);
    spin_unlock_irq(&process_tree, flags);
    deferred_free(garbage);
}

/* The child has let go of our memory, or we are to end. */
static void vfork_wait(struct process *child)
{
    wait_event(&current_process()->events,
               __atomic_load_n(&child->vfork_parent, __ATOMIC_ACQUIRE) == NULL || signal_fatal_pending());
    process_put(child);
}

void process_vfork_release(struct process *child)
{
    struct process *parent = child->vfork_parent;

    if (parent == NULL)
        return;
    __atomic_store_n(&child->vfork_parent, NULL, __ATOMIC_RELEASE);
    wake_all(&parent->events);
    process_put(parent);
}

/* => the number of the thread that was started, or -errno */
static int64_t start(struct thread *thread, const struct clone_request *request)
{
    struct process *process = thread->process;
    bool vfork = request->flags & CLONE_VFORK && process != current_process();
    struct pid *tid;
    pid_t number;
    int error = pid_create(&tid);

    if (error != 0)
        return error;
    number = tid->number;
    if (request->flags & CLONE_PARENT_SETTID)
        (void)!put_user_u32(request->parent_tid, number); // a bad address tells nobody, as on Linux
    error = enter(thread, tid, request->flags);
    if (error != 0) {
        number_release(tid);
        return error;
    }
    if (vfork)
        process_get(process);
    process_count_fork();
    if (events_on() && process != current_process())
        event_record_frame(EVENT_FORK, 0, (uint64_t)number);
    sched_start(&thread->kthread);
    if (vfork)
        vfork_wait(process);
    return number;
}

static int64_t clone_thread(const struct clone_request *request)
{
    struct thread *thread = copy_thread(current_process(), request);
    int64_t result;

    if (thread == NULL)
        return -ENOMEM;
    vspace_spread(current_process()->vspace);
    result = start(thread, request);
    if (result < 0)
        thread_free(thread);
    return result;
}

/* A pidfd for the child, if one is asked for: a number reserved and told, and its file. */
struct child_pidfd {
    int fd;                 // -1: none
    struct file *file;
};

static void pidfd_drop(const struct child_pidfd *pidfd)
{
    if (pidfd->fd < 0)
        return;
    fd_cancel(current_process()->files, pidfd->fd);
    file_put(pidfd->file);
}

/* => 0, -ENOMEM, -EMFILE, -EFAULT with nothing to drop */
static int pidfd_prepare(struct child_pidfd *pidfd, struct process *child, const struct clone_request *request)
{
    struct process *parent = current_process();
    int error;

    pidfd->fd = -1;
    if (!(request->flags & CLONE_PIDFD))
        return 0;
    error = pidfd_create(child, false, &pidfd->file);
    if (error != 0)
        return error;
    error = fd_alloc(parent->files, 0, parent->limits[RLIMIT_NOFILE].rlim_cur, true);
    if (error < 0) {
        file_put(pidfd->file);
        return error;
    }
    pidfd->fd = error;
    error = put_user_u32(request->pidfd, (uint32_t)pidfd->fd);
    if (error != 0)
        pidfd_drop(pidfd);
    return error;
}

static int64_t clone_process(const struct clone_request *request)
{
    struct process *child = copy_process(current_process(), request);
    struct child_pidfd pidfd;
    struct thread *thread;
    int64_t result;

    if (child == NULL)
        return -ENOMEM;
    result = pidfd_prepare(&pidfd, child, request);
    if (result != 0)
        goto abandon;
    result = -ENOMEM;
    thread = copy_thread(child, request);
    if (thread == NULL)
        goto drop_pidfd;
    if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK)) {
        // As on Linux: the alternate stack is kept in a copy of the memory, and by vfork.
        thread->altstack_base = current_thread()->altstack_base;
        thread->altstack_size = current_thread()->altstack_size;
        thread->altstack_flags = current_thread()->altstack_flags;
    }
    result = start(thread, request);
    if (result >= 0) {
        if (pidfd.fd >= 0)
            fd_install(current_process()->files, pidfd.fd, pidfd.file);
        return result;
    }
    thread_free(thread);
drop_pidfd:
    pidfd_drop(&pidfd);
abandon:
    process_abandon(child);
    return result;
}

int64_t process_clone(const struct clone_request *request)
{
    int error = check(request);

    if (error == 0)
        error = thread_limit_check();
    if (error != 0)
        return error;
    // A signal is taken before the fork rather than by both: so does Linux, and a group is signalled as one.
    if (signal_pending())
        return -ERESTARTNOINTR;
    return request->flags & CLONE_THREAD ? clone_thread(request) : clone_process(request);
}
