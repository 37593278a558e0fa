// SPDX-License-Identifier: MIT
/*
 * exec.h - execve: another program in the same process.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "lib/types.h"

struct file;

/*
 * Arguments come from the user's memory (argv, envp: addresses of null-terminated arrays of string
 * addresses; 0 counts as an empty array) or, for the first process, from the kernel's (kernel_argv and
 * kernel_envp not NULL).
 */
struct exec_request {
    struct file *file;              // opened for execution; the caller keeps and puts its reference
    const char *path;               // the name it was opened by, for AT_EXECFN, comm, scripts
    vaddr_t argv, envp;
    const char *const *kernel_argv;
    const char *const *kernel_envp;
    bool path_unreachable;          // by a close-on-exec descriptor: -ENOENT for a script
};

/*
 * Open `path` for exec, relative to the running process's directory: must be a regular file that may be
 * executed.
 *
 * => 0 and a reference in *out; -EACCES, -ENOENT, ... as execve(2) has them
 */
__must_check int exec_open(const char *path, struct file **out);

/*
 * Replace the program. On success the trap frame holds the new program's first registers, and the system
 * call returns 0.
 *
 * => everything is checked, allocated and written before the old program is given up
 * => 0; -ENOEXEC, -E2BIG, -EFAULT, -ENOMEM, -EACCES, -ELOOP, -EIO, -EINTR; for the interpreter -ENOENT, -ELIBBAD; then
 *    nothing has changed, but that other threads may have been ended
 */
int process_exec(const struct exec_request *request);

#endif
