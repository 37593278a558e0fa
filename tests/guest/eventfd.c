// SPDX-License-Identifier: MIT
/*
 * eventfd.c - a number that writes add to and reads take.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint64_t most = UINT64_MAX - 1;

static bool put(int fd, uint64_t value)
{
    return write(fd, &value, sizeof value) == sizeof value;
}

/* What a read takes, or 0 with errno. */
static uint64_t take(int fd)
{
    uint64_t value = 0;

    return read(fd, &value, sizeof value) == sizeof value ? value : 0;
}

static short ready(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&one, 1, 0) > 0 ? one.revents : 0;
}

static bool read_takes_the_sum_of_writes(void)
{
    int fd = eventfd(3, EFD_NONBLOCK);

    CHECK(fd >= 0);
    CHECK(put(fd, 4) && put(fd, 5));
    CHECK_EQ(take(fd), 12);
    CHECK_EQ(take(fd), 0);
    CHECK_EQ(errno, EAGAIN);
    close(fd);
    return true;
}

static bool semaphore_gives_one_at_a_time(void)
{
    int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);

    CHECK(fd >= 0);
    CHECK_EQ(take(fd), 1);
    CHECK_EQ(take(fd), 1);
    CHECK_EQ(take(fd), 0);
    CHECK_EQ(errno, EAGAIN);
    close(fd);
    return true;
}

static bool number_never_overflows(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    CHECK(put(fd, most));
    CHECK(!put(fd, 1));
    CHECK_EQ(errno, EAGAIN);
    CHECK(!put(fd, UINT64_MAX));
    CHECK_EQ(errno, EINVAL);
    CHECK(put(fd, 0));
    CHECK_EQ(take(fd), most);
    close(fd);
    return true;
}

static bool sizes_and_flags_are_checked(void)
{
    char small[7];
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_FAILS(read(fd, small, sizeof small), EINVAL);
    CHECK_FAILS(write(fd, small, sizeof small), EINVAL);
    CHECK_FAILS(write(fd, (void *)8, 8), EFAULT);
    CHECK_EQ(take(fd), 1);
    CHECK_FAILS(eventfd(0, 2), EINVAL);
    close(fd);
    return true;
}

static bool longer_buffer_gets_eight_bytes(void)
{
    uint64_t values[4] = {0, 7, 7, 7};
    int fd = eventfd(9, 0);

    CHECK_EQ(read(fd, values, sizeof values), 8);
    CHECK(values[0] == 9 && values[1] == 7);
    close(fd);
    return true;
}

static bool poll_tells_what_would_not_wait(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    CHECK_EQ(ready(fd), POLLOUT);
    CHECK(put(fd, 1));
    CHECK_EQ(ready(fd), POLLIN | POLLOUT);
    CHECK(put(fd, most - 1));
    CHECK_EQ(ready(fd), POLLIN);
    close(fd);
    return true;
}

static bool reader_asleep_is_woken(void)
{
    int fd = eventfd(0, 0);
    pid_t pid = fork();

    if (pid == 0)
        _exit(take(fd) == 42 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(put(fd, 42));
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    return true;
}

static bool writer_asleep_is_woken(void)
{
    int fd = eventfd(0, 0);

    CHECK(put(fd, most));
    pid_t pid = fork();
    if (pid == 0)
        _exit(put(fd, 5) ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK_EQ(take(fd), most);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(take(fd), 5);
    close(fd);
    return true;
}

/* Two processes add to one number and take from another: nothing is lost, whoever sleeps when. */
static bool thousand_hand_overs_lose_nothing(void)
{
    int there = eventfd(0, 0), back = eventfd(0, 0);
    pid_t pid = fork();

    if (pid == 0) {
        for (uint64_t sum = 0; sum < 1000;) {
            uint64_t got = take(there);
            sum += got;
            if (got == 0 || !put(back, got))
                _exit(1);
        }
        _exit(0);
    }
    uint64_t returned = 0;
    for (int i = 0; i < 1000; i++) {
        CHECK(put(there, 1));
        if (i % 3 == 0)
            returned += take(back);
    }
    while (returned < 1000)
        returned += take(back);
    CHECK_EQ(returned, 1000);
    CHECK(exited_with(child_wait(pid), 0));
    close(there);
    close(back);
    return true;
}

int main(void)
{
    TEST(read_takes_the_sum_of_writes);
    TEST(semaphore_gives_one_at_a_time);
    TEST(number_never_overflows);
    TEST(sizes_and_flags_are_checked);
    TEST(longer_buffer_gets_eight_bytes);
    TEST(poll_tells_what_would_not_wait);
    TEST(reader_asleep_is_woken);
    TEST(writer_asleep_is_woken);
    TEST(thousand_hand_overs_lose_nothing);
    return tap_done();
}
