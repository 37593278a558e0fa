// SPDX-License-Identifier: MIT
/*
 * cpu_timers.c - timers, sleeps and limits that go by CPU time: one's own, a thread's, another process's.
 *
 * Whoever burns counts by the clock itself, so that a busy machine only makes it last longer. A timer is never early.
 */
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000 };

#define LONG_MS 60000   // of CPU time: patience, never reached

static long long clock_ns(clockid_t clock)
{
    struct timespec now = {0};

    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long own_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void burn_ms(long milliseconds)
{
    long long end = own_ns() + (long long)milliseconds * MS;

    while (own_ns() < end)
        ;
}

static void *burn_for_ever(void *stop)
{
    while (!*(volatile bool *)stop)
        ;
    return NULL;
}

static int create_silent(clockid_t clock, int notify, int *id)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGUSR1};

    return syscall(SYS_timer_create, clock, &event, id);
}

static int set(int id, int flags, long long value_ns, long long interval_ns)
{
    struct itimerspec new = {
        .it_value = {value_ns / 1000000000, value_ns % 1000000000},
        .it_interval = {interval_ns / 1000000000, interval_ns % 1000000000},
    };

    return syscall(SYS_timer_settime, id, flags, &new, NULL);
}

static long long left(int id)
{
    struct itimerspec now;

    if (syscall(SYS_timer_gettime, id, &now) != 0)
        return -1;
    return now.it_value.tv_sec * 1000000000LL + now.it_value.tv_nsec;
}

/* SIGUSR1 is blocked throughout: it waits until it is looked at. */
static bool is_pending(int sig)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, sig);
}

static int take(siginfo_t *info)
{
    struct timespec none = {0};
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    return sigtimedwait(&one, info, &none);
}

/* Burn until the signal waits. => the CPU time then, or -1 */
static long long burn_until_pending(int sig)
{
    long long start = own_ns();

    while (!is_pending(sig)) {
        if (own_ns() > start + (long long)LONG_MS * MS)
            return -1;
    }
    return own_ns();
}

static clockid_t clock_of(pid_t pid)
{
    return (clockid_t)(~(unsigned)pid << 3 | 2);
}

/* ---- One's own ---- */

static bool timer_rings_after_its_cpu_time(void)
{
    long long start = own_ns();
    siginfo_t info;
    int id;

    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 60 * MS, 0), 0);
    CHECK(left(id) > 0 && left(id) <= 60 * MS);
    CHECK(burn_until_pending(SIGUSR1) >= start + 60 * MS);
    CHECK_EQ(take(&info), SIGUSR1);
    CHECK_EQ(info.si_code, SI_TIMER);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

static bool sleeping_does_not_bring_it_nearer(void)
{
    int id;

    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 500 * MS, 0), 0);
    for (int i = 0; i < 6; i++)
        sleep_ms(100);
    CHECK(!is_pending(SIGUSR1));
    CHECK(left(id) > 100 * MS);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

/* Whoever always sleeps before the tick comes is found nevertheless. */
static bool short_turns_are_counted(void)
{
    long long start = own_ns();
    int id;

    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 30 * MS, 0), 0);
    while (!is_pending(SIGUSR1) && own_ns() < start + (long long)LONG_MS * MS) {
        burn_ms(2);
        sleep_ms(1);
    }
    CHECK_EQ(take(NULL), SIGUSR1);
    CHECK(own_ns() >= start + 30 * MS);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

static bool repeated_timer_counts_its_overruns(void)
{
    siginfo_t info;
    int id;

    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 10 * MS, 10 * MS), 0);
    burn_ms(120);
    CHECK_EQ(take(&info), SIGUSR1);
    CHECK(info.si_overrun >= 8);
    CHECK(burn_until_pending(SIGUSR1) >= 0);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    CHECK_EQ(take(NULL), -1);
    return true;
}

static bool time_that_has_passed_rings_at_once(void)
{
    int id;

    burn_ms(5);
    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, TIMER_ABSTIME, 1, 0), 0);
    CHECK(burn_until_pending(SIGUSR1) >= 0);
    CHECK_EQ(take(NULL), SIGUSR1);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

/* ---- Threads ---- */

static bool process_timer_counts_all_threads(void)
{
    struct timespec patience = {60, 0};
    static volatile bool stop;
    pthread_t thread;
    sigset_t one;
    int id;

    CHECK_EQ(create_silent(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 50 * MS, 0), 0);
    CHECK_EQ(pthread_create(&thread, NULL, burn_for_ever, (void *)&stop), 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    int sig = sigtimedwait(&one, NULL, &patience); // asleep: the other one brings it
    stop = true;
    pthread_join(thread, NULL);
    CHECK_EQ(sig, SIGUSR1);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

static bool thread_timer_counts_its_thread_alone(void)
{
    long long start = clock_ns(CLOCK_THREAD_CPUTIME_ID), before = own_ns();
    static volatile bool stop;
    pthread_t thread;
    int id;

    CHECK_EQ(create_silent(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 200 * MS, 0), 0);
    CHECK_EQ(pthread_create(&thread, NULL, burn_for_ever, (void *)&stop), 0);
    while (own_ns() < before + 400 * MS)
        sleep_ms(10);
    bool rung = is_pending(SIGUSR1);
    long long own = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    stop = true;
    pthread_join(thread, NULL);
    CHECK(!rung || own >= 200 * MS);
    CHECK(burn_until_pending(SIGUSR1) >= 0);
    CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start >= 200 * MS);
    CHECK_EQ(take(NULL), SIGUSR1);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

/* ---- Another process ---- */

static pid_t start_burning(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            own_ns();
    }
    return pid;
}

static bool timer_goes_by_another_process(void)
{
    struct timespec patience = {60, 0};
    pid_t pid = start_burning();
    clockid_t clock;
    sigset_t one;
    int id;

    CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
    CHECK_EQ(clock, clock_of(pid));
    CHECK_EQ(create_silent(clock, SIGEV_SIGNAL, &id), 0);
    CHECK_EQ(set(id, 0, 50 * MS, 0), 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    int sig = sigtimedwait(&one, NULL, &patience);
    long long its = clock_ns(clock);
    child_end(pid);
    CHECK_EQ(sig, SIGUSR1);
    CHECK(its >= 50 * MS);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    return true;
}

static bool sleep_goes_by_another_process(void)
{
    struct timespec time = {0, 40 * MS}, none = {0}, wrong = {0, 1000000000};
    pid_t pid = start_burning();
    clockid_t clock = clock_of(pid);
    long long start = clock_ns(clock);

    CHECK_EQ(syscall(SYS_clock_nanosleep, clock, 0, &time, NULL), 0);
    bool slept = clock_ns(clock) >= start + 40 * MS;
    CHECK_EQ(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &time, NULL), 0); // has passed
    CHECK_EQ(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &none, NULL), 0);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, clock, 0, &wrong, NULL), EINVAL);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, clock, 0, 8, NULL), EFAULT);
    child_end(pid);
    CHECK(slept);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, clock, 0, &time, NULL), EINVAL);
    return true;
}

static void nothing(int sig)
{
    (void)sig;
}

static bool interrupted_sleep_tells_what_is_left(void)
{
    struct timespec time = {3600, 0}, rest = {0};
    struct sigaction action = {.sa_handler = nothing};
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {{0}, {0, 50000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, clock_of(pid), 0, &time, &rest), EINTR);
    CHECK(rest.tv_sec > 3590 && rest.tv_sec <= 3600);
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, clock_of(pid), TIMER_ABSTIME, &time, &rest), EINTR);
    child_end(pid);
    return true;
}

static bool clocks_that_are_not_there_are_refused(void)
{
    struct timespec time = {0, 1};
    pid_t pid = fork();
    int id, kept;

    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK_FAILS(create_silent((clockid_t)(~(unsigned)pid << 3 | 6), SIGEV_SIGNAL, &id), EINVAL); // not our thread
    CHECK_FAILS(create_silent(clock_of(999999), SIGEV_SIGNAL, &id), EINVAL);
    CHECK_FAILS(create_silent((clockid_t)(~0u << 3 | 7), SIGEV_SIGNAL, &id), EINVAL);
    CHECK_FAILS(create_silent((clockid_t)(~0u << 3 | 3), SIGEV_SIGNAL, &id), EOPNOTSUPP);
    CHECK_FAILS(create_silent(CLOCK_MONOTONIC_RAW, SIGEV_SIGNAL, &id), EOPNOTSUPP);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL), EOPNOTSUPP);
    CHECK_FAILS(syscall(SYS_clock_nanosleep, (clockid_t)(~0u << 3 | 6), 0, &time, NULL), EINVAL); // oneself
    CHECK_FAILS(syscall(SYS_clock_nanosleep, (clockid_t)(~0u << 3 | 3), 0, &time, NULL), EOPNOTSUPP);
    CHECK_EQ(create_silent(clock_of(pid), SIGEV_SIGNAL, &kept), 0);
    CHECK_EQ(set(kept, 0, 3600LL * 1000 * MS, 7 * MS), 0);
    child_end(pid);
    CHECK_FAILS(set(kept, 0, 1, 0), ESRCH);
    CHECK_EQ(left(kept), 0);
    CHECK_EQ(syscall(SYS_timer_delete, kept), 0);
    CHECK(clock_getcpuclockid(pid, &(clockid_t){0}) != 0);
    return true;
}

/* ---- Interval timers ---- */

static bool rings_and_is_not_early(int which, int sig)
{
    struct itimerval timer = {{0}, {0, 40000}}, now;
    long long start = own_ns();
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, sig);
    sigprocmask(SIG_BLOCK, &one, NULL);
    CHECK_EQ(setitimer(which, &timer, NULL), 0);
    CHECK_EQ(getitimer(which, &now), 0);
    CHECK(now.it_value.tv_usec > 0);
    CHECK(burn_until_pending(sig) >= start + 20 * MS); // Linux takes samples of these
    CHECK_EQ(sigtimedwait(&one, NULL, &(struct timespec){0}), sig);
    CHECK_EQ(getitimer(which, &now), 0);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
    return true;
}

static bool profiling_timer_counts_all_time(void)
{
    return rings_and_is_not_early(ITIMER_PROF, SIGPROF);
}

static bool virtual_timer_counts_time_in_user_mode(void)
{
    return rings_and_is_not_early(ITIMER_VIRTUAL, SIGVTALRM);
}

static volatile int profiled;

static void count_profile(int sig)
{
    (void)sig;
    profiled++;
}

/* Other timers that ring more often do not make it count faster. */
static bool repeated_timer_is_not_hurried_by_others(void)
{
    struct sigaction action = {.sa_handler = count_profile, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, 20000}, {0, 20000}}, often = {{0, 1000}, {0, 1000}}, none = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGPROF);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigaction(SIGPROF, &action, NULL);
    sigaction(SIGALRM, &ignore, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    long long start = own_ns();
    setitimer(ITIMER_PROF, &timer, NULL);
    while (profiled < 5 && own_ns() < start + (long long)LONG_MS * MS)
        ;
    long long used = own_ns() - start;
    setitimer(ITIMER_PROF, &none, NULL);
    setitimer(ITIMER_REAL, &none, NULL);
    CHECK(profiled >= 5);
    CHECK(used >= 50 * MS); // Linux takes samples of this one
    return true;
}

/* ---- The limit ---- */

static bool soft_limit_ends_a_process_that_does_not_care(void)
{
    struct rlimit limit = {1, RLIM_INFINITY};
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CPU, &limit);
        burn_ms(LONG_MS);
        _exit(0);
    }
    CHECK(killed_by(child_wait(pid), SIGXCPU));
    return true;
}

static volatile rlim_t moved_to;

static void note_limit(int sig)
{
    struct rlimit limit;

    (void)sig;
    if (moved_to == 0 && getrlimit(RLIMIT_CPU, &limit) == 0)
        moved_to = limit.rlim_cur;
}

/* Told once a second until the hard one ends it. The limit is inherited, the time is not. */
static bool hard_limit_ends_a_process(void)
{
    struct sigaction action = {.sa_handler = note_limit};
    struct rlimit limit = {1, 2};
    int tell[2];
    pid_t pid;

    CHECK_EQ(pipe(tell), 0);
    pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CPU, &limit);
        sigaction(SIGXCPU, &action, NULL);
        pid = fork();
        if (pid) {
            int status = child_wait(pid);
            _exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        }
        while (moved_to == 0 && own_ns() < (long long)LONG_MS * MS)
            ;
        rlim_t moved = moved_to;
        if (own_ns() < 500LL * MS)
            moved = 0;
        ssize_t put = write(tell[1], &moved, sizeof moved);
        burn_ms(put > 0 ? LONG_MS : 0);
        _exit(0);
    }
    rlim_t moved = 0;
    CHECK_EQ(read(tell[0], &moved, sizeof moved), sizeof moved);
    CHECK_EQ(moved, 2);
    CHECK(exited_with(child_wait(pid), SIGKILL));
    close(tell[0]);
    close(tell[1]);
    return true;
}

int main(void)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, NULL);
    TEST(timer_rings_after_its_cpu_time);
    TEST(sleeping_does_not_bring_it_nearer);
    TEST(short_turns_are_counted);
    TEST(repeated_timer_counts_its_overruns);
    TEST(time_that_has_passed_rings_at_once);
    TEST(process_timer_counts_all_threads);
    TEST(thread_timer_counts_its_thread_alone);
    TEST(timer_goes_by_another_process);
    TEST(sleep_goes_by_another_process);
    TEST(interrupted_sleep_tells_what_is_left);
    TEST(clocks_that_are_not_there_are_refused);
    TEST(profiling_timer_counts_all_time);
    TEST(virtual_timer_counts_time_in_user_mode);
    TEST(repeated_timer_is_not_hurried_by_others);
    TEST(soft_limit_ends_a_process_that_does_not_care);
    TEST(hard_limit_ends_a_process);
    return tap_done();
}
