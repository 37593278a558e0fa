// SPDX-License-Identifier: MIT
/*
 * wait.c - wait4 and waitid.
 */
#include "proc/wait.h"

#include <linux/wait.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/pgrp.h"
#include "proc/pidfd.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/usage.h"

#define WAIT4_OPTIONS (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define WAITID_OPTIONS                                                                                         \
    (WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)

/* What pid means to wait4: > 0 one, -1 any, 0 our group, < -1 that group. => 0, -ESRCH */
static int decode_pid(pid_t pid, struct wait_request *request)
{
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid == -1) {
        request->which = WAIT_ANY;
    } else if (pid > 0) {
        request->which = WAIT_PROCESS;
        request->id = pid;
    } else {
        request->which = WAIT_GROUP;
        request->id = pid ? -pid : process_getpgid(0);
    }
    return 0;
}

static int64_t put_result(int64_t pid, const struct wait_result *result, vaddr_t status, vaddr_t usage)
{
    if (pid <= 0)
        return pid;
    if (status && put_user_u32(status, result->status))
        return -EFAULT;
    if (usage && put_rusage(usage, &result->usage))
        return -EFAULT;
    return pid;
}

SYSCALL4(wait4, pid_t, pid, vaddr_t, status, unsigned, options, vaddr_t, usage)
{
    struct wait_request request = {.options = options | WEXITED};
    struct wait_result result;
    int error;

    if (options & ~WAIT4_OPTIONS)
        return -EINVAL;
    error = decode_pid(pid, &request);
    if (error)
        return error;
    return put_result(process_wait(&request, &result), &result, status, usage);
}

/* What `type` and `id` mean to waitid. => 0, -EINVAL */
static int decode_id(int type, pid_t id, struct wait_request *request)
{
    request->id = id;
    switch (type) {
    case P_ALL:
        request->which = WAIT_ANY;
        return 0;
    case P_PID:
        request->which = WAIT_PROCESS;
        return id > 0 ? 0 : -EINVAL;
    case P_PGID:
        request->which = WAIT_GROUP;
        if (!id)
            request->id = process_getpgid(0);
        return id >= 0 ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

/* The fields of siginfo_t that waitid sets; all zero when there was no child to tell about. */
static int put_info(vaddr_t address, int64_t pid, const struct wait_result *result)
{
    struct signal_info info;

    memset(&info, 0, sizeof(info));
    if (pid > 0) {
        info.si_signo = SIGCHLD;
        info.si_code = result->code;
        info.si_pid = result->id;
        info.si_uid = result->uid;
        info.si_status = result->detail;
    }
    return copy_to_user(address, &info, offsetof(struct signal_info, si_status) + sizeof(info.si_status));
}

/* => 0 (nothing to tell of), the child's id, -errno */
static int64_t wait_by_number(int type, pid_t id, struct wait_request *request, struct wait_result *result)
{
    int error = decode_id(type, id, request);

    return error ? error : process_wait(request, result);
}

/* One that must not wait says -EAGAIN instead of 0. => likewise */
static int64_t wait_by_pidfd(int fd, struct wait_request *request, struct wait_result *result)
{
    struct file *file = fd >= 0 ? descriptor_file(fd) : NULL;
    bool asked = request->options & WNOHANG;
    int64_t pid = -EBADF;

    if (!file)
        return fd < 0 ? -EINVAL : -EBADF;
    request->which = WAIT_THIS;
    request->process = pidfd_process(file);
    if (file_is_nonblocking(file))
        request->options |= WNOHANG;
    if (request->process)
        pid = process_wait(request, result);
    if (!pid && !asked)
        pid = -EAGAIN;
    file_put(file);
    return pid;
}

SYSCALL5(waitid, int, type, pid_t, id, vaddr_t, info, unsigned, options, vaddr_t, usage)
{
    struct wait_request request = {.options = options};
    struct wait_result result;
    int64_t pid;

    if ((options & ~WAITID_OPTIONS) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    pid = type == P_PIDFD ? wait_by_pidfd(id, &request, &result) : wait_by_number(type, id, &request, &result);
    if (pid < 0)
        return pid;
    if (pid > 0 && usage && put_rusage(usage, &result.usage))
        return -EFAULT;
    return info ? put_info(info, pid, &result) : 0;
}
