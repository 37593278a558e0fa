// SPDX-License-Identifier: MIT
/*
 * poll_select.c - waiting for several descriptors at once, for as long as asked.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static bool make(void)
{
    signal(SIGPIPE, SIG_IGN);
    return pipe(ends) == 0;
}

static void drop(void)
{
    close(ends[0]);
    close(ends[1]);
}

static short ready(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};

    return poll(&one, 1, 0) > 0 ? one.revents : 0;
}

static bool poll_tells_the_state_of_a_pipe(void)
{
    CHECK(make());
    CHECK_EQ(ready(ends[0], POLLIN), 0);
    CHECK_EQ(ready(ends[1], POLLOUT), POLLOUT);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(ready(ends[0], POLLIN), POLLIN);
    close(ends[1]);
    CHECK_EQ(ready(ends[0], POLLIN), POLLIN | POLLHUP);
    close(ends[0]);
    CHECK(make());
    close(ends[0]);
    CHECK(ready(ends[1], POLLOUT) & POLLERR);
    close(ends[1]);
    CHECK_EQ(ready(ends[1], POLLIN), POLLNVAL);
    return true;
}

static bool full_pipe_is_not_writable(void)
{
    static char many[PAGE];

    CHECK(make());
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], many, sizeof many) > 0)
        ;
    CHECK_EQ(ready(ends[1], POLLOUT), 0);
    drop();
    return true;
}

static bool files_and_null_are_always_ready(void)
{
    int fd = open("/dev/null", O_RDWR);

    CHECK_EQ(ready(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
    close(fd);
    return true;
}

static bool poll_waits_for_its_time_out(void)
{
    struct pollfd one;
    long long start = now_ms();

    CHECK(make());
    one = (struct pollfd){.fd = ends[0], .events = POLLIN};
    CHECK_EQ(poll(&one, 1, 60), 0);
    CHECK(now_ms() - start >= 59);
    CHECK_EQ(poll(NULL, 0, 1), 0);
    drop();
    return true;
}

static pid_t writes_after(long milliseconds)
{
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(milliseconds);
        _exit(write(ends[1], "x", 1) != 1);
    }
    return pid;
}

static bool poll_is_woken_by_a_writer(void)
{
    CHECK(make());
    struct pollfd two[2] = {{.fd = -1, .events = POLLIN}, {.fd = ends[0], .events = POLLIN}};
    pid_t pid = writes_after(40);
    CHECK_EQ(poll(two, 2, 5000), 1);
    CHECK(two[0].revents == 0 && two[1].revents == POLLIN);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool poll_is_woken_by_the_other_end_closing(void)
{
    CHECK(make());
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(40);
        _exit(0);
    }
    close(ends[1]);
    struct pollfd one = {.fd = ends[0], .events = POLLIN};
    CHECK_EQ(poll(&one, 1, 5000), 1);
    CHECK(one.revents & POLLHUP);
    CHECK(exited_with(child_wait(pid), 0));
    close(ends[0]);
    return true;
}

static bool select_tells_which_are_ready(void)
{
    fd_set in, out;
    struct timeval none = {0, 0}, some = {0, 50000};
    long long start = now_ms();

    CHECK(make());
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK_EQ(select(ends[1] + 1, &in, NULL, NULL, &some), 0);
    CHECK(now_ms() - start >= 49);
    CHECK(!FD_ISSET(ends[0], &in));
    CHECK_EQ(write(ends[1], "x", 1), 1);
    FD_SET(ends[0], &in);
    FD_ZERO(&out);
    FD_SET(ends[1], &out);
    CHECK_EQ(select(ends[1] + 1, &in, &out, NULL, &none), 2);
    CHECK(FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    drop();
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK_FAILS(select(ends[0] + 1, &in, NULL, NULL, &none), EBADF);
    CHECK_FAILS(select(-1, NULL, NULL, NULL, &none), EINVAL);
    return true;
}

static bool select_is_woken_by_a_writer(void)
{
    struct timeval long_time = {5, 0};
    fd_set in;

    CHECK(make());
    pid_t pid = writes_after(40);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    /* The raw call: it writes back what is left, and the library hides that. */
    CHECK_EQ(syscall(SYS_select, ends[0] + 1, &in, NULL, NULL, &long_time), 1);
    CHECK(long_time.tv_sec < 5);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

int main(void)
{
    TEST(poll_tells_the_state_of_a_pipe);
    TEST(full_pipe_is_not_writable);
    TEST(files_and_null_are_always_ready);
    TEST(poll_waits_for_its_time_out);
    TEST(poll_is_woken_by_a_writer);
    TEST(poll_is_woken_by_the_other_end_closing);
    TEST(select_tells_which_are_ready);
    TEST(select_is_woken_by_a_writer);
    return tap_done();
}
