// SPDX-License-Identifier: MIT
/*
 * process.c - processes as objects: made, counted, found. How they are born and die: fork.c, exit.c.
 *
 * Who holds a reference: the family (until the parent has waited), each thread, and whoever looks at the
 * process from outside.
 */
#include "proc/process.h"

#include <stdatomic.h>

#include "fs/file.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/boot.h"
#include "proc/cred.h"
#include "proc/deferred.h"
#include "proc/fs_context.h"
#include "proc/handlers.h"
#include "proc/signal_queue.h"

static struct slab_cache process_cache;
static _Atomic uint64_t forks;

void process_init(void)
{
    slab_cache_init(&process_cache, "process", sizeof(struct process));
}

struct process *process_create(void)
{
    struct process *process = slab_cache_alloc(&process_cache);

    if (process == NULL)
        return NULL;
    memset(process, 0, sizeof(*process));
    atomic_init(&process->references, 1);
    spin_init(&process->lock, "process", RANK_CREDENTIALS);
    spin_init(&process->signal_lock, "signal", RANK_SIGNAL);
    wait_queue_init(&process->events);
    list_init(&process->children);
    list_init(&process->sibling);
    list_init(&process->in_group);
    list_init(&process->threads);
    list_init(&process->cpu_watches);
    list_init(&process->pending.entries);
    return process;
}

struct process *process_get(struct process *process)
{
    atomic_fetch_add_explicit(&process->references, 1, memory_order_relaxed);
    return process;
}

/*
 * What a zombie still has goes here, and what a process had that fork could not complete. Nothing in it
 * sleeps: the last reference may be that of a dead thread, dropped in the scheduler's reap hook.
 */
static void process_free(struct process *process)
{
    signal_queue_flush(&process->pending, &process->signal_garbage);
    deferred_free(process->signal_garbage);
    handlers_put(process->handlers);
    credentials_put(process->credentials);
    slab_free(process->itimers);
    slab_cache_free(&process_cache, process);
}

void process_put(struct process *process)
{
    if (atomic_fetch_sub_explicit(&process->references, 1, memory_order_acq_rel) == 1)
        process_free(process);
}

__cold int process_unshare_files(void)
{
    struct process *process = current_process();
    struct file_table *own, *shared = process->files;

    if (!file_table_is_shared(shared))
        return 0;
    if (process->thread_count > 1)
        return -EINVAL;
    own = file_table_copy(shared);
    if (own == NULL)
        return -ENOMEM;
    spin_lock(&process->lock);
    process->files = own;
    spin_unlock(&process->lock);
    file_table_put(shared);
    return 0;
}

__cold struct process *process_find_from(pid_t id)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find_from(id);
    struct process *process = NULL;

    while (pid != NULL && pid->process == NULL)
        pid = pid_find_from(pid->number + 1);
    if (pid != NULL)
        process = process_get(pid->process);
    spin_unlock_irq(&process_tree, flags);
    return process;
}

struct process *process_find(pid_t id)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(id);
    struct process *process = pid != NULL && pid->process != NULL ? process_get(pid->process) : NULL;

    spin_unlock_irq(&process_tree, flags);
    return process;
}

__cold struct process *process_find_by_tid(pid_t tid)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(tid);
    struct process *process = pid == NULL ? NULL : pid->thread != NULL ? pid->thread->process : pid->process;

    if (process != NULL)
        process_get(process);
    spin_unlock_irq(&process_tree, flags);
    return process;
}

__cold pid_t process_next_thread(struct process *process, pid_t from)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct thread *thread;
    pid_t next = 0;

    list_for_each_entry(thread, &process->threads, in_process) {
        pid_t number = thread->tid->number;

        if (number >= from && (next == 0 || number < next))
            next = number;
    }
    spin_unlock_irq(&process_tree, flags);
    return next;
}

uint32_t thread_total(void)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    uint32_t total = 0;
    struct pid *pid;

    for (pid = pid_find_from(1); pid != NULL; pid = pid_find_from(pid->number + 1))
        total += pid->thread != NULL || pid->process != NULL;
    spin_unlock_irq(&process_tree, flags);
    return total;
}

uint64_t process_forks(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

void process_count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

struct vspace *process_vspace(struct process *process)
{
    struct vspace *space;

    spin_lock(&process->lock);
    space = process->vspace;
    if (space != NULL)
        vspace_get(space);
    spin_unlock(&process->lock);
    return space;
}

struct file_table *process_files(struct process *process)
{
    struct file_table *files;

    spin_lock(&process->lock);
    files = process->files;
    if (files != NULL)
        file_table_get(files);
    spin_unlock(&process->lock);
    return files;
}

struct file *process_executable(struct process *process)
{
    struct file *file;

    spin_lock(&process->lock);
    file = process->executable;
    if (file != NULL)
        file_get(file);
    spin_unlock(&process->lock);
    return file;
}

struct fs_context *process_fs(struct process *process)
{
    struct fs_context *fs;

    spin_lock(&process->lock);
    fs = process->fs;
    if (fs != NULL)
        fs_context_get(fs);
    spin_unlock(&process->lock);
    return fs;
}

struct thread *process_thread(struct process *process, pid_t tid)
{
    struct thread *thread;

    list_for_each_entry(thread, &process->threads, in_process)
        if (thread->tid->number == tid)
            return thread;
    return NULL;
}

__cold int process_name_thread(pid_t tid, const char *name)
{
    struct process *process = current_process();
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    struct thread *thread = process_thread(process, tid);

    if (thread) {
        memset(thread->comm, 0, COMM_SIZE);
        strlcpy(thread->comm, name, COMM_SIZE);
        if (tid == process->id)
            memcpy(process->comm, thread->comm, COMM_SIZE);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return thread ? 0 : -ESRCH;
}
