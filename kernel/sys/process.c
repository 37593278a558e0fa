// SPDX-License-Identifier: MIT
/*
 * process.c - begin, change and end processes and threads.
 */
#include <linux/fcntl.h>
#include <linux/sched.h>

#include "arch/x86/layout.h"
#include "fs/kernel_file.h"
#include "lib/checked.h"
#include "mm/kalloc.h"
#include "proc/exec.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"
#include "sys/user_struct.h"

SYSCALL0(fork)
{
    struct clone_request request = {.exit_signal = SIGCHLD};

    return process_clone(&request);
}

SYSCALL0(vfork)
{
    struct clone_request request = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};

    return process_clone(&request);
}

SYSCALL5(clone, uint64_t, flags, vaddr_t, stack, vaddr_t, parent_tid, vaddr_t, child_tid, uint64_t, tls)
{
    struct clone_request request = {
        .flags = (uint32_t)flags & ~(uint32_t)CSIGNAL,
        .exit_signal = flags & CSIGNAL,
        .stack = stack,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .tls = tls,
        .pidfd = parent_tid,
    };

    if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
        return -EINVAL;     // both would be told in one place
    return process_clone(&request);
}

/* Numbers cannot be chosen, and there are no cgroups. => 0, -EINVAL */
static int check_clone_args(const struct clone_args *args)
{
    if ((args->flags & (CSIGNAL | CLONE_DETACHED)) || args->set_tid || args->set_tid_size)
        return -EINVAL;
    if (args->exit_signal > SIGNAL_MAX || ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal))
        return -EINVAL;
    if (!args->stack != !args->stack_size)
        return -EINVAL;
    return range_within(args->stack, args->stack_size, USER_END) ? 0 : -EINVAL;
}

SYSCALL2(clone3, vaddr_t, address, uint64_t, size)
{
    struct clone_args args;
    struct clone_request request;
    int error;

    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    error = user_struct(&args, sizeof(args), address, size);
    if (!error)
        error = check_clone_args(&args);
    if (error)
        return error;
    request = (struct clone_request){
        .flags = args.flags,
        .exit_signal = args.exit_signal,
        .stack = args.stack + args.stack_size,
        .parent_tid = args.parent_tid,
        .child_tid = args.child_tid,
        .tls = args.tls,
        .pidfd = args.pidfd,
    };
    return process_clone(&request);
}

SYSCALL3(execve, vaddr_t, name, vaddr_t, argv, vaddr_t, envp)
{
    struct exec_request request = {.argv = argv, .envp = envp};
    char *path;
    int64_t result = user_string(name, &path);

    if (result)
        return result;
    request.path = path;
    result = exec_open(path, &request.file);
    if (!result) {
        result = process_exec(&request);
        file_put(request.file);
    }
    kfree(path);
    return result;
}

/* The program that `path` names, and what its name is from now on. */
static int open_program(const struct user_path *path, unsigned flags, struct exec_request *request)
{
    unsigned lookup_flags =
        (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);

    request->path = path->name;
    return file_open_exec(&path->lookup, path->name, lookup_flags, &request->file);
}

SYSCALL5(execveat, int, dirfd, vaddr_t, name, vaddr_t, argv, vaddr_t, envp, unsigned, flags)
{
    struct exec_request request = {.argv = argv, .envp = envp};
    struct user_path path;
    int64_t result;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    result = user_path_begin(&path, dirfd, name, flags & AT_EMPTY_PATH ? USER_PATH_EMPTY : 0);
    if (result)
        return result;
    if (dirfd >= 0 && path.name[0] != '/')
        request.path_unreachable = fd_close_on_exec(current_process()->files, dirfd) > 0;
    result = open_program(&path, flags, &request);
    if (!result) {
        result = process_exec(&request);
        file_put(request.file);
    }
    user_path_end(&path);
    return result;
}

SYSCALL1(exit, int, code)
{
    thread_exit(STATUS_EXITED(code));
}

SYSCALL1(exit_group, int, code)
{
    process_exit(STATUS_EXITED(code));
}

SYSCALL1(set_tid_address, vaddr_t, address)
{
    struct thread *thread = current_thread();

    thread->clear_tid = address;
    return thread->tid->number;
}

SYSCALL2(set_robust_list, vaddr_t, head, uint64_t, size)
{
    if (size != ROBUST_LIST_HEAD_SIZE)
        return -EINVAL;
    current_thread()->robust_list = head;
    return 0;
}
