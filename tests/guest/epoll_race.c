// SPDX-License-Identifier: MIT
/*
 * epoll_race.c - threads that watch, write, collect and close the same files at the same time.
 *
 * What they see is up to the race; that nothing breaks and that what was there in the end is told is not.
 */
#include "tap.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ROUNDS = 400, LONG_MS = 20000 };

static int outer, inner;
static _Atomic bool stop;

static int add(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void *come_and_go(void *epoll)
{
    static const uint32_t ways[] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLOUT | EPOLLEXCLUSIVE};

    for (int i = 0; i < ROUNDS; i++) {
        int fd = eventfd(0, EFD_NONBLOCK);
        if (fd < 0 || add(*(int *)epoll, fd, ways[i % 4]) != 0 || write(fd, &(uint64_t){1}, 8) != 8)
            return "a step failed";
        if (i % 3 == 0)
            epoll_ctl(*(int *)epoll, EPOLL_CTL_DEL, fd, NULL);
        close(fd);
    }
    return NULL;
}

static void *collect(void *epoll)
{
    struct epoll_event events[4];
    struct pollfd one = {.fd = *(int *)epoll, .events = POLLIN};

    while (!stop) {
        if (epoll_wait(*(int *)epoll, events, 4, 1) < 0 || poll(&one, 1, 0) < 0)
            return "collecting failed";
    }
    return NULL;
}

static void *join_and_part(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        int other = epoll_create1(0);
        if (other < 0 || add(other, inner, EPOLLIN) != 0 || add(outer, other, EPOLLIN | EPOLLET) != 0)
            return "a step failed";
        if (add(inner, outer, EPOLLIN) == 0)
            return "a circle was allowed";
        close(other);
    }
    return NULL;
}

static bool files_come_and_go_while_others_collect(void)
{
    struct epoll_event event;
    pthread_t threads[6];
    void *complaint;
    int last = eventfd(0, 0);

    outer = epoll_create1(0);
    inner = epoll_create1(0);
    CHECK(outer >= 0 && inner >= 0 && add(outer, inner, EPOLLIN) == 0);
    CHECK_EQ(pthread_create(&threads[0], NULL, come_and_go, &inner), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, come_and_go, &inner), 0);
    CHECK_EQ(pthread_create(&threads[2], NULL, come_and_go, &outer), 0);
    CHECK_EQ(pthread_create(&threads[3], NULL, join_and_part, NULL), 0);
    CHECK_EQ(pthread_create(&threads[4], NULL, collect, &inner), 0);
    CHECK_EQ(pthread_create(&threads[5], NULL, collect, &outer), 0);
    for (int i = 0; i < 6; i++) {
        stop = i >= 4;
        CHECK_EQ(pthread_join(threads[i], &complaint), 0);
        if (complaint)
            diag("%s", (char *)complaint);
        CHECK(complaint == NULL);
    }
    CHECK_EQ(add(inner, last, EPOLLIN), 0);
    CHECK_EQ(epoll_wait(outer, &event, 1, 0), 0);
    CHECK(write(last, &(uint64_t){1}, 8) == 8);
    CHECK_EQ(epoll_wait(outer, &event, 1, LONG_MS), 1);
    CHECK_EQ(event.data.fd, inner);
    close(last);
    close(outer);
    close(inner);
    return true;
}

/* The epoll itself goes while its files are written to. */
static void *write_much(void *fd)
{
    for (int i = 0; i < ROUNDS; i++)
        if (write(*(int *)fd, &(uint64_t){1}, 8) != 8)
            return "writing failed";
    return NULL;
}

static bool epolls_come_and_go_while_others_write(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    pthread_t writer;
    void *complaint;

    CHECK_EQ(pthread_create(&writer, NULL, write_much, &fd), 0);
    for (int i = 0; i < ROUNDS / 4; i++) {
        struct epoll_event event;
        int epoll = epoll_create1(0), above = epoll_create1(0);
        CHECK(add(epoll, fd, EPOLLIN | EPOLLET) == 0 && add(above, epoll, EPOLLIN) == 0);
        CHECK(epoll_wait(above, &event, 1, 0) >= 0);
        close(i % 2 ? epoll : above);
        close(i % 2 ? above : epoll);
    }
    CHECK_EQ(pthread_join(writer, &complaint), 0);
    CHECK(complaint == NULL);
    close(fd);
    return true;
}

int main(void)
{
    TEST(files_come_and_go_while_others_collect);
    TEST(epolls_come_and_go_while_others_write);
    return tap_done();
}
