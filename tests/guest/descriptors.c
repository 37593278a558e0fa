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
    TEST(root_may_have_32768_descriptors);
    return tap_done();
}
