// SPDX-License-Identifier: MIT
/*
 * timerfd.c - a timer whose expirations are read.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct itimerspec spec(long value_ns, long interval_ns)
{
    return (struct itimerspec){
        .it_value = {value_ns / 1000000000, value_ns % 1000000000},
        .it_interval = {interval_ns / 1000000000, interval_ns % 1000000000},
    };
}

enum { MS = 1000000 };

static uint64_t take(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

static short ready(int fd, int timeout)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    return poll(&one, 1, timeout) > 0 ? one.revents : 0;
}

static bool one_shot_is_read_once_and_not_early(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = spec(30 * MS, 0), left;
    long long start = now_ms();

    CHECK(fd >= 0);
    CHECK_EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
    CHECK_EQ(take(fd), 1);
    CHECK(now_ms() - start >= 29);
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(take(fd), 0);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(timerfd_gettime(fd, &left), 0);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
    close(fd);
    return true;
}

static bool interval_counts_what_nobody_read(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec often = spec(1 * MS, 2 * MS);

    CHECK_EQ(timerfd_settime(fd, 0, &often, NULL), 0);
    sleep_ms(50);
    CHECK(take(fd) >= 20);
    CHECK(take(fd) >= 1);
    CHECK(take(fd) >= 1);
    close(fd);
    return true;
}

static bool shortest_interval_does_not_hang_the_machine(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec at_once = spec(1, 1);

    CHECK_EQ(timerfd_settime(fd, 0, &at_once, NULL), 0);
    sleep_ms(5);
    CHECK(take(fd) >= 5000000 - 1);
    close(fd);
    return true;
}

static bool settime_tells_what_was_left(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec far = spec(900L * 1000 * MS, 7 * MS), none = spec(0, 0), old;

    CHECK_EQ(timerfd_settime(fd, 0, &far, &old), 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    CHECK_EQ(timerfd_gettime(fd, &old), 0);
    CHECK(old.it_value.tv_sec >= 800 && old.it_value.tv_sec <= 900);
    CHECK_EQ(old.it_interval.tv_nsec, 7 * MS);
    CHECK_EQ(timerfd_settime(fd, 0, &none, &old), 0);
    CHECK(old.it_value.tv_sec >= 800);
    CHECK_EQ(ready(fd, 0), 0);
    CHECK_EQ(take(fd), 0);
    CHECK_EQ(errno, EAGAIN);
    close(fd);
    return true;
}

static bool absolute_time_in_the_past_rings_at_once(clockid_t clock)
{
    int fd = timerfd_create(clock, 0);
    struct itimerspec past = spec(1, 0);

    CHECK(fd >= 0);
    CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL), 0);
    CHECK_EQ(take(fd), 1);
    close(fd);
    return true;
}

static bool absolute_times_of_all_clocks(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};

    for (int i = 0; i < 3; i++) {
        struct itimerspec when = spec(0, 0);
        struct timespec now;
        int fd = timerfd_create(clocks[i], 0);

        if (!absolute_time_in_the_past_rings_at_once(clocks[i]))
            return false;
        clock_gettime(clocks[i], &when.it_value);
        when.it_value.tv_nsec += 20 * MS;
        if (when.it_value.tv_nsec >= 1000000000) {
            when.it_value.tv_sec++;
            when.it_value.tv_nsec -= 1000000000;
        }
        CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL), 0);
        CHECK_EQ(take(fd), 1);
        clock_gettime(clocks[i], &now);
        CHECK(now.tv_sec > when.it_value.tv_sec
              || (now.tv_sec == when.it_value.tv_sec && now.tv_nsec >= when.it_value.tv_nsec));
        close(fd);
    }
    return true;
}

static bool poll_wakes_when_it_rings(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = spec(20 * MS, 0);

    CHECK_EQ(ready(fd, 0), 0);
    CHECK_EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
    CHECK_EQ(ready(fd, 20000), POLLIN);
    CHECK_EQ(take(fd), 1);
    CHECK_EQ(ready(fd, 0), 0);
    close(fd);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), pipe_ends[2];
    struct itimerspec bad = spec(5, 0), good = spec(5, 0), out;
    char small[4];

    CHECK_FAILS(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    CHECK_FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    bad.it_value.tv_nsec = 1000000000;
    CHECK_FAILS(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
    bad.it_value.tv_nsec = -1;
    CHECK_FAILS(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
    CHECK_FAILS(timerfd_settime(fd, 4, &good, NULL), EINVAL);
    CHECK_FAILS(timerfd_settime(fd, 0, (void *)8, NULL), EFAULT);
    CHECK_FAILS(timerfd_settime(-1, 0, &good, NULL), EBADF);
    CHECK_FAILS(read(fd, small, sizeof small), EINVAL);
    CHECK_FAILS(write(fd, "12345678", 8), EINVAL);
    CHECK(pipe(pipe_ends) == 0);
    CHECK_FAILS(timerfd_settime(pipe_ends[0], 0, &good, NULL), EINVAL);
    CHECK_FAILS(timerfd_gettime(pipe_ends[0], &out), EINVAL);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close(fd);
    return true;
}

static void ignore(int signo)
{
    (void)signo;
}

static bool signal_ends_the_wait(void)
{
    struct sigaction action = {.sa_handler = ignore};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pid_t pid;

    sigaction(SIGUSR1, &action, NULL);
    pid = fork();
    if (pid == 0)
        _exit(take(fd) == 0 && errno == EINTR ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR1));
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
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
static bool setting_the_wall_clock_moves_its_timers(void)
{
    int due = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), told = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    int after = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), since_boot = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec hour = spec(0, 0), length = spec(3600L * 1000 * MS, 0), at;

    NEEDS_GAUR();
    clock_gettime(CLOCK_REALTIME, &hour.it_value);
    hour.it_value.tv_sec += 3600;
    at = hour;
    at.it_value.tv_sec += 7200;
    CHECK_EQ(timerfd_settime(due, TFD_TIMER_ABSTIME, &hour, NULL), 0);
    CHECK_EQ(timerfd_settime(told, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL), 0);
    CHECK_EQ(timerfd_settime(after, 0, &length, NULL), 0);
    CHECK_EQ(timerfd_settime(since_boot, 0, &length, NULL), 0);
    CHECK_EQ(ready(due, 0), 0);
    shift_wall_clock(3700);
    short rang = ready(due, 20000), cancelled = ready(told, 20000);
    shift_wall_clock(-3700);
    CHECK_EQ(rang, POLLIN);
    CHECK_EQ(take(due), 1);
    CHECK_EQ(cancelled, POLLIN);
    CHECK_EQ(take(told), 0);
    CHECK_EQ(errno, ECANCELED);
    CHECK_EQ(ready(after, 0), 0);
    CHECK_EQ(ready(since_boot, 0), 0);
    close(due);
    close(told);
    close(after);
    close(since_boot);
    return true;
}

int main(void)
{
    TEST(one_shot_is_read_once_and_not_early);
    TEST(interval_counts_what_nobody_read);
    TEST(shortest_interval_does_not_hang_the_machine);
    TEST(settime_tells_what_was_left);
    TEST(absolute_times_of_all_clocks);
    TEST(poll_wakes_when_it_rings);
    TEST(bad_arguments_are_refused);
    TEST(signal_ends_the_wait);
    TEST(setting_the_wall_clock_moves_its_timers);
    return tap_done();
}
