// SPDX-License-Identifier: MIT
/*
 * signal_mask.c - blocked signals wait, handlers nest as their masks say.
 */
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int depth, deepest, calls;
static volatile int order[8], ordered;

static void nest(int signo)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (++calls < 3)
        raise(signo);
    depth--;
}

static void note(int signo)
{
    if (ordered < 8)
        order[ordered++] = signo;
}

static void raise_second(int signo)
{
    note(signo);
    raise(SIGUSR2);
    note(-signo);
}

static void handle(int signo, void (*handler)(int), int flags, int also_blocked)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigemptyset(&action.sa_mask);
    if (also_blocked)
        sigaddset(&action.sa_mask, also_blocked);
    sigaction(signo, &action, NULL);
    depth = deepest = calls = ordered = 0;
}

static sigset_t only(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    return set;
}

static bool blocked_signal_waits_and_counts_once(void)
{
    sigset_t set = only(SIGUSR1), pending;

    handle(SIGUSR1, note, 0, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(ordered, 0);
    CHECK(sigpending(&pending) == 0);
    CHECK(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    CHECK_EQ(ordered, 1);
    CHECK(sigpending(&pending) == 0);
    CHECK(!sigismember(&pending, SIGUSR1));
    return true;
}

static bool realtime_signals_queue(void)
{
    sigset_t set = only(40);

    handle(40, note, 0, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(raise(40) == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    CHECK_EQ(ordered, 3);
    return true;
}

static bool mask_set_and_told_back(void)
{
    sigset_t set = only(SIGHUP), old;

    sigaddset(&set, SIGKILL);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &old) == 0);
    CHECK(sigismember(&old, SIGHUP) && !sigismember(&old, SIGINT));
    CHECK(!sigismember(&old, SIGKILL));
    sigemptyset(&set);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    CHECK_FAILS(sigprocmask(77, &set, NULL), EINVAL);
    return true;
}

static bool handler_blocks_its_own_signal(void)
{
    handle(SIGUSR1, nest, 0, 0);
    raise(SIGUSR1);
    CHECK_EQ(calls, 3);
    CHECK_EQ(deepest, 1);
    return true;
}

static bool nodefer_lets_it_nest(void)
{
    handle(SIGUSR1, nest, SA_NODEFER, 0);
    raise(SIGUSR1);
    CHECK_EQ(calls, 3);
    CHECK_EQ(deepest, 3);
    return true;
}

static bool handler_is_interrupted_by_another(void)
{
    handle(SIGUSR2, note, 0, 0);
    handle(SIGUSR1, raise_second, 0, 0);
    raise(SIGUSR1);
    CHECK(ordered == 3 && order[0] == SIGUSR1 && order[1] == SIGUSR2 && order[2] == -SIGUSR1);
    return true;
}

static bool sa_mask_keeps_the_other_out(void)
{
    handle(SIGUSR2, note, 0, 0);
    handle(SIGUSR1, raise_second, 0, SIGUSR2);
    raise(SIGUSR1);
    CHECK(ordered == 3 && order[0] == SIGUSR1 && order[1] == -SIGUSR1 && order[2] == SIGUSR2);
    return true;
}

static bool mask_is_restored_after_the_handler(void)
{
    sigset_t now;

    handle(SIGUSR1, note, 0, SIGUSR2);
    raise(SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
    CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
    return true;
}

/* Blocked before, open only inside sigsuspend, blocked again after. */
static bool sigsuspend_waits_with_its_own_mask(void)
{
    sigset_t set = only(SIGUSR1), open_mask, now;

    handle(SIGUSR1, note, 0, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    raise(SIGUSR1);
    CHECK_EQ(ordered, 0);
    sigemptyset(&open_mask);
    CHECK_FAILS(sigsuspend(&open_mask), EINTR);
    CHECK_EQ(ordered, 1);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
    CHECK(sigismember(&now, SIGUSR1));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    return true;
}

static bool pause_ends_with_a_handler(void)
{
    pid_t parent = getpid();

    handle(SIGUSR1, note, 0, 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* Again and again: the first may come before the parent sleeps. */
        for (int i = 0; i < 100 && getppid() == parent; i++) {
            sleep_ms(20);
            kill(parent, SIGUSR1);
        }
        _exit(0);
    }
    CHECK_FAILS(pause(), EINTR);
    CHECK(ordered >= 1);
    child_end(pid);
    return true;
}

static bool sigtimedwait_takes_without_a_handler(void)
{
    sigset_t set = only(SIGUSR2);
    struct timespec soon = {0, 20000000};
    siginfo_t info;

    handle(SIGUSR2, note, 0, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    raise(SIGUSR2);
    CHECK_EQ(sigtimedwait(&set, &info, &soon), SIGUSR2);
    CHECK_EQ(info.si_signo, SIGUSR2);
    CHECK_FAILS(sigtimedwait(&set, &info, &soon), EAGAIN);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    CHECK_EQ(ordered, 0);
    return true;
}

static bool blocked_by_the_parent_is_blocked_in_the_child(void)
{
    sigset_t set = only(SIGHUP), now;

    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_BLOCK, NULL, &now);
        _exit(sigismember(&now, SIGHUP) ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    return true;
}

int main(void)
{
    TEST(blocked_signal_waits_and_counts_once);
    TEST(realtime_signals_queue);
    TEST(mask_set_and_told_back);
    TEST(handler_blocks_its_own_signal);
    TEST(nodefer_lets_it_nest);
    TEST(handler_is_interrupted_by_another);
    TEST(sa_mask_keeps_the_other_out);
    TEST(mask_is_restored_after_the_handler);
    TEST(sigsuspend_waits_with_its_own_mask);
    TEST(pause_ends_with_a_handler);
    TEST(sigtimedwait_takes_without_a_handler);
    TEST(blocked_by_the_parent_is_blocked_in_the_child);
    return tap_done();
}
