// SPDX-License-Identifier: MIT
/*
 * wait.h - wait4 and waitid: a parent asks after its children.
 */
#ifndef PROC_WAIT_H
#define PROC_WAIT_H

#include "lib/types.h"
#include "proc/process.h"

enum wait_for {
    WAIT_ANY,               // any child
    WAIT_PROCESS,           // the child with this id
    WAIT_GROUP,             // any child of this process group
    WAIT_THIS,              // the child that `process` is
};

struct wait_request {
    enum wait_for which;
    pid_t id;
    const struct process *process;  // the caller has a reference
    unsigned options;       // WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE
};

struct wait_result {
    pid_t id;
    uint32_t uid;
    int status;             // the word for wait4
    int code;               // CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_STOPPED, CLD_CONTINUED for waitid
    int detail;             // si_status: the exit code or the signal
    struct process_usage usage;     // of the child and of its own children that it waited for
};

/*
 * => sleeps unless WNOHANG
 * => the child's id, 0 (WNOHANG and none ready), -ECHILD, -ERESTARTSYS, -EINVAL
 */
int64_t process_wait(const struct wait_request *request, struct wait_result *result);

#endif
