// SPDX-License-Identifier: MIT
/*
 * clocks.c - time goes on, and sleeping takes as long as asked.
 *
 * Lower bounds are exact, upper ones generous: an emulated machine may be slow, never early.
 */
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long ns_of(clockid_t clock)
{
    struct timespec now;

    /* The raw call, so that a vDSO does not stand in for it. */
    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool monotonic_time_never_goes_back(void)
{
    long long before = ns_of(CLOCK_MONOTONIC), first = before;

    for (int i = 0; i < 10000; i++) {
        long long now = ns_of(CLOCK_MONOTONIC);
        CHECK(now >= before);
        before = now;
    }
    CHECK(before > first);
    return true;
}

static bool nanoseconds_are_below_a_second(void)
{
    struct timespec now;

    for (int i = 0; i < 1000; i++) {
        CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
        CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    }
    return true;
}

static bool wall_clock_is_in_this_century(void)
{
    struct timeval by_day;
    time_t now = time(NULL);

    CHECK(now > 1704067200 && now < 4102444800);
    CHECK(syscall(SYS_gettimeofday, &by_day, NULL) == 0);
    CHECK(by_day.tv_sec >= now && by_day.tv_sec <= now + 5);
    CHECK(by_day.tv_usec >= 0 && by_day.tv_usec < 1000000);
    return true;
}

static bool clocks_advance_alike(void)
{
    long long wall = ns_of(CLOCK_REALTIME), monotonic = ns_of(CLOCK_MONOTONIC);

    sleep_ms(200);
    long long wall_took = ns_of(CLOCK_REALTIME) - wall, monotonic_took = ns_of(CLOCK_MONOTONIC) - monotonic;
    long long difference = wall_took > monotonic_took ? wall_took - monotonic_took : monotonic_took - wall_took;
    CHECK(monotonic_took >= 200000000 && difference < 100000000);
    return true;
}

static bool sleep_is_never_short_and_rarely_long(void)
{
    for (int i = 1; i <= 5; i++) {
        struct timespec time = {0, i * 7000000};
        long long start = ns_of(CLOCK_MONOTONIC);
        CHECK(nanosleep(&time, NULL) == 0);
        long long took = ns_of(CLOCK_MONOTONIC) - start;
        CHECK(took >= time.tv_nsec && took < 2000000000);
    }
    return true;
}

static bool sleep_until_waits_for_its_time(void)
{
    struct timespec until;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += 50000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
    CHECK(ns_of(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000LL + until.tv_nsec);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
    return true;
}

static bool wrong_times_are_refused(void)
{
    struct timespec negative = {-1, 0}, too_many = {0, 1000000000}, now;

    CHECK_FAILS(nanosleep(&negative, NULL), EINVAL);
    CHECK_FAILS(nanosleep(&too_many, NULL), EINVAL);
    CHECK_FAILS(syscall(SYS_clock_gettime, 999, &now), EINVAL);
    return true;
}

static bool resolution_is_told(void)
{
    struct timespec step;

    CHECK(clock_getres(CLOCK_MONOTONIC, &step) == 0);
    CHECK(step.tv_sec == 0 && step.tv_nsec > 0);
    return true;
}

static void spin_ms(long milliseconds)
{
    long long end = now_ms() + milliseconds;

    while (now_ms() < end)
        ;
}

/* Until we have had that much of a processor, which on a busy machine takes longer. */
static bool work_ms(long milliseconds)
{
    long long end = ns_of(CLOCK_PROCESS_CPUTIME_ID) + milliseconds * 1000000, patience = now_ms() + 5000;

    while (ns_of(CLOCK_PROCESS_CPUTIME_ID) < end && now_ms() < patience)
        ;
    return ns_of(CLOCK_PROCESS_CPUTIME_ID) >= end;
}

static bool processor_time_counts_work_and_not_sleep(void)
{
    long long start = ns_of(CLOCK_PROCESS_CPUTIME_ID);

    sleep_ms(150);
    long long slept = ns_of(CLOCK_PROCESS_CPUTIME_ID) - start;
    CHECK(slept < 100000000);
    CHECK(work_ms(50));
    return true;
}

static bool childrens_time_is_added_when_they_are_waited_for(void)
{
    struct tms before, after;
    struct rusage usage;

    CHECK(times(&before) != -1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(work_ms(60) ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(times(&after) != -1);
    CHECK(after.tms_cutime + after.tms_cstime > before.tms_cutime + before.tms_cstime);
    CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
    CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 0);
    CHECK_FAILS(getrusage(77, &usage), EINVAL);
    return true;
}

/* The parent asks for nothing but a short sleep; a child that never stops must not keep it away. */
static bool spinning_child_does_not_stop_the_others(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            ;
    }
    long long start = now_ms();
    for (int i = 0; i < 10; i++)
        sleep_ms(5);
    long long took = now_ms() - start;
    child_signal(pid, SIGKILL);
    CHECK(killed_by(child_wait(pid), SIGKILL));
    CHECK(took < 3000);
    return true;
}

/* Pipes as counters: each spinner writes a byte now and then; both must have got somewhere. */
static bool spinners_share_the_processor(void)
{
    enum { SPINNERS = 3 };
    int counts[SPINNERS] = {0}, ends[2];
    pid_t pids[SPINNERS];
    unsigned char number;

    CHECK(pipe(ends) == 0);
    for (int i = 0; i < SPINNERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            number = i;
            for (;;) {
                spin_ms(10);
                if (write(ends[1], &number, 1) != 1)
                    _exit(1);
            }
        }
    }
    for (int i = 0; i < 60; i++) {
        CHECK_EQ(read(ends[0], &number, 1), 1);
        counts[number]++;
    }
    for (int i = 0; i < SPINNERS; i++) {
        child_end(pids[i]);
    }
    close(ends[0]);
    close(ends[1]);
    diag("turns: %d %d %d", counts[0], counts[1], counts[2]);
    CHECK(counts[0] > 3 && counts[1] > 3 && counts[2] > 3);
    return true;
}

static bool yield_returns(void)
{
    for (int i = 0; i < 100; i++)
        CHECK_EQ(sched_yield(), 0);
    return true;
}

static void shift_wall_clock(long seconds)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += seconds;
    clock_settime(CLOCK_REALTIME, &now);
}

/* Not on Linux, where the clock is everyone's. */
static bool sleep_until_a_wall_time_ends_when_the_clock_is_set_past_it(void)
{
    struct timespec until;

    NEEDS_GAUR();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 3600;
    pid_t pid = fork();
    if (pid == 0)
        _exit(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
    bool asleep = child_in_state(pid, 'S');
    shift_wall_clock(3700);
    int status = child_wait(pid);
    shift_wall_clock(-3700);
    CHECK(asleep);
    CHECK(exited_with(status, 0));
    return true;
}

int main(void)
{
    TEST(monotonic_time_never_goes_back);
    TEST(nanoseconds_are_below_a_second);
    TEST(wall_clock_is_in_this_century);
    TEST(clocks_advance_alike);
    TEST(sleep_is_never_short_and_rarely_long);
    TEST(sleep_until_waits_for_its_time);
    TEST(sleep_until_a_wall_time_ends_when_the_clock_is_set_past_it);
    TEST(wrong_times_are_refused);
    TEST(resolution_is_told);
    TEST(processor_time_counts_work_and_not_sleep);
    TEST(childrens_time_is_added_when_they_are_waited_for);
    TEST(spinning_child_does_not_stop_the_others);
    TEST(spinners_share_the_processor);
    TEST(yield_returns);
    return tap_done();
}
