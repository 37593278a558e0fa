// SPDX-License-Identifier: MIT
/*
 * signal_restart.c - a system call that sleeps when a signal comes: EINTR, or begun again.
 */
#include "tap.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int calls;

static void count(int signo)
{
    (void)signo;
    calls++;
}

/* Every 20 ms, so that one surely comes while we sleep. */
static void ticks(int flags)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    struct itimerval timer = {{0, 20000}, {0, 20000}};

    sigaction(SIGALRM, &action, NULL);
    calls = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void no_ticks(void)
{
    struct itimerval none = {0};

    setitimer(ITIMER_REAL, &none, NULL);
}

static pid_t writer_after(int to, long milliseconds)
{
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(milliseconds);
        _exit(write(to, "x", 1) != 1);
    }
    return pid;
}

static bool read_without_restart_is_eintr(void)
{
    int ends[2];
    char byte;

    CHECK(pipe(ends) == 0);
    ticks(0);
    ssize_t got = read(ends[0], &byte, 1);
    int error = errno;
    no_ticks();
    CHECK(got == -1 && error == EINTR && calls >= 1);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool read_with_restart_goes_on(void)
{
    int ends[2];
    char byte = 0;

    CHECK(pipe(ends) == 0);
    pid_t pid = writer_after(ends[1], 150);
    ticks(SA_RESTART);
    ssize_t got = read(ends[0], &byte, 1);
    no_ticks();
    CHECK_EQ(got, 1);
    CHECK(byte == 'x' && calls >= 1);
    CHECK(exited_with(child_wait(pid), 0));
    close(ends[0]);
    close(ends[1]);
    return true;
}

static pid_t exits_after(long milliseconds)
{
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(milliseconds);
        _exit(4);
    }
    return pid;
}

static bool wait_follows_the_flag_too(void)
{
    int status;
    pid_t pid = exits_after(400);

    ticks(0);
    pid_t got = waitpid(pid, &status, 0);
    int error = errno;
    no_ticks();
    CHECK(got == -1 && error == EINTR);
    ticks(SA_RESTART);
    got = waitpid(pid, &status, 0);
    no_ticks();
    CHECK(got == pid && exited_with(status, 4));
    return true;
}

/* These never begin again, whatever the flag. */
static bool poll_and_pause_are_eintr_even_with_restart(void)
{
    ticks(SA_RESTART);
    int got = poll(NULL, 0, 3000), error = errno;
    CHECK(got == -1 && error == EINTR);
    got = pause();
    error = errno;
    no_ticks();
    CHECK(got == -1 && error == EINTR);
    return true;
}

static bool nanosleep_tells_what_is_left(void)
{
    struct timespec whole = {3, 0}, left = {0, 0};

    ticks(SA_RESTART);
    int got = nanosleep(&whole, &left), error = errno;
    no_ticks();
    CHECK(got == -1 && error == EINTR);
    CHECK(left.tv_sec < 3 && (left.tv_sec > 0 || left.tv_nsec > 0));
    CHECK(left.tv_nsec >= 0 && left.tv_nsec < 1000000000);
    return true;
}

static bool ignored_signal_interrupts_nothing(void)
{
    struct timespec whole = {0, 100000000};

    ticks(0);
    signal(SIGALRM, SIG_IGN);
    int got = nanosleep(&whole, NULL);
    no_ticks();
    CHECK_EQ(got, 0);
    return true;
}

static bool interrupted_write_tells_what_it_wrote(void)
{
    static char many[256 * 1024];
    int ends[2];

    CHECK(pipe(ends) == 0);
    ticks(0);
    ssize_t done = write(ends[1], many, sizeof many);
    no_ticks();
    CHECK(done > 0 && done < (ssize_t)sizeof many);
    close(ends[0]);
    close(ends[1]);
    return true;
}

int main(void)
{
    TEST(read_without_restart_is_eintr);
    TEST(read_with_restart_goes_on);
    TEST(wait_follows_the_flag_too);
    TEST(poll_and_pause_are_eintr_even_with_restart);
    TEST(nanosleep_tells_what_is_left);
    TEST(ignored_signal_interrupts_nothing);
    TEST(interrupted_write_tells_what_it_wrote);
    return tap_done();
}
