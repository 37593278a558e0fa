// SPDX-License-Identifier: MIT
/*
 * flock.c - locks of whole files, which belong to the open file.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

static int first, second;

static bool make(void)
{
    first = open("locked", O_RDWR | O_CREAT, 0600);
    second = open("locked", O_RDONLY);
    return first >= 0 && second >= 0;
}

static void drop(void)
{
    close(first);
    close(second);
}

static bool shared_and_exclusive(void)
{
    CHECK(make());
    CHECK_EQ(flock(first, LOCK_SH), 0);
    CHECK_EQ(flock(second, LOCK_SH), 0);
    CHECK_FAILS(flock(first, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(second, LOCK_UN), 0);
    CHECK_EQ(flock(first, LOCK_EX | LOCK_NB), 0);
    CHECK_FAILS(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(first, LOCK_SH | LOCK_NB), 0);
    CHECK_EQ(flock(second, LOCK_SH | LOCK_NB), 0);
    drop();
    return true;
}

/* As Linux has it: the old lock is given up before the new one is asked for. */
static bool failed_change_loses_the_old_lock(void)
{
    CHECK(make());
    CHECK_EQ(flock(first, LOCK_SH), 0);
    CHECK_EQ(flock(second, LOCK_SH), 0);
    CHECK_FAILS(flock(first, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(second, LOCK_EX | LOCK_NB), 0);
    drop();
    return true;
}

static bool lock_lasts_as_long_as_the_open_file(void)
{
    CHECK(make());
    CHECK_EQ(flock(first, LOCK_EX), 0);
    int copy = dup(first);
    CHECK_EQ(flock(copy, LOCK_EX | LOCK_NB), 0);
    close(first);
    CHECK_FAILS(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);   // closes its copies
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_FAILS(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    close(copy);
    CHECK_EQ(flock(second, LOCK_SH | LOCK_NB), 0);
    close(second);
    return true;
}

static bool sleeper_is_woken(void)
{
    CHECK(make());
    CHECK_EQ(flock(first, LOCK_EX), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(flock(second, LOCK_EX) == 0 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK_EQ(flock(first, LOCK_UN), 0);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static void nothing(int signo)
{
    (void)signo;
}

static bool signal_ends_the_wait(void)
{
    struct sigaction action = {.sa_handler = nothing};

    CHECK(make());
    sigaction(SIGUSR1, &action, NULL);
    CHECK_EQ(flock(first, LOCK_EX), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(flock(second, LOCK_SH) == -1 && errno == EINTR ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR1));
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool locks_of_bytes_are_another_world(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    CHECK(make());
    CHECK_EQ(flock(second, LOCK_EX), 0);
    CHECK_EQ(fcntl(first, F_SETLK, &lock), 0);
    CHECK_EQ(fcntl(first, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET}), 0);
    drop();
    return true;
}

static bool bad_arguments_are_refused(void)
{
    CHECK(make());
    CHECK_FAILS(flock(first, 0), EINVAL);
    CHECK_FAILS(flock(first, LOCK_SH | LOCK_EX), EINVAL);
    CHECK_FAILS(flock(-1, LOCK_SH), EBADF);
    int path = open("locked", O_PATH);
    CHECK_FAILS(flock(path, LOCK_SH), EBADF);
    close(path);
    drop();
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(shared_and_exclusive);
    TEST(failed_change_loses_the_old_lock);
    TEST(lock_lasts_as_long_as_the_open_file);
    TEST(sleeper_is_woken);
    TEST(signal_ends_the_wait);
    TEST(locks_of_bytes_are_another_world);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
