// SPDX-License-Identifier: MIT
/*
 * descriptors.c - dup, fcntl, and what fork and close do to descriptors.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fresh(void)
{
    return open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static bool dup_shares_position_and_flags(void)
{
    int fd = fresh(), copy = dup(fd);

    CHECK(copy > fd);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), 3);
    CHECK(fcntl(copy, F_SETFL, O_APPEND) == 0);
    CHECK(fcntl(fd, F_GETFL) & O_APPEND);
    close(fd);
    CHECK_EQ(write(copy, "d", 1), 1);
    close(copy);
    CHECK_FAILS(dup(copy), EBADF);
    return true;
}

static bool dup2_replaces_and_is_idle_on_itself(void)
{
    int fd = fresh(), other = open("/dev/null", O_RDWR);

    CHECK_EQ(dup2(fd, other), other);
    CHECK_EQ(write(other, "xy", 2), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
    CHECK_EQ(dup2(fd, fd), fd);
    CHECK_FAILS(dup2(999, other), EBADF);
    CHECK_EQ(write(other, "z", 1), 1);
    CHECK_FAILS(dup2(fd, -1), EBADF);
    CHECK_EQ(dup2(fd, 77), 77);
    close(77);
    close(fd);
    close(other);
    return true;
}

static bool dup3_sets_close_on_exec_and_refuses_itself(void)
{
    int fd = fresh();

    CHECK_EQ(dup3(fd, 50, O_CLOEXEC), 50);
    CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    CHECK_FAILS(dup3(fd, fd, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_dup3, fd, 51, 0x1), EINVAL);
    close(50);
    close(fd);
    return true;
}

static bool fcntl_dupfd_takes_the_first_from(void)
{
    int fd = fresh(), high = fcntl(fd, F_DUPFD, 40), higher = fcntl(fd, F_DUPFD_CLOEXEC, 40);

    CHECK_EQ(high, 40);
    CHECK_EQ(higher, 41);
    CHECK_EQ(fcntl(higher, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(higher, F_SETFD, 0) == 0);
    CHECK_EQ(fcntl(higher, F_GETFD), 0);
    CHECK_FAILS(fcntl(fd, F_DUPFD, -1), EINVAL);
    CHECK_FAILS(fcntl(fd, 9999, 0), EINVAL);
    CHECK_FAILS(fcntl(999, F_GETFD), EBADF);
    close(high);
    close(higher);
    close(fd);
    return true;
}

static bool setfl_changes_what_may_change_only(void)
{
    int fd = fresh();

    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY) == 0);
    int flags = fcntl(fd, F_GETFL);
    CHECK_EQ(flags & O_ACCMODE, O_RDWR);
    CHECK(flags & O_NONBLOCK);
    close(fd);
    return true;
}

static int inherited;

static bool closing_child(void)
{
    CHECK(close(inherited) == 0);
    CHECK_FAILS(write(inherited, "x", 1), EBADF);
    return true;
}

static bool close_in_the_child_leaves_the_parents(void)
{
    inherited = fresh();
    CHECK_CHILD(closing_child);
    CHECK_EQ(write(inherited, "x", 1), 1);
    close(inherited);
    return true;
}

/* Numbers about which a kernel's tables grow: of 13 descriptors at first, then of 64 at a time. */
static const int numbers[] = {12, 13, 14, 63, 64, 65, 76, 77, 127, 128, 300};

#define NUMBERS ((int)(sizeof numbers / sizeof numbers[0]))

static bool each_number_names_the_file(void)
{
    for (int i = 0; i < NUMBERS; i++) {
        CHECK_EQ(fcntl(numbers[i], F_GETFD), i % 2 ? FD_CLOEXEC : 0);
        CHECK_EQ(lseek(numbers[i], 0, SEEK_CUR), 5);
    }
    CHECK_FAILS(fcntl(15, F_GETFD), EBADF);
    CHECK_FAILS(fcntl(66, F_GETFD), EBADF);
    CHECK_FAILS(fcntl(301, F_GETFD), EBADF);
    return true;
}

static bool closes_and_takes_numbers_anew(void)
{
    CHECK(each_number_names_the_file());
    CHECK(close(64) == 0);
    CHECK(close(300) == 0);
    CHECK_EQ(fcntl(12, F_DUPFD, 64), 64);
    CHECK_EQ(fcntl(12, F_DUPFD, 299), 299);
    return true;
}

static bool high_numbers_stay_what_they_are_and_fork_copies_them(void)
{
    int fd = fresh();

    CHECK_EQ(write(fd, "12345", 5), 5);
    for (int i = 0; i < NUMBERS; i++)
        CHECK_EQ(dup3(fd, numbers[i], i % 2 ? O_CLOEXEC : 0), numbers[i]);
    CHECK(each_number_names_the_file());
    CHECK_CHILD(closes_and_takes_numbers_anew);
    CHECK(each_number_names_the_file());
    for (int i = 13; i < 300; i++)
        close(i);
    CHECK_EQ(lseek(12, 0, SEEK_CUR), 5);
    CHECK_FAILS(lseek(128, 0, SEEK_CUR), EBADF);
    CHECK_EQ(lseek(300, 0, SEEK_CUR), 5);
    CHECK(close(12) == 0);
    CHECK(close(300) == 0);
    close(fd);
    return true;
}

/* More than a table has room for at first, and than it has after that. */
static bool numbers_go_up_and_the_lowest_is_taken_again(void)
{
    int fd = fresh(), made[140], last = fd;

    for (int i = 0; i < 140; i++) {
        made[i] = dup(fd);
        CHECK(made[i] > last);
        last = made[i];
    }
    CHECK_EQ(close(made[70]), 0);
    CHECK_EQ(dup(fd), made[70]);
    for (int i = 0; i < 140; i++)
        CHECK_EQ(close(made[i]), 0);
    close(fd);
    return true;
}

/* /proc/sys/fs/nr_open. */
static rlim_t limit_of_limits(void)
{
    FILE *file = fopen("/proc/sys/fs/nr_open", "re");
    unsigned long most = 0;

    if (!file || fscanf(file, "%lu", &most) != 1)
        most = 0;
    if (file)
        fclose(file);
    return most;
}

static bool root_may_have_32768_descriptors(void)
{
    struct rlimit limit = {32768, 32768}, above = {limit_of_limits() + 1, limit_of_limits() + 1};
    int fd = fresh();

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        SKIP("needs the right to raise limits");
    CHECK_EQ(dup2(fd, 32767), 32767);
    CHECK_EQ(write(32767, "x", 1), 1);
    CHECK_FAILS(dup2(fd, 32768), EBADF);
    CHECK_FAILS(fcntl(fd, F_DUPFD, 32767), EMFILE);
    CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &above), EPERM);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(dup_shares_position_and_flags);
    TEST(dup2_replaces_and_is_idle_on_itself);
    TEST(dup3_sets_close_on_exec_and_refuses_itself);
    TEST(fcntl_dupfd_takes_the_first_from);
    TEST(setfl_changes_what_may_change_only);
    TEST(close_in_the_child_leaves_the_parents);
    TEST(high_numbers_stay_what_they_are_and_fork_copies_them);
    TEST(numbers_go_up_and_the_lowest_is_taken_again);
    TEST(root_may_have_32768_descriptors);
    return tap_done();
}
