// SPDX-License-Identifier: MIT
/*
 * init.c - proc/ at boot, and the first process.
 */
#include <linux/fcntl.h>

#include "arch/x86/context.h"
#include "arch/x86/time.h"
#include "fs/credentials.h"
#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/event.h"
#include "mm/fault.h"
#include "mm/populate.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "mm/watch.h"
#include "proc/boot.h"
#include "proc/cred.h"
#include "proc/deferred.h"
#include "proc/exec.h"
#include "proc/exec_stack.h"
#include "proc/family.h"
#include "proc/fs_context.h"
#include "proc/handlers.h"
#include "proc/pgrp.h"
#include "proc/process.h"
#include "proc/vdso.h"
#include "proc/rlimit.h"
#include "proc/thread_limit.h"
#include "proc/signal.h"

static const char *init_path;

void proc_init(void)
{
    process_init();
    handlers_init();
    futex_init();
    exec_stack_init();
    vdso_init();
    thread_init();
    pgrp_init();
    thread_limit_init();
    rlimit_init();
    populate_set_stop(signal_fatal_pending);
    fault_set_lock_limit(rlimit_locked_memory);
    events_set_identify(thread_identify);
    watch_set_stop(signal_fatal_pending);
}

static void __noreturn __cold no_memory(void)
{
    panic("too little memory: init cannot be started");
}

/* /dev/console as 0, 1 and 2, if it is there: init may do without. */
static void open_console(struct process *process)
{
    struct lookup lookup = {.credentials = &kernel_credentials};
    struct file *file;
    int error;

    fs_context_root(process->fs, &lookup.root);
    lookup.start = lookup.root;
    error = vfs_open(&lookup, "/dev/console", O_RDWR | O_NOCTTY, 0, &file);
    path_put(&lookup.root);
    if (error != 0) {
        printk(LOG_WARNING "no console: /dev/console cannot be opened: error %d", -error);
        return;
    }
    for (int i = 0; i < 3; i++) {
        int fd = fd_alloc(process->files, 0, 3, false);

        if (fd < 0)
            no_memory();
        file_get(file);
        fd_install(process->files, fd, file);
    }
    file_put(file);
}

static void __noreturn __cold cannot_run(int error)
{
    if (error == -ENOENT)
        panic("no %s in the root file system", init_path);
    panic("%s cannot be run: error %d", init_path, -error);
}

/* What process 1 does first. */
static void start(void *arg)
{
    static const char *const environment[] = {"HOME=/", "TERM=linux", NULL};
    struct thread *thread = arg;
    const char *const arguments[] = {init_path, NULL};
    struct exec_request request = {
        .path = init_path,
        .kernel_argv = arguments,
        .kernel_envp = environment,
    };
    int error;

    open_console(thread->process);
    error = exec_open(init_path, &request.file);
    if (error == 0)
        error = process_exec(&request);
    if (error != 0)
        cannot_run(error);
    file_put(request.file);
    user_return(thread->frame);
}

/* What fork would have copied. */
static void equip(struct process *process)
{
    struct path root = mount_root_path();

    process->vspace = vspace_create();
    process->files = file_table_create();
    process->fs = fs_context_create(&root);
    process->handlers = handlers_create();
    process->credentials = credentials_create_root();
    path_put(&root);
    if (process->vspace == NULL || process->files == NULL || process->fs == NULL || process->handlers == NULL
        || process->credentials == NULL)
        no_memory();
    rlimit_set_defaults(process->limits);
    process->unkillable = true;
    process->start_ns = clock_ns();
}

/* A group and a session of its own, and number 1. */
static void enter_family(struct process *process, struct thread *thread, struct pid *pid)
{
    struct session *session = slab_alloc(sizeof(*session));
    struct deferred *garbage = NULL;
    uint64_t flags;

    if (session == NULL)
        no_memory();
    flags = spin_lock_irq(&process_tree);
    process->pid = pid;
    process->id = pid->number;
    pid->process = process;
    pid->thread = thread;
    thread->tid = pid;
    list_add_tail(&process->threads, &thread->in_process);
    process->thread_count = 1;
    session_found(process, session, &garbage);
    init_process = process;
    spin_unlock_irq(&process_tree, flags);
    deferred_free(garbage);
}

void proc_start_init(const char *path)
{
    struct process *process = process_create();
    struct thread *thread;
    struct pid *pid;

    init_path = path;
    if (process == NULL || pid_create(&pid) != 0)
        no_memory();
    ASSERT(pid->number == 1);
    equip(process);
    strlcpy(process->comm, "init", COMM_SIZE);
    thread = thread_create(process, start);
    if (thread == NULL)
        no_memory();
    thread->credentials = credentials_get(process->credentials);
    enter_family(process, thread, pid);
    sched_start(&thread->kthread);
}
