// SPDX-License-Identifier: MIT
/*
 * signals.c - signals arrive, as often and in the order that they should, and disturb nothing.
 */
#include "soak.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURNS_MAX = 60, QUEUED_MAX = 30, STORM_MAX = 200, CHILDREN = 8 };

static volatile sig_atomic_t taken;

static void count(int signo)
{
    (void)signo;
    taken++;
}

static void handle(int signo, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(signo, &action, NULL);
}

static sigset_t block(int signo)
{
    sigset_t set, old;

    sigemptyset(&set);
    sigaddset(&set, signo);
    sigprocmask(SIG_BLOCK, &set, &old);
    return old;
}

/* ---- Turns: each waits for the other's signal. One that is lost stops both. ---- */

struct turns {
    pid_t other;
    int number;
    sigset_t open;
};

static void wait_for(const struct turns *turns, int signals_taken)
{
    while (taken < signals_taken)
        sigsuspend(&turns->open);
}

static int answer(void *argument)
{
    struct turns *turns = argument;

    for (int i = 1; i <= turns->number; i++) {
        wait_for(turns, i);
        if (taken != i || kill(turns->other, SIGUSR1) < 0)
            return 1;
    }
    return 0;
}

static bool take_turns(struct random *random)
{
    struct turns turns = {.other = getpid(), .number = 1 + random_below(random, TURNS_MAX)};

    taken = 0;
    handle(SIGUSR1, count);
    turns.open = block(SIGUSR1);
    pid_t child = start_child(answer, &turns);
    for (int i = 1; i <= turns.number; i++) {
        CHECK(child_signal(child, SIGUSR1));
        wait_for(&turns, i);
        CHECK_EQ(taken, i);
    }
    CHECK(ends_with(child, 0));
    sigprocmask(SIG_SETMASK, &turns.open, NULL);
    handle(SIGUSR1, SIG_DFL);
    return true;
}

/* ---- Queue: real-time signals are not merged, and keep their order ---- */

static int take_queue(void *argument)
{
    int number = *(int *)argument;
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    for (int i = 0; i < number; i++) {
        if (sigwaitinfo(&set, &info) != SIGRTMIN + 1 || info.si_value.sival_int != i || info.si_pid != getppid())
            return 1;
    }
    return 0;
}

static bool queue(struct random *random)
{
    int number = 1 + random_below(random, QUEUED_MAX);
    sigset_t old = block(SIGRTMIN + 1);
    pid_t child = start_child(take_queue, &number);

    CHECK(child > 0);
    for (int i = 0; i < number; i++) {
        CHECK(sigqueue(child, SIGRTMIN + 1, (union sigval){.sival_int = i}) == 0);
        if (random_one_in(random, 8))
            sched_yield();
    }
    CHECK(ends_with(child, 0));
    sigprocmask(SIG_SETMASK, &old, NULL);
    return true;
}

/* ---- Storm: a computation is not disturbed by the handlers that run in it ---- */

static volatile double from_handler;

static void compute_otherwise(int signo)
{
    double sum = signo;

    for (int i = 1; i < 20; i++)
        sum += 1.0 / i;
    from_handler = sum;
    taken++;
}

static double compute(unsigned steps)
{
    double sum = 0, sign = 1;

    for (unsigned i = 0; i < steps; i++, sign = -sign)
        sum += sign / (2 * i + 1);
    return sum;
}

static int calculate(void *argument)
{
    double wanted = *(double *)argument;

    for (int i = 0; i < 300; i++) {
        if (compute(1000) != wanted)
            return 1;
    }
    return 0;
}

static bool storm(struct random *random)
{
    double wanted = compute(1000);

    handle(SIGUSR2, compute_otherwise);
    pid_t child = start_child(calculate, &wanted);
    for (int i = random_below(random, STORM_MAX); i > 0; i--) {
        CHECK(child_signal(child, SIGUSR2));
        if (random_one_in(random, 4))
            sched_yield();
    }
    CHECK(ends_with(child, 0));
    handle(SIGUSR2, SIG_DFL);
    return true;
}

/* ---- Timer: an alarm wakes whoever waits for it ---- */

static bool alarms(struct random *random)
{
    struct itimerval timer = {.it_value.tv_usec = 1 + random_below(random, 3000)};
    sigset_t old;

    taken = 0;
    handle(SIGALRM, count);
    old = block(SIGALRM);
    if (random_one_in(random, 2))
        timer.it_interval.tv_usec = 1000;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    int wanted = timer.it_interval.tv_usec ? 4 : 1;
    while (taken < wanted)
        sigsuspend(&old);
    timer = (struct itimerval){0};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    handle(SIGALRM, SIG_DFL);
    return true;
}

/* ---- Children: SIGCHLD may be merged, but then the children are all there ---- */

static int exit_at_once(void *argument)
{
    return *(int *)argument;
}

static bool reap_in_sigsuspend(struct random *random)
{
    int number = 1 + random_below(random, CHILDREN), reaped = 0, status;
    sigset_t old;

    handle(SIGCHLD, count);
    old = block(SIGCHLD);
    for (int i = 0; i < number; i++)
        CHECK(start_child(exit_at_once, &i) > 0);
    while (reaped < number) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        CHECK(pid >= 0);
        if (pid == 0)
            sigsuspend(&old);
        else
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) < number);
        reaped += pid > 0;
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    handle(SIGCHLD, SIG_DFL);
    return true;
}

static bool round_of_signals(struct random *random)
{
    static bool (*const kinds[])(struct random *) = {take_turns, queue, storm, alarms, reap_in_sigsuspend};

    return kinds[random_below(random, sizeof kinds / sizeof *kinds)](random);
}

const struct mixture signals = {"signals", round_of_signals, 3};

/* ---- Stops: stopped, continued, as wait tells it ---- */

static int count_for_ever(void *argument)
{
    volatile unsigned *counter = argument;

    for (;;)
        ++*counter;
    return 1;
}

static bool stop_and_continue(pid_t child)
{
    int status;

    CHECK(kill(child, SIGSTOP) == 0);
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED | WNOHANG) == 0);
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    return true;
}

static bool round_of_stops(struct random *random)
{
    volatile unsigned *counter = shared_map(PAGE);

    CHECK(counter);
    pid_t child = start_child(count_for_ever, (void *)counter);
    CHECK(child > 0);
    for (unsigned i = 1 + random_below(random, 4); i > 0; i--) {
        CHECK(stop_and_continue(child));
        for (unsigned seen = *counter; *counter == seen;)
            sched_yield();
    }
    if (random_one_in(random, 2))
        CHECK(kill(child, SIGSTOP) == 0);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(dies_of(child, SIGKILL));
    munmap((void *)counter, PAGE);
    return true;
}

const struct mixture stops = {"stops", round_of_stops, 1};
