// SPDX-License-Identifier: MIT
/*
 * epoll.c - one file that watches others: what is told, when, how often.    Not here: epoll_nested.c
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int epoll, ends[2];
static struct epoll_event got[8];

enum { LONG_MS = 20000 };

static bool make(void)
{
    epoll = epoll_create1(0);
    return epoll >= 0 && pipe(ends) == 0;
}

static void drop(void)
{
    close(epoll);
    close(ends[0]);
    close(ends[1]);
}

static int control(int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};

    return epoll_ctl(epoll, operation, fd, &event);
}

static int add(int fd, uint32_t events)
{
    return control(EPOLL_CTL_ADD, fd, events, 1000 + fd);
}

/* What is ready now; the first one is in got[0]. */
static int ready(void)
{
    return epoll_wait(epoll, got, 8, 0);
}

static bool put(int fd)
{
    return write(fd, "12345678", 8) == 8;
}

static bool take(int fd)
{
    char bytes[8];

    return read(fd, bytes, 8) == 8;
}

static bool level_is_told_as_long_as_it_lasts(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    CHECK_EQ(ready(), 0);
    CHECK(put(ends[1]));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ready(), 1);
        CHECK_EQ(got[0].events, EPOLLIN);
        CHECK_EQ(got[0].data.u64, 1000 + ends[0]);
    }
    CHECK(take(ends[0]));
    CHECK_EQ(ready(), 0);
    drop();
    return true;
}

static bool edge_is_told_once_per_event(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLET), 0);
    CHECK(put(ends[1]));
    CHECK_EQ(ready(), 1);
    CHECK_EQ(ready(), 0);
    CHECK(put(ends[1]));
    CHECK_EQ(ready(), 1);
    CHECK_EQ(ready(), 0);
    CHECK(take(ends[0]));
    CHECK_EQ(ready(), 0);
    drop();
    return true;
}

static bool edge_is_told_of_what_was_there_before(void)
{
    CHECK(make());
    CHECK(put(ends[1]));
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLET), 0);
    CHECK_EQ(ready(), 1);
    CHECK_EQ(ready(), 0);
    CHECK_EQ(control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 0), 0);
    CHECK_EQ(ready(), 1);
    CHECK_EQ(ready(), 0);
    drop();
    return true;
}

static bool edge_of_one_direction_is_not_told_of_the_other(void)
{
    CHECK(make());
    int fd = eventfd(5, EFD_SEMAPHORE);
    CHECK_EQ(add(fd, EPOLLIN | EPOLLET), 0);
    CHECK_EQ(ready(), 1);
    CHECK(take(fd));
    CHECK_EQ(ready(), 0);
    CHECK(write(fd, &(uint64_t){1}, 8) == 8);
    CHECK_EQ(ready(), 1);
    close(fd);
    drop();
    return true;
}

static bool oneshot_rests_until_it_is_armed_again(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLONESHOT), 0);
    CHECK(put(ends[1]));
    CHECK_EQ(ready(), 1);
    CHECK_EQ(ready(), 0);
    CHECK(put(ends[1]));
    close(ends[1]);
    CHECK_EQ(ready(), 0);
    CHECK_EQ(control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 7), 0);
    CHECK_EQ(ready(), 1);
    CHECK_EQ(got[0].events, EPOLLIN | EPOLLHUP);
    CHECK_EQ(got[0].data.u64, 7);
    CHECK_EQ(ready(), 0);
    drop();
    return true;
}

static bool hang_up_and_error_are_always_told(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], 0), 0);
    CHECK(put(ends[1]));
    CHECK_EQ(ready(), 0);
    close(ends[1]);
    CHECK_EQ(ready(), 1);
    CHECK_EQ(got[0].events, EPOLLHUP);
    close(ends[0]);
    CHECK_EQ(ready(), 0);
    CHECK(pipe(ends) == 0);
    CHECK_EQ(add(ends[1], 0), 0);
    close(ends[0]);
    CHECK_EQ(ready(), 1);
    CHECK_EQ(got[0].events, EPOLLERR);
    drop();
    return true;
}

static bool closed_file_is_no_longer_watched(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[1], EPOLLOUT), 0);
    int copy = dup(ends[1]);
    close(ends[1]);
    CHECK_EQ(ready(), 1);   // the file is open still
    close(copy);
    CHECK_EQ(ready(), 0);
    CHECK_EQ(dup2(ends[0], ends[1]), ends[1]);
    CHECK_FAILS(control(EPOLL_CTL_DEL, ends[1], 0, 0), ENOENT);
    drop();
    return true;
}

static bool one_file_by_two_numbers_is_told_twice(void)
{
    CHECK(make());
    int copy = dup(ends[1]);
    CHECK_EQ(add(ends[1], EPOLLOUT), 0);
    CHECK_EQ(add(copy, EPOLLOUT), 0);
    CHECK_EQ(ready(), 2);
    CHECK_EQ(got[0].data.u64 + got[1].data.u64, 2000 + ends[1] + copy);
    CHECK_EQ(control(EPOLL_CTL_DEL, copy, 0, 0), 0);
    CHECK_EQ(ready(), 1);
    close(copy);
    drop();
    return true;
}

static bool several_epolls_watch_one_file(void)
{
    CHECK(make());
    int first = epoll, second = epoll_create1(0), third = epoll_create1(0);
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    epoll = second;
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLET), 0);
    epoll = third;
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    close(third);
    CHECK(put(ends[1]));
    epoll = second;
    CHECK_EQ(ready(), 1);
    epoll = first;
    CHECK_EQ(ready(), 1);
    close(second);
    CHECK_EQ(ready(), 1);
    CHECK(take(ends[0]));
    CHECK_EQ(ready(), 0);
    drop();
    return true;
}

static bool ready_files_take_turns(void)
{
    int fds[4];
    unsigned seen = 0;

    CHECK(make());
    for (int i = 0; i < 4; i++) {
        fds[i] = eventfd(1, 0);
        CHECK_EQ(control(EPOLL_CTL_ADD, fds[i], EPOLLIN, i), 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(epoll_wait(epoll, got, 1, 0), 1);
        seen |= 1u << got[0].data.u32;
    }
    CHECK_EQ(seen, 15);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    drop();
    return true;
}

static bool sleeper_is_woken_by_an_event(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(epoll_wait(epoll, got, 8, LONG_MS) == 1 && got[0].events == EPOLLIN ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(put(ends[1]));
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool sleeper_is_woken_by_a_file_added_meanwhile(void)
{
    CHECK(make());
    pid_t pid = fork();
    if (pid == 0)
        _exit(epoll_wait(epoll, got, 8, LONG_MS) == 1 && got[0].events == EPOLLOUT ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK_EQ(add(ends[1], EPOLLOUT), 0);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

/* Each of many events wakes one of several sleepers, and in the end all have been told. */
static bool no_event_is_lost_among_several_sleepers(void)
{
    enum { SLEEPERS = 3, EVENTS = 300 };
    pid_t pids[SLEEPERS];
    int fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), done = eventfd(0, 0);

    CHECK(make());
    CHECK_EQ(add(fd, EPOLLIN), 0);
    for (int i = 0; i < SLEEPERS; i++) {
        pids[i] = fork();
        while (pids[i] == 0) {
            if (epoll_wait(epoll, got, 8, LONG_MS) != 1)
                _exit(1);
            if (take(fd) && write(done, &(uint64_t){1}, 8) != 8)
                _exit(1);
        }
    }
    for (int i = 0; i < EVENTS; i++)
        CHECK(write(fd, &(uint64_t){1}, 8) == 8);
    for (uint64_t sum = 0, more; sum < EVENTS; sum += more)
        CHECK_EQ(read(done, &more, 8), 8);
    for (int i = 0; i < SLEEPERS; i++)
        child_end(pids[i]);
    close(fd);
    close(done);
    drop();
    return true;
}

/* Edge-triggered, with a reader that always drains: the last byte always arrives. */
static bool edges_lose_nothing_in_a_race(void)
{
    enum { ROUNDS = 300 };

    CHECK(make());
    CHECK_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLET), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < ROUNDS; i++)
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
        _exit(0);
    }
    for (int total = 0; total < ROUNDS;) {
        char bytes[16];
        ssize_t length;
        CHECK_EQ(epoll_wait(epoll, got, 8, LONG_MS), 1);
        while ((length = read(ends[0], bytes, sizeof bytes)) > 0)
            total += length;
    }
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool exclusive_watchers_are_woken(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    CHECK(make());
    CHECK_EQ(add(fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
    CHECK_FAILS(control(EPOLL_CTL_MOD, fd, EPOLLIN, 0), EINVAL);
    CHECK_FAILS(control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
    CHECK_FAILS(add(ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
    int first = epoll, second = epoll_create1(0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(epoll_wait(first, got, 8, LONG_MS) == 1 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    epoll = second;
    CHECK_EQ(add(fd, EPOLLIN | EPOLLEXCLUSIVE), 0);     // nobody waits here: the other one must be told
    CHECK(write(fd, &(uint64_t){1}, 8) == 8);
    CHECK(exited_with(child_wait(pid), 0));
    close(first);
    close(fd);
    drop();
    return true;
}

static void nothing(int signo)
{
    (void)signo;
}

static bool signal_ends_the_wait_even_with_sa_restart(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    CHECK(make());
    sigaction(SIGUSR1, &action, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(epoll_wait(epoll, got, 8, -1) == -1 && errno == EINTR ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR1));
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static volatile int rang;

static void ring(int signo)
{
    (void)signo;
    rang++;
}

static bool pwait_takes_a_mask_for_the_wait_only(void)
{
    struct sigaction action = {.sa_handler = ring};
    struct timespec none = {0, 0};
    sigset_t all, empty, now;

    CHECK(make());
    sigaction(SIGUSR1, &action, NULL);
    sigfillset(&all);
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &all, NULL);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(epoll_pwait(epoll, got, 8, 0, &all), 0);
    CHECK_EQ(rang, 0);
    CHECK_FAILS(epoll_pwait(epoll, got, 8, LONG_MS, &empty), EINTR);
    CHECK_EQ(rang, 1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1));
    CHECK_EQ(syscall(SYS_epoll_pwait2, epoll, got, 8, &none, NULL, 0), 0);
    CHECK_FAILS(syscall(SYS_epoll_pwait2, epoll, got, 8, &none, &all, 4), EINVAL);
    none.tv_nsec = -1;
    CHECK_FAILS(syscall(SYS_epoll_pwait2, epoll, got, 8, &none, NULL, 0), EINVAL);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    drop();
    return true;
}

static bool timeout_is_not_early(void)
{
    long long start = now_ms();
    struct timespec time = {0, 20000000};

    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    CHECK_EQ(epoll_wait(epoll, got, 8, 20), 0);
    CHECK(now_ms() - start >= 19);
    CHECK_EQ(syscall(SYS_epoll_pwait2, epoll, got, 8, &time, NULL, 0), 0);
    CHECK(now_ms() - start >= 39);
    drop();
    return true;
}

static bool bad_address_loses_no_event(void)
{
    CHECK(make());
    CHECK_EQ(add(ends[0], EPOLLIN | EPOLLET), 0);
    CHECK(put(ends[1]));
    CHECK_FAILS(epoll_wait(epoll, (void *)8, 8, 0), EFAULT);
    CHECK_EQ(ready(), 1);
    drop();
    return true;
}

static bool bad_arguments_are_refused(void)
{
    int file = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_RDWR);

    CHECK(make());
    CHECK_FAILS(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_FAILS(epoll_create1(1), EINVAL);
    CHECK_FAILS(add(file, EPOLLIN), EPERM);
    CHECK_FAILS(add(null, EPOLLIN), EPERM);
    CHECK_FAILS(add(-1, EPOLLIN), EBADF);
    CHECK_FAILS(control(9, ends[0], EPOLLIN, 0), EINVAL);
    CHECK_FAILS(control(EPOLL_CTL_MOD, ends[0], EPOLLIN, 0), ENOENT);
    CHECK_FAILS(control(EPOLL_CTL_DEL, ends[0], EPOLLIN, 0), ENOENT);
    CHECK_EQ(add(ends[0], EPOLLIN), 0);
    CHECK_FAILS(add(ends[0], EPOLLIN), EEXIST);
    CHECK_FAILS(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], (void *)8), EFAULT);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL), 0);
    CHECK_FAILS(epoll_ctl(ends[1], EPOLL_CTL_ADD, ends[0], got), EINVAL);
    CHECK_FAILS(epoll_wait(ends[0], got, 8, 0), EINVAL);
    CHECK_FAILS(epoll_wait(epoll, got, 0, 0), EINVAL);
    CHECK_FAILS(epoll_wait(-1, got, 8, 0), EBADF);
    CHECK_FAILS(read(epoll, got, 8), EINVAL);
    close(file);
    close(null);
    drop();
    return true;
}

int main(void)
{
    TEST(level_is_told_as_long_as_it_lasts);
    TEST(edge_is_told_once_per_event);
    TEST(edge_is_told_of_what_was_there_before);
    TEST(edge_of_one_direction_is_not_told_of_the_other);
    TEST(oneshot_rests_until_it_is_armed_again);
    TEST(hang_up_and_error_are_always_told);
    TEST(closed_file_is_no_longer_watched);
    TEST(one_file_by_two_numbers_is_told_twice);
    TEST(several_epolls_watch_one_file);
    TEST(ready_files_take_turns);
    TEST(sleeper_is_woken_by_an_event);
    TEST(sleeper_is_woken_by_a_file_added_meanwhile);
    TEST(no_event_is_lost_among_several_sleepers);
    TEST(edges_lose_nothing_in_a_race);
    TEST(exclusive_watchers_are_woken);
    TEST(signal_ends_the_wait_even_with_sa_restart);
    TEST(pwait_takes_a_mask_for_the_wait_only);
    TEST(timeout_is_not_early);
    TEST(bad_address_loses_no_event);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
