// SPDX-License-Identifier: MIT
/*
 * clone3.c - clone3(2): what it makes, and what it refuses.
 */
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define CLEAR_SIGHAND 0x100000000UL
#define VER0 64

/* As Linux's <linux/sched.h> has it, in its first three versions. */
struct args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
    uint64_t later[4];
};

static unsigned char stack[16 * PAGE] __attribute__((aligned(16)));

/* The call with a stack of its own: the child runs function(argument) there, and exits with the result. */
__attribute__((naked)) static long clone_onto(struct args *args __attribute__((unused)), size_t size __attribute__((unused)),
                                              int (*function)(void *) __attribute__((unused)),
                                              void *argument __attribute__((unused)))
{
    __asm__("mov %rdx, %r8\n\t"
            "mov %rcx, %r9\n\t"
            "mov $435, %eax\n\t"
            "syscall\n\t"
            "test %rax, %rax\n\t"
            "jz 1f\n\t"
            "ret\n"
            "1:\txor %ebp, %ebp\n\t"
            "mov %r9, %rdi\n\t"
            "call *%r8\n\t"
            "mov %eax, %edi\n\t"
            "mov $60, %eax\n\t"
            "syscall\n\t"
            "hlt");
}

static long call(struct args *args, size_t size)
{
    return syscall(SYS_clone3, args, size);
}

static bool refused(struct args args, int error)
{
    long result = call(&args, sizeof args);

    if (result == 0)
        _exit(0);
    if (result > 0)
        child_end((pid_t)result);
    return result == -1 && errno == error;
}

static bool fork_by_clone3(void)
{
    struct args args = {.exit_signal = SIGCHLD};
    pid_t pid = (pid_t)call(&args, VER0);

    if (pid == 0)
        _exit(getppid() > 0 ? 9 : 1);
    CHECK(pid > 0);
    CHECK(exited_with(child_wait(pid), 9));
    return true;
}

static bool any_known_size_does(void)
{
    for (size_t size = VER0; size <= sizeof(struct args); size += 8) {
        struct args args = {.exit_signal = SIGCHLD};
        pid_t pid = (pid_t)call(&args, size);
        if (pid == 0)
            _exit(3);
        CHECK(pid > 0);
        CHECK(exited_with(child_wait(pid), 3));
    }
    return true;
}

static bool sizes_are_checked(void)
{
    static struct args many[64];
    struct args args = {.exit_signal = SIGCHLD};

    CHECK_FAILS(call(&args, 0), EINVAL);
    CHECK_FAILS(call(&args, VER0 - 1), EINVAL);
    CHECK_FAILS(call(&args, PAGE + 1), E2BIG);
    CHECK_FAILS(call((struct args *)8, VER0), EFAULT);
    CHECK_FAILS(call(NULL, VER0), EFAULT);
    many[0].exit_signal = SIGCHLD;
    many[0].later[3] = 1;
    CHECK_FAILS(call(many, sizeof(struct args)), E2BIG);
    many[0].later[3] = 0;
    ((unsigned char *)many)[1001] = 1;
    CHECK_FAILS(call(many, 1002), E2BIG);
    return true;
}

static bool senseless_arguments_are_refused(void)
{
    CHECK(refused((struct args){.exit_signal = 65}, EINVAL));
    CHECK(refused((struct args){.exit_signal = 0x100 | SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = 1UL << 40}, EINVAL));
    CHECK(refused((struct args){.flags = SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD}, EINVAL));
    CHECK(refused((struct args){.flags = CLONE_THREAD | CLONE_VM}, EINVAL));
    CHECK(refused((struct args){.flags = CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD}, EINVAL));
    return true;
}

static bool stacks_are_checked(void)
{
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .stack = (uintptr_t)stack}, EINVAL));
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .stack_size = sizeof stack}, EINVAL));
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = -PAGE}, EINVAL));
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .stack = 0xffff800000000000, .stack_size = PAGE}, EINVAL));
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .set_tid_size = 1}, EINVAL));
    CHECK(refused((struct args){.exit_signal = SIGCHLD, .set_tid_size = 100}, EINVAL));
    return true;
}

static int on_the_stack(void *argument)
{
    volatile char here;
    uintptr_t place = (uintptr_t)&here, start = (uintptr_t)stack;

    *(int *)argument = 77;
    return place > start && place < start + sizeof stack ? 5 : 6;
}

static bool child_runs_on_the_stack_that_it_got(void)
{
    int seen = 0;
    struct args args = {.exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = sizeof stack};

    CHECK(exited_with(child_wait((pid_t)clone_onto(&args, VER0, on_the_stack, &seen)), 5));
    CHECK_EQ(seen, 0);
    args.flags = CLONE_VM | CLONE_VFORK;
    CHECK(exited_with(child_wait((pid_t)clone_onto(&args, VER0, on_the_stack, &seen)), 5));
    CHECK_EQ(seen, 77);
    return true;
}

static bool numbers_are_stored(void)
{
    static volatile pid_t *ids;
    struct args args = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, .exit_signal = SIGCHLD};

    ids = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ids != MAP_FAILED);
    args.parent_tid = (uintptr_t)&ids[0];
    args.child_tid = (uintptr_t)&ids[1];
    pid_t pid = (pid_t)call(&args, VER0);
    if (pid == 0)
        _exit(ids[1] == getpid() ? 0 : 1);
    CHECK(pid > 0);
    CHECK_EQ(ids[0], pid);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(ids[1], pid);
    munmap((void *)ids, PAGE);
    return true;
}

static void nothing(int number)
{
    (void)number;
}

static bool handlers_are_cleared_when_asked(void)
{
    struct args args = {.flags = CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    struct sigaction now;

    signal(SIGUSR1, nothing);
    signal(SIGUSR2, SIG_IGN);
    pid_t pid = (pid_t)call(&args, VER0);
    if (pid == 0) {
        bool good = sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL &&
                    sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
        _exit(good ? 0 : 1);
    }
    CHECK(pid > 0);
    CHECK(exited_with(child_wait(pid), 0));
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    return true;
}

static bool other_exit_signal_is_sent(void)
{
    struct args args = {.exit_signal = SIGUSR1};
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t pid = (pid_t)call(&args, VER0);
    if (pid == 0)
        _exit(4);
    CHECK(pid > 0);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    CHECK_EQ(info.si_pid, pid);
    int status;
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    CHECK(exited_with(status, 4));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

int main(void)
{
    TEST(fork_by_clone3);
    TEST(any_known_size_does);
    TEST(sizes_are_checked);
    TEST(senseless_arguments_are_refused);
    TEST(stacks_are_checked);
    TEST(child_runs_on_the_stack_that_it_got);
    TEST(numbers_are_stored);
    TEST(handlers_are_cleared_when_asked);
    TEST(other_exit_signal_is_sent);
    return tap_done();
}
