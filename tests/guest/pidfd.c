// SPDX-License-Identifier: MIT
/*
 * pidfd.c - files that name a process: made, waited for, signalled; and clone3, which can give one.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 20000, BY_PIDFD = 3 /* P_PIDFD */ };

/* As <linux/sched.h> has it. */
struct clone_request {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
enum { GIVE_PIDFD = 0x1000 };

static int open_pid(pid_t pid, unsigned flags)
{
    return syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static pid_t clone3(struct clone_request *request, size_t size)
{
    return syscall(SYS_clone3, request, size);
}

static int wait_for(int fd, siginfo_t *info, int options)
{
    memset(info, 0, sizeof *info);
    return waitid((idtype_t)BY_PIDFD, fd, info, options);
}

static pid_t sleeping_child(void)
{
    pid_t pid = fork();

    while (pid == 0)
        pause();
    return pid;
}

static bool readable_when_the_process_has_ended(void)
{
    pid_t pid = sleeping_child();
    int fd = open_pid(pid, 0), epoll = epoll_create1(0);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    siginfo_t info;

    CHECK(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    CHECK_EQ(poll(&one, 1, 0), 0);
    CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
    CHECK_EQ(send_signal(fd, SIGKILL, NULL, 0), 0);
    CHECK_EQ(poll(&one, 1, LONG_MS), 1);
    CHECK_EQ(one.revents, POLLIN);
    CHECK_EQ(epoll_wait(epoll, &event, 1, LONG_MS), 1);
    CHECK_EQ(wait_for(fd, &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    CHECK(poll(&one, 1, 0) == 1 && (one.revents & POLLIN));
    CHECK_FAILS(send_signal(fd, 0, NULL, 0), ESRCH);
    CHECK_FAILS(wait_for(fd, &info, WEXITED), ECHILD);
    close(epoll);
    close(fd);
    return true;
}

static bool waits_for_that_child_only(void)
{
    pid_t first = sleeping_child(), second = fork();
    siginfo_t info;

    if (second == 0)
        _exit(7);
    int fd = open_pid(first, 0), other = open_pid(second, 0);
    CHECK_EQ(wait_for(fd, &info, WEXITED | WNOHANG), 0);
    CHECK_EQ(info.si_pid, 0);
    CHECK_EQ(wait_for(other, &info, WEXITED), 0);
    CHECK(info.si_pid == second && info.si_status == 7);
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    CHECK_FAILS(wait_for(fd, &info, WEXITED), EAGAIN);
    child_end(first);
    close(fd);
    close(other);
    return true;
}

static bool signal_can_carry_a_value(void)
{
    siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE}, got;
    int fd = open_pid(getpid(), 0);
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &one, NULL);
    info.si_value.sival_int = 99;
    CHECK_EQ(send_signal(fd, SIGRTMIN, &info, 0), 0);
    CHECK_EQ(sigwaitinfo(&one, &got), SIGRTMIN);
    CHECK_EQ(got.si_value.sival_int, 99);
    CHECK_EQ(send_signal(fd, SIGRTMIN, NULL, 0), 0);
    CHECK_EQ(sigwaitinfo(&one, &got), SIGRTMIN);
    CHECK(got.si_code == SI_USER && got.si_pid == getpid());
    CHECK_FAILS(send_signal(fd, SIGUSR1, &info, 0), EINVAL);
    close(fd);
    return true;
}

static bool clone3_gives_a_pidfd(void)
{
    int fd = -1;
    struct clone_request request = {.flags = GIVE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    siginfo_t info;
    pid_t pid = clone3(&request, sizeof request);

    if (pid == 0)
        _exit(11);
    CHECK(pid > 0 && fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(wait_for(fd, &info, WEXITED), 0);
    CHECK(info.si_pid == pid && info.si_status == 11);
    close(fd);
    return true;
}

static bool failed_clone_leaves_no_descriptor(void)
{
    struct clone_request request = {.flags = GIVE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD};
    int before = dup(0), after;

    close(before);
    CHECK_FAILS(clone3(&request, sizeof request), EFAULT);
    after = dup(0);
    CHECK_EQ(after, before);
    close(after);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    struct clone_request request = {.exit_signal = SIGCHLD};
    struct {
        struct clone_request known;
        uint64_t more;
    } longer = {.known = {.exit_signal = SIGCHLD}, .more = 1};
    siginfo_t info;

    CHECK_FAILS(open_pid(0, 0), EINVAL);
    CHECK_FAILS(open_pid(-5, 0), EINVAL);
    CHECK_FAILS(open_pid(getpid(), 1), EINVAL);
    CHECK_FAILS(open_pid(0x3fffff, 0), ESRCH);
    CHECK_FAILS(send_signal(0, SIGUSR1, NULL, 0x100), EINVAL);
    CHECK_FAILS(send_signal(-1, 0, NULL, 0), EBADF);
    int fd = open_pid(getpid(), 0);
    CHECK_FAILS(send_signal(fd, 65, NULL, 0), EINVAL);
    CHECK_FAILS(send_signal(fd, SIGUSR1, (siginfo_t *)8, 0), EFAULT);
    CHECK_FAILS(wait_for(fd, &info, WEXITED), ECHILD);
    CHECK_FAILS(read(fd, &info, 8), EINVAL);
    close(fd);
    CHECK_FAILS(clone3(&request, 63), EINVAL);
    CHECK_FAILS(clone3(&request, PAGE + 8), E2BIG);
    CHECK_FAILS(clone3(&longer.known, sizeof longer), E2BIG);
    CHECK_FAILS(clone3((struct clone_request *)8, sizeof request), EFAULT);
    request.exit_signal = 65;
    CHECK_FAILS(clone3(&request, sizeof request), EINVAL);
    request = (struct clone_request){.exit_signal = SIGCHLD, .stack = PAGE};
    CHECK_FAILS(clone3(&request, sizeof request), EINVAL);
    request = (struct clone_request){.exit_signal = SIGCHLD, .stack_size = PAGE};
    CHECK_FAILS(clone3(&request, sizeof request), EINVAL);
    request = (struct clone_request){.flags = SIGCHLD};
    CHECK_FAILS(clone3(&request, sizeof request), EINVAL);
    return true;
}

int main(void)
{
    TEST(readable_when_the_process_has_ended);
    TEST(waits_for_that_child_only);
    TEST(signal_can_carry_a_value);
    TEST(clone3_gives_a_pidfd);
    TEST(failed_clone_leaves_no_descriptor);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
