// SPDX-License-Identifier: MIT
/*
 * pidfd.c - open a process by its number, and signal it by the file, or by its directory in /proc.    Waiting for it: wait.c
 */
#include "proc/pidfd.h"

#include <linux/pidfd.h>

#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/procfs/procfs.h"
#include "sys/syscall.h"

SYSCALL2(pidfd_open, pid_t, pid, unsigned, flags)
{
    struct process *process;
    struct file *file;
    int error;

    if ((flags & ~PIDFD_NONBLOCK) || pid <= 0)
        return -EINVAL;
    process = process_find_by_tid(pid);
    if (!process)
        return -ESRCH;
    error = process->id == pid ? pidfd_create(process, flags & PIDFD_NONBLOCK, &file) : -EINVAL; // no thread
    process_put(process);
    return error ? error : descriptor_install_new(file, true);
}

/* As sigqueue has it: what only the kernel may say is said to oneself alone. => 0, -EFAULT, -EINVAL, -EPERM */
static int read_info(struct signal_info *info, vaddr_t address, int sig, const struct process *receiver)
{
    if (!address) {
        signal_info_user(info, sig, SI_USER);
        return 0;
    }
    if (copy_from_user(info, address, sizeof(*info)))
        return -EFAULT;
    if (info->si_signo != sig)
        return -EINVAL;
    return (info->si_code >= 0 || info->si_code == SI_TKILL) && receiver != current_process() ? -EPERM : 0;
}

SYSCALL4(pidfd_send_signal, int, fd, int, sig, vaddr_t, address, unsigned, flags)
{
    struct signal_info info;
    struct process *process;
    struct file *file;
    int error = -EBADF;

    if (flags)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    process = pidfd_process(file);
    if (!process)
        process = procfs_process(file);
    if (process)
        error = read_info(&info, address, sig, process);
    if (!error)
        error = signal_kill_process(process, sig, &info);
    file_put(file);
    return error;
}
