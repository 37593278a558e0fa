// SPDX-License-Identifier: MIT
/*
 * signalfd.c - blocked signals that are read from a file.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t set_of(int one, int other)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, one);
    sigaddset(&set, other);
    return set;
}

/* A signalfd for two signals, which are blocked from now on. */
static int make(int one, int other, int flags)
{
    sigset_t set = set_of(one, other);

    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, flags);
}

static short ready(int fd)
{
    struct pollfd poll_one = {.fd = fd, .events = POLLIN};

    return poll(&poll_one, 1, 0) > 0 ? poll_one.revents : 0;
}

static bool read_takes_the_signal_and_tells_the_sender(void)
{
    int fd = make(SIGUSR1, SIGUSR2, SFD_NONBLOCK);
    struct signalfd_siginfo info;
    sigset_t pending;

    CHECK(fd >= 0);
    CHECK_FAILS(read(fd, &info, sizeof info), EAGAIN);
    CHECK_EQ(ready(fd), 0);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(ready(fd), POLLIN);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK_EQ(info.ssi_signo, SIGUSR1);
    CHECK_EQ(info.ssi_code, SI_USER);
    CHECK_EQ(info.ssi_pid, getpid());
    CHECK_EQ(info.ssi_uid, getuid());
    CHECK_EQ(ready(fd), 0);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1));
    close(fd);
    return true;
}

static bool one_read_takes_several(void)
{
    int fd = make(SIGUSR1, SIGUSR2, SFD_NONBLOCK);
    struct signalfd_siginfo infos[3];

    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(read(fd, infos, sizeof infos), 2 * sizeof infos[0]);
    CHECK_EQ(infos[0].ssi_signo, SIGUSR1);
    CHECK_EQ(infos[1].ssi_signo, SIGUSR2);
    close(fd);
    return true;
}

static bool queued_value_comes_with_it(void)
{
    int fd = make(SIGRTMIN, SIGRTMIN + 1, SFD_NONBLOCK);
    struct signalfd_siginfo info;

    CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 77}), 0);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK_EQ(info.ssi_signo, SIGRTMIN + 1);
    CHECK_EQ(info.ssi_code, SI_QUEUE);
    CHECK_EQ(info.ssi_int, 77);
    close(fd);
    return true;
}

static bool other_signals_stay(void)
{
    sigset_t blocked = set_of(SIGUSR1, SIGUSR2), only = set_of(SIGUSR1, SIGUSR1);
    struct signalfd_siginfo info;
    int fd;

    sigprocmask(SIG_BLOCK, &blocked, NULL);
    fd = signalfd(-1, &only, SFD_NONBLOCK);
    kill(getpid(), SIGUSR2);
    CHECK_EQ(ready(fd), 0);
    CHECK_FAILS(read(fd, &info, sizeof info), EAGAIN);
    only = set_of(SIGUSR2, SIGUSR2);
    CHECK_EQ(signalfd(fd, &only, 0), fd);
    CHECK_EQ(ready(fd), POLLIN);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK_EQ(info.ssi_signo, SIGUSR2);
    close(fd);
    return true;
}

static bool reader_asleep_is_woken(void)
{
    int fd = make(SIGUSR1, SIGUSR2, 0);
    pid_t pid = fork();

    if (pid == 0) {
        struct signalfd_siginfo info;
        ssize_t got = read(fd, &info, sizeof info);
        _exit(got == sizeof info && info.ssi_signo == SIGUSR2 && info.ssi_pid == (uint32_t)getppid() ? 0 : 1);
    }
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR2));
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    return true;
}

static bool end_of_a_child_is_told(void)
{
    int fd = make(SIGCHLD, SIGCHLD, 0);
    struct signalfd_siginfo info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(5);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK_EQ(info.ssi_signo, SIGCHLD);
    CHECK_EQ(info.ssi_code, CLD_EXITED);
    CHECK_EQ(info.ssi_pid, pid);
    CHECK_EQ(info.ssi_status, 5);
    CHECK(exited_with(child_wait(pid), 5));
    close(fd);
    return true;
}

static bool epoll_hears_of_a_signal(void)
{
    int fd = make(SIGUSR1, SIGUSR2, SFD_NONBLOCK), epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 9};
    struct signalfd_siginfo info;

    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(epoll_wait(epoll, &event, 1, 20000), 1);
    CHECK_EQ(event.data.u32, 9);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
    close(epoll);
    close(fd);
    return true;
}

/* Whoever began to watch in its own name is gone; the file and the epoll are not. */
static bool watcher_may_outlive_the_process(void)
{
    int fd = make(SIGUSR1, SIGUSR2, SFD_NONBLOCK), epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    struct signalfd_siginfo info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0);
    CHECK(exited_with(child_wait(pid), 0));
    kill(getpid(), SIGUSR1);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
    close(fd);
    close(epoll);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    char small[64];

    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_FAILS(signalfd(-1, &set, 1), EINVAL);
    CHECK_FAILS(signalfd(0x7fff, &set, 0), EBADF);
    CHECK_FAILS(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
    CHECK_FAILS(read(fd, small, sizeof small), EINVAL);
    int epoll = epoll_create1(0);
    CHECK_FAILS(signalfd(epoll, &set, 0), EINVAL);
    close(epoll);
    close(fd);
    return true;
}

int main(void)
{
    TEST(read_takes_the_signal_and_tells_the_sender);
    TEST(one_read_takes_several);
    TEST(queued_value_comes_with_it);
    TEST(other_signals_stay);
    TEST(reader_asleep_is_woken);
    TEST(end_of_a_child_is_told);
    TEST(epoll_hears_of_a_signal);
    TEST(watcher_may_outlive_the_process);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
