// SPDX-License-Identifier: MIT
/*
 * posix_timer.c - timers that send signals: when, how often, to whom; and who inherits them.
 */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000 };

#ifndef SIGEV_THREAD_ID
#define SIGEV_THREAD_ID 4
#endif

/* Numbers as the kernel gives them; the C library wraps them. */
static int create(clockid_t clock, int notify, int sig, int value, int *id)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = sig, .sigev_value.sival_int = value};

    if (notify & SIGEV_THREAD_ID)
        event.sigev_notify_thread_id = syscall(SYS_gettid);
    return syscall(SYS_timer_create, clock, &event, id);
}

static int set(int id, int flags, long long value_ns, long long interval_ns, struct itimerspec *old)
{
    struct itimerspec new = {
        .it_value = {value_ns / 1000000000, value_ns % 1000000000},
        .it_interval = {interval_ns / 1000000000, interval_ns % 1000000000},
    };

    return syscall(SYS_timer_settime, id, flags, &new, old);
}

static long long left(int id)
{
    struct itimerspec now;

    if (syscall(SYS_timer_gettime, id, &now) != 0)
        return -1;
    return now.it_value.tv_sec * 1000000000LL + now.it_value.tv_nsec;
}

static int delete(int id)
{
    return syscall(SYS_timer_delete, id);
}

static int overrun(int id)
{
    return syscall(SYS_timer_getoverrun, id);
}

static sigset_t blocked(int sig)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, sig);
    sigprocmask(SIG_BLOCK, &one, NULL);
    return one;
}

/* Wait for a blocked signal, for up to `ms`; 0 if none came. */
static int await(const sigset_t *signals, siginfo_t *info, long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * MS};
    int sig = sigtimedwait(signals, info, &time);

    return sig > 0 ? sig : 0;
}

static bool signal_tells_its_timer(void)
{
    sigset_t signals = blocked(SIGUSR1);
    long long start = now_ms();
    siginfo_t info;
    int id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 4711, &id), 0);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(set(id, 0, 30 * MS, 0, NULL), 0);
    CHECK(left(id) > 0);
    CHECK_EQ(await(&signals, &info, 20000), SIGUSR1);
    CHECK(now_ms() - start >= 29);
    CHECK_EQ(info.si_code, SI_TIMER);
    CHECK_EQ(info.si_timerid, id);
    CHECK_EQ(info.si_value.sival_int, 4711);
    CHECK_EQ(info.si_overrun, 0);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(await(&signals, &info, 50), 0);
    CHECK_EQ(delete(id), 0);
    CHECK_FAILS(delete(id), EINVAL);
    return true;
}

static bool default_is_sigalrm_with_the_number(void)
{
    sigset_t signals = blocked(SIGALRM);
    siginfo_t info;
    int first, id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &first), 0);
    CHECK_EQ(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id), 0);
    CHECK(id != first);
    CHECK_EQ(set(id, 0, 1, 0, NULL), 0);
    CHECK_EQ(await(&signals, &info, 20000), SIGALRM);
    CHECK_EQ(info.si_value.sival_int, id);
    CHECK(delete(id) == 0 && delete(first) == 0);
    return true;
}

static bool overruns_count_what_was_not_taken(void)
{
    sigset_t signals = blocked(SIGRTMIN);
    siginfo_t info;
    int id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 0, &id), 0);
    CHECK_EQ(set(id, 0, 1 * MS, 1 * MS, NULL), 0);
    sleep_ms(60);
    CHECK_EQ(await(&signals, &info, 20000), SIGRTMIN);
    CHECK(info.si_overrun >= 40);
    CHECK_EQ(overrun(id), info.si_overrun);
    CHECK_EQ(await(&signals, &info, 20000), SIGRTMIN);  // it goes on
    CHECK_EQ(delete(id), 0);
    return true;
}

static bool shortest_interval_does_not_hang_the_machine(void)
{
    sigset_t signals = blocked(SIGUSR1);
    siginfo_t info;
    int id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
    CHECK_EQ(set(id, 0, 1, 1, NULL), 0);
    sleep_ms(5);
    CHECK_EQ(await(&signals, &info, 20000), SIGUSR1);
    CHECK(info.si_overrun > 1000000);
    signal(SIGUSR1, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    sleep_ms(5);
    CHECK_EQ(set(id, 0, 0, 0, NULL), 0);
    CHECK_EQ(delete(id), 0);
    return true;
}

static volatile int rings;

static void ring(int signo)
{
    (void)signo;
    rings++;
}

static bool ignored_timer_is_heard_later(void)
{
    long long end = now_ms() + 20000;
    int id;

    signal(SIGUSR2, SIG_IGN);
    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0, &id), 0);
    CHECK_EQ(set(id, 0, 1 * MS, 1 * MS, NULL), 0);
    sleep_ms(20);
    signal(SIGUSR2, ring);
    while (rings < 3 && now_ms() < end)
        sleep_ms(1);
    CHECK(rings >= 3);
    CHECK_EQ(delete(id), 0);
    sleep_ms(5);
    rings = 0;
    sleep_ms(30);
    CHECK_EQ(rings, 0);
    return true;
}

static bool two_timers_with_one_signal_both_arrive(void)
{
    sigset_t signals = blocked(SIGUSR1);
    siginfo_t first, second;
    int ids[2];

    for (int i = 0; i < 2; i++) {
        CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, i, &ids[i]), 0);
        CHECK_EQ(set(ids[i], 0, 1, 0, NULL), 0);
    }
    sleep_ms(20);
    CHECK_EQ(await(&signals, &first, 20000), SIGUSR1);
    CHECK_EQ(await(&signals, &second, 20000), SIGUSR1);
    CHECK_EQ(first.si_value.sival_int + second.si_value.sival_int, 1);
    CHECK(delete(ids[0]) == 0 && delete(ids[1]) == 0);
    return true;
}

static bool settime_tells_the_old_setting(void)
{
    struct itimerspec old;
    int id;

    CHECK_EQ(create(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
    CHECK_EQ(set(id, 0, 900000LL * MS, 5 * MS, &old), 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0 && old.it_interval.tv_nsec == 0);
    CHECK_EQ(set(id, 0, 0, 0, &old), 0);
    CHECK(old.it_value.tv_sec >= 800 && old.it_value.tv_sec <= 900);
    CHECK_EQ(old.it_interval.tv_nsec, 5 * MS);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(delete(id), 0);
    return true;
}

static bool silent_timer_can_be_looked_at(void)
{
    int id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id), 0);
    CHECK_EQ(set(id, 0, 1 * MS, 0, NULL), 0);
    sleep_ms(20);
    CHECK_EQ(left(id), 0);
    CHECK_EQ(set(id, 0, 1 * MS, 1000000LL * MS, NULL), 0);
    sleep_ms(20);
    CHECK(left(id) > 900000LL * MS);
    CHECK_EQ(delete(id), 0);
    return true;
}

static bool absolute_time_in_the_past_rings_at_once(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    sigset_t signals = blocked(SIGUSR1);
    siginfo_t info;

    for (int i = 0; i < 3; i++) {
        int id;
        CHECK_EQ(create(clocks[i], SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
        CHECK_EQ(set(id, TIMER_ABSTIME, 1, 0, NULL), 0);
        CHECK_EQ(await(&signals, &info, 20000), SIGUSR1);
        CHECK_EQ(delete(id), 0);
    }
    return true;
}

static bool child_inherits_none(void)
{
    int id;

    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(delete(id) == -1 && errno == EINVAL ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(delete(id), 0);
    return true;
}

/* The program that exec starts is this one, with an argument: it finds no timer, and no signal of one. */
static int after_exec(int id)
{
    sigset_t signals = blocked(SIGUSR1);
    siginfo_t info;

    return left(id) == -1 && errno == EINVAL && await(&signals, &info, 50) == 0 ? 0 : 1;
}

static bool exec_deletes_them(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        char number[16] = "0";
        int id;
        blocked(SIGUSR1);
        if (create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id) != 0 || set(id, 0, 1, 1 * MS, NULL) != 0)
            _exit(2);
        sleep_ms(5);
        number[0] += id;
        execl(self_path, self_path, number, NULL);
        _exit(3);
    }
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

static void *wait_for_signal(void *seen)
{
    sigset_t signals = blocked(SIGUSR1);
    siginfo_t info;
    int id;

    if (create(CLOCK_MONOTONIC, SIGEV_SIGNAL | SIGEV_THREAD_ID, SIGUSR1, 0, &id) != 0 || set(id, 0, 10 * MS, 0, NULL))
        return NULL;
    *(bool *)seen = await(&signals, &info, 20000) == SIGUSR1;
    delete(id);
    return NULL;
}

/* The main thread would take it with a handler, if it were sent to the process. */
static bool signal_goes_to_the_named_thread(void)
{
    sigset_t one = blocked(SIGUSR1);
    bool seen = false;
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, &seen), 0);
    signal(SIGUSR1, ring);
    rings = 0;
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    pthread_join(thread, NULL);
    CHECK(seen);
    CHECK_EQ(rings, 0);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    struct itimerspec bad = {.it_value = {0, 1000000000}};
    int id;

    CHECK_FAILS(create(99, SIGEV_NONE, 0, 0, &id), EINVAL);
    CHECK_FAILS(create(CLOCK_MONOTONIC_RAW, SIGEV_NONE, 0, 0, &id), EOPNOTSUPP);
    CHECK_FAILS(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0, &id), EINVAL);
    CHECK_FAILS(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0, &id), EINVAL);
    CHECK_FAILS(create(CLOCK_MONOTONIC, 3, SIGUSR1, 0, &id), EINVAL);
    event.sigev_notify_thread_id = getppid();
    CHECK_FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
    CHECK_FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &id), EFAULT);
    CHECK_FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)8), EFAULT);
    CHECK_EQ(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id), 0);
    CHECK_FAILS(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
    CHECK_FAILS(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    CHECK_FAILS(syscall(SYS_timer_settime, id, 0, (void *)8, NULL), EFAULT);
    CHECK_EQ(delete(id), 0);
    CHECK_FAILS(set(id, 0, 1, 0, NULL), EINVAL);
    CHECK_FAILS(left(id), EINVAL);
    CHECK_FAILS(overrun(id), EINVAL);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return after_exec(argv[1][0] - '0');
    self_from(argv[0]);
    TEST(signal_tells_its_timer);
    TEST(default_is_sigalrm_with_the_number);
    TEST(overruns_count_what_was_not_taken);
    TEST(shortest_interval_does_not_hang_the_machine);
    TEST(ignored_timer_is_heard_later);
    TEST(two_timers_with_one_signal_both_arrive);
    TEST(settime_tells_the_old_setting);
    TEST(silent_timer_can_be_looked_at);
    TEST(absolute_time_in_the_past_rings_at_once);
    TEST(child_inherits_none);
    TEST(exec_deletes_them);
    TEST(signal_goes_to_the_named_thread);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
