// SPDX-License-Identifier: MIT
/*
 * kernel_pointers.c - a pointer into the kernel, or around the end of memory, is EFAULT in every system call.
 *
 * One claim per call. Raw calls, so that no library looks at the pointer first. A call that is not there (ENOSYS; for
 * file locks ENOLCK) is told as skipped.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* P stands for the bad pointer, F for an open file, K for a child that has exited. */
enum { P = -101, F = -102, PIPE = -103, K = -104 };

struct call {
    const char *name;
    long number;
    long arguments[6];
};

static const struct call calls[] = {
    {"read", SYS_read, {PIPE, P, 8}},
    {"write", SYS_write, {F, P, 8}},
    {"pread64", SYS_pread64, {F, P, 8}},
    {"pwrite64", SYS_pwrite64, {F, P, 8}},
    {"readv", SYS_readv, {PIPE, P, 2}},
    {"writev", SYS_writev, {F, P, 2}},
    {"open", SYS_open, {P, O_RDONLY}},
    {"openat", SYS_openat, {AT_FDCWD, P, O_RDONLY}},
    {"stat", SYS_stat, {P, P}},
    {"lstat", SYS_lstat, {P, P}},
    {"fstat", SYS_fstat, {F, P}},
    {"newfstatat", SYS_newfstatat, {F, P, P, 0}},
    {"access", SYS_access, {P, 0}},
    {"chdir", SYS_chdir, {P}},
    {"mkdir", SYS_mkdir, {P, 0700}},
    {"rmdir", SYS_rmdir, {P}},
    {"unlink", SYS_unlink, {P}},
    {"link", SYS_link, {P, P}},
    {"symlink", SYS_symlink, {P, P}},
    {"rename", SYS_rename, {P, P}},
    {"readlink", SYS_readlink, {P, P, 10}},
    {"chmod", SYS_chmod, {P, 0700}},
    {"truncate", SYS_truncate, {P, 0}},
    {"statfs", SYS_statfs, {P, P}},
    {"fstatfs", SYS_fstatfs, {F, P}},
    {"utimensat", SYS_utimensat, {AT_FDCWD, P, 0, 0}},
    {"getcwd", SYS_getcwd, {P, 4096}},
    {"pipe", SYS_pipe, {P}},
    {"pipe2", SYS_pipe2, {P, 0}},
    {"poll", SYS_poll, {P, 1, 0}},
    {"select", SYS_select, {8, P, 0, 0, 0}},
    {"execve", SYS_execve, {P, 0, 0}},
    {"wait4", SYS_wait4, {K, P, 0, 0}},
    {"rt_sigaction_new", SYS_rt_sigaction, {SIGUSR1, P, 0, 8}},
    {"rt_sigaction_old", SYS_rt_sigaction, {SIGUSR1, 0, P, 8}},
    {"rt_sigprocmask_new", SYS_rt_sigprocmask, {SIG_BLOCK, P, 0, 8}},
    {"rt_sigprocmask_old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, P, 8}},
    {"rt_sigpending", SYS_rt_sigpending, {P, 8}},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {P, 8}},
    {"sigaltstack", SYS_sigaltstack, {P, 0}},
    {"nanosleep", SYS_nanosleep, {P, 0}},
    {"clock_gettime", SYS_clock_gettime, {0, P}},
    {"gettimeofday", SYS_gettimeofday, {P, 0}},
    {"setitimer", SYS_setitimer, {0, P, 0}},
    {"getitimer", SYS_getitimer, {0, P}},
    {"times", SYS_times, {P}},
    {"uname", SYS_uname, {P}},
    {"sysinfo", SYS_sysinfo, {P}},
    {"getrlimit", SYS_getrlimit, {3, P}},
    {"setrlimit", SYS_setrlimit, {3, P}},
    {"getrusage", SYS_getrusage, {0, P}},
    {"getrandom", SYS_getrandom, {P, 8, 0}},
    {"ioctl_fionread", SYS_ioctl, {PIPE, 0x541b, P}},
    {"fcntl_getlk", SYS_fcntl, {F, F_GETLK, P}},
};

/* The first address of the kernel's half, deep inside it, non-canonical, the last page, a range that wraps. */
static const unsigned long bad_pointers[] = {
    0x0000800000000000, 0xffff800000000000, 0xffff800000100000, 0xffffffff81000000,
    0x0000900000000000, 0xfffffffffffff000, 0xfffffffffffffffc,
};

static int open_file, pipe_ends[2];

static long argument(long value, unsigned long pointer)
{
    switch (value) {
    case P:
        return pointer;
    case F:
        return open_file;
    case PIPE:
        return pipe_ends[0];
    case K: {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        return child;
    }
    default:
        return value;
    }
}

static int error_of(const struct call *call, unsigned long pointer)
{
    long a[6];

    for (int i = 0; i < 6; i++)
        a[i] = argument(call->arguments[i], pointer);
    errno = 0;
    long result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = errno;
    /* Reaped or not, depending on the kernel: either is right. */
    if (call->number == SYS_wait4)
        waitpid(a[0], NULL, 0);
    return result == -1 ? error : 0;
}

static void try_call(const struct call *call)
{
    for (size_t i = 0; i < sizeof bad_pointers / sizeof *bad_pointers; i++) {
        int error = error_of(call, bad_pointers[i]);
        if (error == ENOSYS || error == ENOLCK) {
            skip("no such call yet", "%s_refuses_pointers_into_the_kernel", call->name);
            return;
        }
        if (error != EFAULT) {
            diag("%s with 0x%lx: errno %d", call->name, bad_pointers[i], error);
            ok(false, "%s_refuses_pointers_into_the_kernel", call->name);
            return;
        }
    }
    ok(true, "%s_refuses_pointers_into_the_kernel", call->name);
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    open_file = open("file", O_RDWR | O_CREAT, 0600);
    if (open_file < 0 || pipe(pipe_ends) < 0 || write(pipe_ends[1], "0123456789abcdef", 16) != 16 ||
        write(open_file, "0123456789abcdef", 16) != 16)
        return 1;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        try_call(&calls[i]);
    return tap_done();
}
