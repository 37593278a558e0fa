// SPDX-License-Identifier: MIT
/*
 * signal_basic.c - handlers, what they are told, and what happens without one.
 */
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int calls, last_signal;
static siginfo_t info;

static void count(int signo)
{
    calls++;
    last_signal = signo;
}

static void keep_info(int signo, siginfo_t *given, void *context)
{
    (void)context;
    count(signo);
    info = *given;
}

static void handle(int signo, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signo, &action, NULL);
    calls = last_signal = 0;
}

static void handle_info(int signo)
{
    struct sigaction action = {.sa_sigaction = keep_info, .sa_flags = SA_SIGINFO};

    sigaction(signo, &action, NULL);
    calls = last_signal = 0;
    memset(&info, 0, sizeof info);
}

static bool handler_runs_before_kill_returns(void)
{
    handle(SIGUSR1, count, 0);
    for (int i = 1; i <= 50; i++) {
        CHECK(kill(getpid(), SIGUSR1) == 0);
        CHECK_EQ(calls, i);
    }
    CHECK_EQ(last_signal, SIGUSR1);
    return true;
}

static bool handler_stays_installed(void)
{
    struct sigaction old;

    handle(SIGUSR1, count, 0);
    raise(SIGUSR1);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
    CHECK(old.sa_handler == count);
    return true;
}

static bool resethand_runs_once(void)
{
    struct sigaction old;

    handle(SIGUSR1, count, SA_RESETHAND);
    raise(SIGUSR1);
    CHECK_EQ(calls, 1);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
    CHECK(old.sa_handler == SIG_DFL);
    return true;
}

static bool kill_tells_who_and_how(void)
{
    handle_info(SIGUSR1);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK_EQ(info.si_signo, SIGUSR1);
    CHECK_EQ(info.si_code, SI_USER);
    CHECK_EQ(info.si_pid, getpid());
    CHECK_EQ(info.si_uid, getuid());
    return true;
}

static bool raise_tells_of_a_thread(void)
{
    handle_info(SIGUSR1);
    CHECK(raise(SIGUSR1) == 0);
    CHECK_EQ(info.si_code, SI_TKILL);
    CHECK_EQ(info.si_pid, getpid());
    return true;
}

static bool sigqueue_carries_a_value(void)
{
    union sigval value = {.sival_int = 4711};

    handle_info(SIGUSR2);
    CHECK(sigqueue(getpid(), SIGUSR2, value) == 0);
    CHECK_EQ(info.si_code, SI_QUEUE);
    CHECK_EQ(info.si_value.sival_int, 4711);
    return true;
}

static bool sigchld_tells_of_the_exit(void)
{
    handle_info(SIGCHLD);
    pid_t pid = fork();
    if (pid == 0)
        _exit(9);
    for (int i = 0; i < 200 && !calls; i++)
        sleep_ms(10);
    CHECK_EQ(calls, 1);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_code, CLD_EXITED);
    CHECK_EQ(info.si_status, 9);
    CHECK(exited_with(child_wait(pid), 9));
    signal(SIGCHLD, SIG_DFL);
    return true;
}

static bool sigchld_tells_of_the_death(void)
{
    handle_info(SIGCHLD);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    child_signal(pid, SIGTERM);
    CHECK(killed_by(child_wait(pid), SIGTERM));
    CHECK_EQ(info.si_code, CLD_KILLED);
    CHECK_EQ(info.si_status, SIGTERM);
    signal(SIGCHLD, SIG_DFL);
    return true;
}

static bool ignored_signal_does_nothing(void)
{
    signal(SIGTERM, SIG_IGN);
    CHECK(kill(getpid(), SIGTERM) == 0);
    signal(SIGTERM, SIG_DFL);
    CHECK(kill(getpid(), SIGCHLD) == 0);
    CHECK(kill(getpid(), SIGWINCH) == 0);
    CHECK(kill(getpid(), SIGURG) == 0);
    CHECK(kill(getpid(), SIGCONT) == 0);
    return true;
}

static int to_raise;

static bool raise_it(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    signal(to_raise, SIG_DFL);
    kill(getpid(), to_raise);
    return false;
}

static bool default_is_death(void)
{
    static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
                                 SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGSYS, 34, 64};

    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        to_raise = deadly[i];
        CHECK(killed_by(child_run(raise_it), to_raise));
    }
    return true;
}

static bool kill_and_stop_cannot_be_caught(void)
{
    struct sigaction action = {.sa_handler = count};

    CHECK_FAILS(sigaction(SIGKILL, &action, NULL), EINVAL);
    CHECK_FAILS(sigaction(SIGSTOP, &action, NULL), EINVAL);
    CHECK_FAILS(sigaction(65, &action, NULL), EINVAL);
    CHECK_FAILS(sigaction(0, &action, NULL), EINVAL);
    return true;
}

static bool pipe_child(void)
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    write(ends[1], "x", 1);
    return false;
}

static bool write_to_a_broken_pipe_is_sigpipe(void)
{
    int ends[2];

    CHECK(killed_by(child_run(pipe_child), SIGPIPE));
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    handle(SIGPIPE, count, 0);
    CHECK_FAILS(write(ends[1], "x", 1), EPIPE);
    CHECK_EQ(calls, 1);
    signal(SIGPIPE, SIG_DFL);
    close(ends[1]);
    return true;
}

static bool child_has_our_handlers(void)
{
    raise(SIGUSR1);
    CHECK_EQ(calls, 1);
    return true;
}

static bool handlers_are_inherited_and_pending_is_not(void)
{
    sigset_t mask, pending;

    handle(SIGUSR1, count, 0);
    CHECK_CHILD(child_has_our_handlers);
    CHECK_EQ(calls, 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(SIGUSR1);
    pid_t pid = fork();
    if (pid == 0) {
        sigpending(&pending);
        _exit(sigismember(&pending, SIGUSR1) ? 1 : 0);
    }
    CHECK(exited_with(child_wait(pid), 0));
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    CHECK_EQ(calls, 1);
    return true;
}

int main(void)
{
    TEST(handler_runs_before_kill_returns);
    TEST(handler_stays_installed);
    TEST(resethand_runs_once);
    TEST(kill_tells_who_and_how);
    TEST(raise_tells_of_a_thread);
    TEST(sigqueue_carries_a_value);
    TEST(sigchld_tells_of_the_exit);
    TEST(sigchld_tells_of_the_death);
    TEST(ignored_signal_does_nothing);
    TEST(default_is_death);
    TEST(kill_and_stop_cannot_be_caught);
    TEST(write_to_a_broken_pipe_is_sigpipe);
    TEST(handlers_are_inherited_and_pending_is_not);
    return tap_done();
}
