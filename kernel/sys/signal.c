// SPDX-License-Identifier: MIT
/*
 * signal.c - send, hold, take and handle signals: decode for proc/signal.h.
 */
#include "proc/signal.h"

#include "arch/x86/trap.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/thread.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* Every call tells the size of its signal sets; only Linux's own is right. */
static bool set_size_ok(uint64_t size)
{
    return size == sizeof(sigset_t);
}

SYSCALL4(rt_sigaction, int, sig, vaddr_t, new_address, vaddr_t, old_address, uint64_t, set_size)
{
    struct sigaction new_action, old_action;
    int error;

    if (!set_size_ok(set_size))
        return -EINVAL;
    if (new_address && copy_from_user(&new_action, new_address, sizeof(new_action)))
        return -EFAULT;
    error = signal_action(sig, new_address ? &new_action : NULL, &old_action);
    if (!error && old_address)
        error = copy_to_user(old_address, &old_action, sizeof(old_action));
    return error;
}

/* => 0, -EINVAL */
static int combine_masks(int how, sigset_t old, sigset_t change, sigset_t *new)
{
    switch (how) {
    case SIG_BLOCK:
        *new = old | change;
        return 0;
    case SIG_UNBLOCK:
        *new = old & ~change;
        return 0;
    case SIG_SETMASK:
        *new = change;
        return 0;
    default:
        return -EINVAL;
    }
}

SYSCALL4(rt_sigprocmask, int, how, vaddr_t, new_address, vaddr_t, old_address, uint64_t, set_size)
{
    sigset_t old = current_thread()->blocked, change, new;

    if (!set_size_ok(set_size))
        return -EINVAL;
    if (new_address) {
        int error = get_user_u64(&change, new_address);

        if (!error)
            error = combine_masks(how, old, change, &new);
        if (error)
            return error;
        signal_set_blocked(new);
    }
    return old_address ? put_user_u64(old_address, old) : 0;
}

SYSCALL2(rt_sigpending, vaddr_t, address, uint64_t, set_size)
{
    sigset_t pending = signal_pending_set();

    if (set_size > sizeof(pending))
        return -EINVAL;
    return copy_to_user(address, &pending, set_size);
}

SYSCALL2(rt_sigsuspend, vaddr_t, address, uint64_t, set_size)
{
    sigset_t mask;

    if (!set_size_ok(set_size))
        return -EINVAL;
    if (get_user_u64(&mask, address))
        return -EFAULT;
    return signal_suspend(mask);
}

SYSCALL4(rt_sigtimedwait, vaddr_t, address, vaddr_t, info_address, vaddr_t, timeout, uint64_t, set_size)
{
    struct signal_info info;
    sigset_t set;
    uint64_t ns = 0, deadline = UINT64_MAX;
    int64_t sig;

    if (!set_size_ok(set_size))
        return -EINVAL;
    if (get_user_u64(&set, address))
        return -EFAULT;
    if (timeout) {
        int error = user_timespec(timeout, &ns);

        if (error)
            return error;
        deadline = ns ? deadline_after(ns) : 0;
    }
    sig = signal_wait(set, &info, deadline);
    if (sig > 0 && info_address && copy_to_user(info_address, &info, sizeof(info)))
        return -EFAULT;
    return sig;
}

/* What one process tells another through sigqueue: never what only the kernel may say. => 0, -EFAULT, -EPERM */
static int read_info(struct signal_info *info, vaddr_t address, int sig, pid_t receiver)
{
    if (copy_from_user(info, address, sizeof(*info)))
        return -EFAULT;
    info->si_signo = sig;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && receiver != current_process()->id)
        return -EPERM;
    return 0;
}

SYSCALL3(rt_sigqueueinfo, pid_t, pid, int, sig, vaddr_t, address)
{
    struct signal_info info;
    int error = read_info(&info, address, sig, pid);

    if (error)
        return error;
    return pid > 0 ? signal_kill(pid, sig, &info) : -ESRCH;
}

SYSCALL4(rt_tgsigqueueinfo, pid_t, process, pid_t, thread, int, sig, vaddr_t, address)
{
    struct signal_info info;
    int error = read_info(&info, address, sig, process);

    if (error == -EFAULT)
        return error;
    if (process <= 0 || thread <= 0)
        return -EINVAL;
    return error ? error : signal_kill_thread(process, thread, sig, &info);
}

SYSCALL0(rt_sigreturn)
{
    int64_t result = signal_return(current_thread()->frame);

    (void)kalloc_failed(); // what it returns is the interrupted call's: not to be made again
    return result;
}

SYSCALL2(sigaltstack, vaddr_t, new_address, vaddr_t, old_address)
{
    stack_t new_stack, old_stack;
    int error;

    if (new_address && copy_from_user(&new_stack, new_address, sizeof(new_stack)))
        return -EFAULT;
    memset(&old_stack, 0, sizeof(old_stack));
    error = signal_altstack(new_address ? &new_stack : NULL, &old_stack, current_thread()->frame->rsp);
    if (!error && old_address)
        error = copy_to_user(old_address, &old_stack, sizeof(old_stack));
    return error;
}

SYSCALL0(pause)
{
    return signal_suspend(current_thread()->blocked);
}

SYSCALL2(kill, pid_t, pid, int, sig)
{
    struct signal_info info;

    signal_info_user(&info, sig, SI_USER);
    return signal_kill(pid, sig, &info);
}

static int64_t kill_thread(pid_t process, pid_t thread, int sig)
{
    struct signal_info info;

    signal_info_user(&info, sig, SI_TKILL);
    return signal_kill_thread(process, thread, sig, &info);
}

SYSCALL2(tkill, pid_t, thread, int, sig)
{
    return thread > 0 ? kill_thread(-1, thread, sig) : -EINVAL;
}

SYSCALL3(tgkill, pid_t, process, pid_t, thread, int, sig)
{
    return process > 0 && thread > 0 ? kill_thread(process, thread, sig) : -EINVAL;
}

SYSCALL0(restart_syscall)
{
    return signal_restart_syscall();
}
