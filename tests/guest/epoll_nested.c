// SPDX-License-Identifier: MIT
/*
 * epoll_nested.c - epolls that watch epolls: events rise through them; no circles, no towers.
 */
#include "tap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct epoll_event got[4];

enum { LONG_MS = 20000, TOWER = 6 };

static int add(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static bool put(int fd)
{
    return write(fd, &(uint64_t){1}, 8) == 8;
}

static bool take(int fd)
{
    uint64_t value;

    return read(fd, &value, 8) == 8;
}

static bool event_rises_through_two(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);

    CHECK_EQ(add(inner, fd, EPOLLIN), 0);
    CHECK_EQ(add(outer, inner, EPOLLIN), 0);
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 0);
    CHECK(put(fd));
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 1);
    CHECK_EQ(got[0].data.fd, inner);
    CHECK_EQ(got[0].events, EPOLLIN);
    CHECK_EQ(epoll_wait(inner, got, 4, 0), 1);
    CHECK_EQ(got[0].data.fd, fd);
    CHECK(take(fd));
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 0);
    close(fd);
    close(inner);
    close(outer);
    return true;
}

static bool sleeper_at_the_top_is_woken(void)
{
    int chain[4], fd = eventfd(0, 0);

    for (int i = 0; i < 4; i++) {
        chain[i] = epoll_create1(0);
        CHECK_EQ(add(chain[i], i == 0 ? fd : chain[i - 1], EPOLLIN), 0);
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(epoll_wait(chain[3], got, 4, LONG_MS) == 1 && got[0].data.fd == chain[2] ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(put(fd));
    CHECK(exited_with(child_wait(pid), 0));
    for (int i = 0; i < 4; i++)
        close(chain[i]);
    close(fd);
    return true;
}

static bool poll_waits_for_an_epoll(void)
{
    int epoll = epoll_create1(0), fd = eventfd(0, 0);
    struct pollfd one = {.fd = epoll, .events = POLLIN};

    CHECK_EQ(add(epoll, fd, EPOLLIN), 0);
    CHECK_EQ(poll(&one, 1, 0), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(poll(&one, 1, LONG_MS) == 1 && one.revents == POLLIN ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(put(fd));
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(take(fd));
    CHECK_EQ(poll(&one, 1, 0), 0);
    close(epoll);
    close(fd);
    return true;
}

static bool circle_is_refused(void)
{
    int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0);

    CHECK_FAILS(add(a, a, EPOLLIN), EINVAL);
    CHECK_EQ(add(a, b, EPOLLIN), 0);
    CHECK_FAILS(add(b, a, EPOLLIN), ELOOP);
    CHECK_EQ(add(b, c, EPOLLIN), 0);
    CHECK_FAILS(add(c, a, EPOLLIN), ELOOP);
    CHECK_EQ(epoll_ctl(a, EPOLL_CTL_DEL, b, NULL), 0);
    CHECK_EQ(add(c, a, EPOLLIN), 0);
    CHECK_FAILS(add(a, c, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    close(b);
    CHECK_EQ(epoll_wait(c, got, 4, 0), 0);
    close(a);
    CHECK_EQ(epoll_wait(c, got, 4, 0), 0);
    close(c);
    return true;
}

/* Five in a chain are allowed, built from either end or joined in the middle. */
static bool sixth_storey_is_refused(void)
{
    int tower[TOWER];

    for (int i = 0; i < TOWER; i++)
        tower[i] = epoll_create1(0);
    for (int i = 0; i + 2 < TOWER; i++)
        CHECK_EQ(add(tower[i], tower[i + 1], EPOLLIN), 0);
    CHECK_FAILS(add(tower[TOWER - 2], tower[TOWER - 1], EPOLLIN), ELOOP);
    CHECK_FAILS(add(tower[TOWER - 1], tower[0], EPOLLIN), ELOOP);
    CHECK_EQ(epoll_ctl(tower[0], EPOLL_CTL_DEL, tower[1], NULL), 0);
    CHECK_EQ(add(tower[TOWER - 2], tower[TOWER - 1], EPOLLIN), 0);
    CHECK_FAILS(add(tower[0], tower[1], EPOLLIN), ELOOP);
    for (int i = 0; i < TOWER; i++)
        close(tower[i]);
    return true;
}

/* More than 500 ways of two steps from one file would make a wake-up too long. */
static bool too_many_ways_up_are_refused(void)
{
    enum { LOWER = 25, UPPER = 21 };
    int lower[LOWER], upper[UPPER], fd = eventfd(0, 0), added = 0;

    for (int i = 0; i < LOWER; i++) {
        lower[i] = epoll_create1(0);
        CHECK_EQ(add(lower[i], fd, EPOLLIN), 0);
    }
    for (int i = 0; i < UPPER; i++) {
        upper[i] = epoll_create1(0);
        for (int j = 0; j < LOWER; j++)
            added += add(upper[i], lower[j], EPOLLIN) == 0;
    }
    CHECK_EQ(added, 500);
    CHECK(put(fd));
    CHECK_EQ(epoll_wait(upper[0], got, 4, 0), 4);
    CHECK_FAILS(add(upper[UPPER - 1], lower[0], EPOLLIN), EINVAL);
    for (int i = 0; i < LOWER; i++)
        close(lower[i]);
    for (int i = 0; i < UPPER; i++)
        close(upper[i]);
    close(fd);
    return true;
}

int main(void)
{
    TEST(event_rises_through_two);
    TEST(sleeper_at_the_top_is_woken);
    TEST(poll_waits_for_an_epoll);
    TEST(circle_is_refused);
    TEST(sixth_storey_is_refused);
    TEST(too_many_ways_up_are_refused);
    return tap_done();
}
