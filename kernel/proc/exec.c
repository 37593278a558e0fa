// SPDX-License-Identifier: MIT
/*
 * exec.c - another program in the same process.
 *
 * Order    find      the file that really runs, and its interpreter: exec_find.c
 *          prepare   arguments into frames; a new address space with everything mapped (exec_space.c); copies
 *                    of what other processes share
 *          write     the other threads are ended, the new space is loaded, and the stack and the zeroed
 *                    tails are written; if there is no memory for that, the old space is loaded again and
 *                    the call fails
 *          commit    what is left cannot fail: the old program is gone
 */
#include "proc/exec.h"

#include <linux/mount.h>
#include <linux/personality.h>
#include <linux/stat.h>

#include "arch/x86/trap.h"
#include "fs/credentials.h"
#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/active.h"
#include "mm/event.h"
#include "mm/kalloc.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/cred.h"
#include "proc/exec_private.h"
#include "proc/exec_stack.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/handlers.h"
#include "proc/posix_timer.h"
#include "proc/process.h"

/* ---- prepare ---- */

/* The arguments: what "#!" lines say and the script's name instead of the first one, then the caller's. */
static int collect_arguments(struct exec *exec)
{
    const struct exec_request *request = exec->request;
    struct exec_args *args = &exec->args;
    unsigned skip = exec->prefix_count != 0;
    int error = 0;

    for (unsigned i = PREFIX_MAX - exec->prefix_count; error == 0 && i < PREFIX_MAX; i++)
        error = exec_args_add(args, exec->prefix[i]);
    if (error == 0 && skip != 0)
        error = exec_args_add(args, request->path);
    if (error == 0 && request->kernel_argv != NULL)
        error = exec_args_add_kernel(args, request->kernel_argv, skip);
    else if (error == 0)
        error = exec_args_add_user(args, request->argv, skip);
    if (error == 0 && args->count == 0)
        error = exec_args_add(args, ""); // programs take argv[0] for granted; so does Linux
    exec->argc = args->count;
    return error;
}

static int collect_strings(struct exec *exec)
{
    const struct exec_request *request = exec->request;
    struct exec_args *args = &exec->args;
    int error;

    exec_args_init(args, current_process()->limits[RLIMIT_STACK].rlim_cur);
    error = collect_arguments(exec);
    if (error == 0 && request->kernel_envp != NULL)
        error = exec_args_add_kernel(args, request->kernel_envp, 0);
    else if (error == 0)
        error = exec_args_add_user(args, request->envp, 0);
    exec->envc = args->count - exec->argc;
    return error != 0 ? error : exec_args_add(args, request->path);
}

/* Own copies of what CLONE_FILES and CLONE_SIGHAND made other processes share. */
static int unshare(struct exec *exec)
{
    struct process *process = current_process();

    if (file_table_is_shared(process->files)) {
        exec->files = file_table_copy(process->files);
        if (exec->files == NULL)
            return -ENOMEM;
    }
    if (atomic_load_explicit(&process->handlers->references, memory_order_relaxed) > 1) {
        exec->handlers = handlers_copy(process->handlers);
        if (exec->handlers == NULL)
            return -ENOMEM;
    }
    return 0;
}

/* The caller of a set-uid program does not choose where that starts. */
static int change_credentials(struct exec *exec)
{
    bool ignore_setid = exec->file->path.mount->flags & MS_NOSUID;
    uint32_t mode = ignore_setid ? 0 : file_inode(exec->file)->mode;

    exec->personality = current_thread()->personality;
    if ((mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        exec->personality &= ~(uint32_t)PER_CLEAR_ON_SETID;
    return credentials_for_exec(file_inode(exec->file), ignore_setid, &exec->credentials, &exec->secure);
}

static int prepare(struct exec *exec)
{
    int error = collect_strings(exec);

    if (error == 0)
        error = change_credentials(exec);
    if (error == 0)
        error = exec_build_space(exec);
    return error != 0 ? error : unshare(exec);
}

/* ---- write ---- */

/*
 * Exchange the running thread's address space.
 *
 * => it is the only thread; the old one, whose reference is the caller's
 */
static struct vspace *use_space(struct vspace *space)
{
    struct process *process = current_process();
    struct vspace *old;

    spin_lock(&process->lock); // no switch comes between the pointer and what is loaded
    old = process->vspace;
    process->vspace = space;
    vspace_activate(space);
    spin_unlock(&process->lock);
    return old;
}

static int write_memory(struct exec *exec)
{
    struct exec_stack stack = {
        .args = &exec->args,
        .argc = exec->argc,
        .envc = exec->envc,
        .program = &exec->program,
        .interpreter = exec->interpreter_file != NULL ? &exec->interpreter : NULL,
        .credentials = exec->credentials,
        .secure = exec->secure,
        .layout = &exec->layout,
        .vdso = exec->vdso,
        .ranges = &exec->ranges,
    };
    int error = exec_stack_write(&stack);

    if (error == 0)
        error = elf_zero_tails(&exec->program);
    if (error == 0 && exec->interpreter_file != NULL)
        error = elf_zero_tails(&exec->interpreter);
    exec->sp = stack.sp;
    return error != 0 ? -ENOMEM : 0;
}

/* => 0: the new space is in use, and exec->space is the old one */
static int enter_space(struct exec *exec)
{
    struct thread *thread = current_thread();
    struct vspace *old = use_space(exec->space);
    int error = write_memory(exec);

    if (error == 0 && thread->robust_list == 0 && thread->clear_tid == 0) {
        exec->space = old;
        return 0;
    }
    exec->space = use_space(old);
    if (error != 0)
        return error;
    thread_leave_memory();
    exec->space = use_space(exec->space);
    return 0;
}

/* ---- commit ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void commit_ranges(struct exec *exec)
{
    struct elf_extent extent;

    elf_extent(&exec->program, &extent);
    exec->ranges.code_start = extent.code_start;
    exec->ranges.code_end = extent.code_end;
    exec->ranges.data_start = extent.data_start;
    exec->ranges.data_end = extent.data_end;
}

/* What /proc shows, and the files. */
static void commit_process(struct exec *exec)
{
    struct process *process = current_process();
    struct file *executable;
    uint64_t flags;

    commit_ranges(exec);
    (void)process_name_thread(process->id, base_name(exec->request->path)); // we are the leader by now
    spin_lock(&process->lock);
    executable = process->executable;
    process->executable = exec->file;
    process->ranges = exec->ranges;
    if (exec->files != NULL) {
        struct file_table *shared = process->files;

        process->files = exec->files;
        exec->files = shared;
    }
    spin_unlock(&process->lock);
    exec->file = executable;
    flags = spin_lock_irq(&process_tree);
    process->has_execed = true;
    if (exec->secure)
        process->parent_death_signal = 0;
    process->exit_signal = SIGCHLD;
    spin_unlock_irq(&process_tree, flags);
    file_table_close_exec(process->files);
}

static void commit_signals(struct exec *exec)
{
    struct process *process = current_process();
    uint64_t flags;

    posix_timers_release(process);
    flags = spin_lock_irq(&process->signal_lock);
    if (exec->handlers != NULL) {
        struct signal_handlers *shared = process->handlers;

        process->handlers = exec->handlers;
        exec->handlers = shared;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    handlers_drop_functions(process->handlers);
}

/* The thread begins anew. */
static void commit_thread(struct exec *exec)
{
    struct thread *thread = current_thread();
    const struct elf_image *first = exec->interpreter_file != NULL ? &exec->interpreter : &exec->program;

    credentials_commit(exec->credentials);
    exec->credentials = NULL;
    thread->altstack_base = thread->altstack_size = thread->altstack_flags = 0;
    thread->personality = exec->personality;
    thread->restart.again = NULL;
    thread->robust_list = 0;
    thread->clear_tid = 0;
    (void)thread_set_fs_base(0);
    (void)thread_set_gs_base(0);
    thread_fpu_reset();
    trap_frame_init_user(thread->frame, first->entry + first->bias, exec->sp);
}

static void commit(struct exec *exec)
{
    commit_process(exec);
    commit_signals(exec);
    commit_thread(exec);
    process_vfork_release(current_process());
}

/* Give back what is left: after a failure what was prepared, after a success what was replaced. */
static void release(struct exec *exec)
{
    if (exec->space != NULL)
        vspace_put(exec->space);
    if (exec->file != NULL)
        file_put(exec->file);
    if (exec->interpreter_file != NULL)
        file_put(exec->interpreter_file);
    if (exec->files != NULL)
        file_table_put(exec->files);
    if (exec->head != NULL)
        kfree(exec->head);
    if (exec->prefix_frame != NULL)
        kfree(exec->prefix_frame);
    handlers_put(exec->handlers);
    credentials_put(exec->credentials);
    exec_args_release(&exec->args);
    elf_release(&exec->program);
    elf_release(&exec->interpreter);
    slab_free(exec);
}

static int run(struct exec *exec)
{
    int error = exec_find(exec);

    if (error == 0)
        error = prepare(exec);
    if (error == 0)
        error = process_end_other_threads();
    if (error == 0)
        error = enter_space(exec);
    if (error == 0) {
        commit(exec);
        event_frame(EVENT_EXEC, 0, 0);
    }
    return error;
}

int process_exec(const struct exec_request *request)
{
    struct exec *exec = slab_zalloc(sizeof(*exec));
    int error;

    if (exec == NULL)
        return -ENOMEM;
    exec->request = request;
    exec->file = request->file;
    file_get(exec->file);
    exec->head = kalloc();
    error = exec->head != NULL ? run(exec) : -ENOMEM;
    release(exec);
    return error;
}
