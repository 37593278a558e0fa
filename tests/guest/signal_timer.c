// SPDX-License-Identifier: MIT
/*
 * signal_timer.c - alarm and the real interval timer.
 *
 * Lower bounds are exact, upper ones generous: an emulated machine may be slow, never early.
 */
#include "tap.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int rings;

static void ring(int signo)
{
    (void)signo;
    rings++;
}

static void set_timer(long first_us, long every_us)
{
    struct itimerval none = {0}, timer = {{0, every_us}, {0, first_us}};

    setitimer(ITIMER_REAL, &none, NULL);
    rings = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Wait for that many rings, at most half a minute. */
static bool wait_for(int count)
{
    long long end = now_ms() + 30000;

    while (rings < count && now_ms() < end)
        usleep(2000);
    return rings >= count;
}

static bool one_shot_rings_once_and_not_early(void)
{
    long long start = now_ms();

    set_timer(50000, 0);
    CHECK(wait_for(1));
    CHECK(now_ms() - start >= 49);
    sleep_ms(100);
    CHECK_EQ(rings, 1);
    return true;
}

static bool interval_rings_again_and_again(void)
{
    long long start = now_ms();

    set_timer(10000, 10000);
    CHECK(wait_for(5));
    CHECK(now_ms() - start >= 49);
    set_timer(0, 0);
    sleep_ms(40);
    CHECK_EQ(rings, 0);
    return true;
}

static bool timer_tells_what_is_left(void)
{
    struct itimerval old = {0}, none = {0};

    set_timer(900000, 123000);
    CHECK(getitimer(ITIMER_REAL, &old) == 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec > 100000 && old.it_value.tv_usec <= 900000);
    CHECK_EQ(old.it_interval.tv_usec, 123000);
    CHECK(setitimer(ITIMER_REAL, &none, &old) == 0);
    CHECK(old.it_value.tv_usec > 0);
    CHECK(getitimer(ITIMER_REAL, &old) == 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    return true;
}

static bool alarm_rings_after_its_seconds(void)
{
    long long start = now_ms();

    rings = 0;
    CHECK_EQ(alarm(1), 0);
    CHECK(wait_for(1));
    CHECK(now_ms() - start >= 990);
    return true;
}

static bool alarm_of_zero_cancels_and_tells_the_rest(void)
{
    alarm(100);
    unsigned left = alarm(0);
    CHECK(left >= 99 && left <= 100);
    CHECK_EQ(alarm(0), 0);
    return true;
}

static bool child_has_no_timer(void)
{
    struct itimerval now = {{1, 1}, {1, 1}};

    CHECK(getitimer(ITIMER_REAL, &now) == 0);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
    return true;
}

static bool timers_are_not_inherited(void)
{
    alarm(50);
    CHECK_CHILD(child_has_no_timer);
    alarm(0);
    return true;
}

static bool timer_rings_in_a_busy_program(void)
{
    long long end = now_ms() + 30000;

    set_timer(30000, 0);
    while (!rings && now_ms() < end)
        ;
    CHECK_EQ(rings, 1);
    return true;
}

static bool wrong_times_are_refused(void)
{
    struct itimerval wrong = {{0, 0}, {0, 1000000}};

    CHECK_FAILS(setitimer(ITIMER_REAL, &wrong, NULL), EINVAL);
    CHECK_FAILS(getitimer(7, &wrong), EINVAL);
    return true;
}

int main(void)
{
    struct sigaction action = {.sa_handler = ring, .sa_flags = SA_RESTART};

    sigaction(SIGALRM, &action, NULL);
    TEST(one_shot_rings_once_and_not_early);
    TEST(interval_rings_again_and_again);
    TEST(timer_tells_what_is_left);
    TEST(alarm_rings_after_its_seconds);
    TEST(alarm_of_zero_cancels_and_tells_the_rest);
    TEST(timers_are_not_inherited);
    TEST(timer_rings_in_a_busy_program);
    TEST(wrong_times_are_refused);
    return tap_done();
}
