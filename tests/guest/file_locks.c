// SPDX-License-Identifier: MIT
/*
 * file_locks.c - locks of bytes (fcntl): of processes, and of open files; who waits, who is refused, when they end.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd;

static struct flock range(int type, off_t start, off_t length)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static int set(int type, off_t start, off_t length)
{
    struct flock lock = range(type, start, length);

    return fcntl(fd, F_SETLK, &lock);
}

static bool make(void)
{
    unlink("locked");
    fd = open("locked", O_RDWR | O_CREAT, 0600);
    return fd >= 0;
}

/* What another process would meet: "R0-9 W20-29", each lock that stands in the way of writing, in order. */
static const char *seen(void)
{
    static char text[256];
    int ends[2];
    ssize_t length;

    if (pipe(ends) != 0)
        return "no pipe";
    pid_t pid = fork();
    if (pid == 0) {
        off_t from = 0;
        size_t used = 0;
        for (;;) {
            struct flock lock = range(F_WRLCK, from, 0);
            if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
                break;
            long last = lock.l_len ? (long)(lock.l_start + lock.l_len - 1) : -1;
            used += snprintf(text + used, sizeof text - used, "%s%c%ld-%ld", used ? " " : "",
                             lock.l_type == F_RDLCK ? 'R' : 'W', (long)lock.l_start, last);
            if (last < 0)
                break;
            from = last + 1;
        }
        text[used] = '\0';
        _exit(write(ends[1], text, used + 1) == (ssize_t)used + 1 ? 0 : 1);
    }
    close(ends[1]);
    length = read(ends[0], text, sizeof text);
    close(ends[0]);
    child_wait(pid);
    return length > 0 ? text : "nothing";
}

#define CHECK_SEEN(what)                                            \
    do {                                                            \
        const char *seen_ = seen();                                 \
        if (strcmp(seen_, what) != 0) {                             \
            diag("others see \"%s\", expected \"%s\"", seen_, what); \
            CHECK(!"as expected");                                  \
        }                                                           \
    } while (0)

static bool ranges_split_and_merge(void)
{
    CHECK(make());
    CHECK_EQ(set(F_RDLCK, 10, 10), 0);
    CHECK_SEEN("R10-19");
    CHECK_EQ(set(F_RDLCK, 20, 10), 0);
    CHECK_SEEN("R10-29");
    CHECK_EQ(set(F_WRLCK, 15, 2), 0);
    CHECK_SEEN("R10-14 W15-16 R17-29");
    CHECK_EQ(set(F_UNLCK, 12, 10), 0);
    CHECK_SEEN("R10-11 R22-29");
    CHECK_EQ(set(F_RDLCK, 12, 10), 0);
    CHECK_SEEN("R10-29");
    CHECK_EQ(set(F_WRLCK, 0, 0), 0);
    CHECK_SEEN("W0--1");
    CHECK_EQ(set(F_UNLCK, 100, 0), 0);
    CHECK_SEEN("W0-99");
    CHECK_EQ(set(F_UNLCK, 0, 0), 0);
    CHECK_SEEN("");
    close(fd);
    return true;
}

static bool whence_and_negative_lengths(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 5};

    CHECK(make());
    CHECK_EQ(ftruncate(fd, 100), 0);
    CHECK_EQ(lseek(fd, 50, SEEK_SET), 50);
    CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
    CHECK_SEEN("W90-94");
    lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = 0, .l_len = -10};
    CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
    CHECK_SEEN("R40-49 W90-94");
    close(fd);
    return true;
}

static bool readers_share_and_writers_do_not(void)
{
    CHECK(make());
    CHECK_EQ(set(F_RDLCK, 0, 10), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool good = set(F_RDLCK, 0, 10) == 0;
        good &= set(F_WRLCK, 5, 1) == -1 && errno == EAGAIN;
        good &= set(F_WRLCK, 10, 1) == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    return true;
}

static bool getlk_tells_the_holder(void)
{
    CHECK(make());
    CHECK_EQ(set(F_WRLCK, 7, 3), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = range(F_RDLCK, 0, 100);
        bool good = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK && lock.l_start == 7 && lock.l_len == 3
                    && lock.l_pid == getppid() && lock.l_whence == SEEK_SET;
        lock = range(F_RDLCK, 10, 5);
        good &= fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK && lock.l_start == 10 && lock.l_len == 5;
        _exit(good ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    struct flock own = range(F_WRLCK, 0, 0);
    CHECK_EQ(fcntl(fd, F_GETLK, &own), 0);
    CHECK_EQ(own.l_type, F_UNLCK);      // one's own are not in the way
    close(fd);
    return true;
}

static bool closing_any_descriptor_ends_them(void)
{
    CHECK(make());
    int other = open("locked", O_RDONLY);
    CHECK_EQ(set(F_WRLCK, 0, 5), 0);
    CHECK_SEEN("W0-4");
    close(other);
    CHECK_SEEN("");
    CHECK_EQ(set(F_WRLCK, 0, 5), 0);
    other = dup(fd);
    CHECK_EQ(dup2(0, other), other);
    CHECK_SEEN("");
    close(other);
    close(fd);
    return true;
}

static bool exit_ends_them_and_wakes_who_waits(void)
{
    int ends[2];

    CHECK(make() && pipe(ends) == 0);
    pid_t holder = fork();
    if (holder == 0) {
        if (set(F_WRLCK, 0, 0) != 0 || write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    pid_t waiter = fork();
    if (waiter == 0) {
        struct flock lock = range(F_RDLCK, 3, 1);
        _exit(fcntl(fd, F_SETLKW, &lock) == 0 ? 0 : 1);
    }
    CHECK(child_in_state(waiter, 'S'));
    child_end(holder);
    CHECK(exited_with(child_wait(waiter), 0));
    close(ends[0]);
    close(ends[1]);
    close(fd);
    return true;
}

static bool child_does_not_inherit_them(void)
{
    CHECK(make());
    CHECK_EQ(set(F_WRLCK, 0, 5), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool refused = set(F_WRLCK, 0, 5) == -1 && errno == EAGAIN;
        close(fd);      // is not the parent's closing
        _exit(refused ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_SEEN("W0-4");
    close(fd);
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
    CHECK_EQ(set(F_WRLCK, 0, 5), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = range(F_WRLCK, 0, 1);
        _exit(fcntl(fd, F_SETLKW, &lock) == -1 && errno == EINTR ? 0 : 1);
    }
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR1));
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    return true;
}

static bool circle_of_waiting_is_refused(void)
{
    struct baton held;

    CHECK(make() && baton_make(&held));
    CHECK_EQ(set(F_WRLCK, 0, 1), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = range(F_WRLCK, 0, 1);
        if (set(F_WRLCK, 1, 1) != 0)
            _exit(1);
        baton_pass(&held);
        _exit(fcntl(fd, F_SETLKW, &lock) == 0 ? 0 : 2);
    }
    CHECK(baton_wait(&held));
    CHECK(child_in_state(pid, 'S'));
    struct flock lock = range(F_WRLCK, 1, 1);
    CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
    CHECK_FAILS(fcntl(fd, F_SETLKW, &lock), EDEADLK);
    CHECK_EQ(set(F_UNLCK, 0, 0), 0);
    CHECK(exited_with(child_wait(pid), 0));
    baton_drop(&held);
    close(fd);
    return true;
}

/* Each adds one to a number in the file, many times: the lock makes it whole. */
static bool increments_under_the_lock_are_not_lost(void)
{
    enum { WORKERS = 3, ROUNDS = 60 };
    pid_t pids[WORKERS];
    int number = 0;

    CHECK(make());
    CHECK_EQ(pwrite(fd, &number, sizeof number, 0), sizeof number);
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        for (int round = 0; pids[i] == 0; round++) {
            struct flock lock = range(F_WRLCK, 0, sizeof number);
            if (round == ROUNDS)
                _exit(0);
            if (fcntl(fd, F_SETLKW, &lock) != 0 || pread(fd, &number, sizeof number, 0) != sizeof number)
                _exit(1);
            number++;
            if (pwrite(fd, &number, sizeof number, 0) != sizeof number || set(F_UNLCK, 0, 0) != 0)
                _exit(1);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        CHECK(exited_with(child_wait(pids[i]), 0));
    CHECK_EQ(pread(fd, &number, sizeof number, 0), sizeof number);
    CHECK_EQ(number, WORKERS * ROUNDS);
    close(fd);
    return true;
}

static bool locks_of_open_files_are_apart(void)
{
    struct flock lock = range(F_WRLCK, 0, 10);

    CHECK(make());
    int other = open("locked", O_RDWR), copy = dup(fd);
    CHECK_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
    CHECK_EQ(fcntl(copy, F_OFD_SETLK, &lock), 0);
    CHECK_FAILS(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
    CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
    struct flock found = range(F_RDLCK, 5, 1);
    CHECK_EQ(fcntl(other, F_OFD_GETLK, &found), 0);
    CHECK(found.l_type == F_WRLCK && found.l_start == 0 && found.l_len == 10);
    CHECK_EQ(found.l_pid, -1);
    close(fd);
    CHECK_FAILS(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
    close(copy);
    CHECK_EQ(fcntl(other, F_OFD_SETLK, &lock), 0);
    lock.l_pid = 1;
    CHECK_FAILS(fcntl(other, F_OFD_SETLK, &lock), EINVAL);
    close(other);
    return true;
}

static bool child_shares_the_lock_of_an_open_file(void)
{
    struct flock lock = range(F_WRLCK, 0, 0);

    CHECK(make());
    CHECK_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int other = open("locked", O_RDWR);
        bool good = fcntl(fd, F_OFD_SETLK, &lock) == 0 && fcntl(other, F_OFD_SETLK, &lock) == -1 && errno == EAGAIN;
        lock.l_type = F_UNLCK;
        good &= fcntl(fd, F_OFD_SETLKW, &lock) == 0;
        lock.l_type = F_WRLCK;
        good &= fcntl(other, F_OFD_SETLKW, &lock) == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    return true;
}

/* A line of /proc/locks without its number; NULL if there is none for the file. */
static const char *line_of(ino_t inode, const char *with)
{
    static char text[8192];
    char wanted[32];

    if (file_get("/proc/locks", text, sizeof text) < 0)
        return NULL;
    snprintf(wanted, sizeof wanted, ":%lu ", (unsigned long)inode);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, wanted) != NULL && strstr(line, with) != NULL)
            return strchr(line, ':') + 1;
    }
    return NULL;
}

static bool proc_locks_shows_them(void)
{
    struct stat status;
    char expected[128], device[16];
    const char *line;

    CHECK(make() && fstat(fd, &status) == 0);
    CHECK_EQ(set(F_WRLCK, 5, 10), 0);
    line = line_of(status.st_ino, "POSIX");
    CHECK(line != NULL);
    CHECK(sscanf(line, "%*s %*s %*s %*d %15s", device) == 1);   // the tail of it differs from st_dev on some Linux
    *strrchr(device, ':') = '\0';
    snprintf(expected, sizeof expected, " POSIX  ADVISORY  WRITE %d %s:%lu 5 14", getpid(), device,
             (unsigned long)status.st_ino);
    if (strcmp(line, expected) != 0)
        diag("\"%s\", expected \"%s\"", line, expected);
    CHECK(strcmp(line, expected) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = range(F_RDLCK, 0, 0);
        _exit(fcntl(fd, F_SETLKW, &lock) == 0 ? 0 : 1);
    }
    CHECK(child_in_state(pid, 'S'));
    snprintf(expected, sizeof expected, " -> POSIX  ADVISORY  READ %d %s:%lu 0 EOF", pid, device,
             (unsigned long)status.st_ino);
    line = line_of(status.st_ino, "->");
    CHECK(line != NULL);
    if (strcmp(line, expected) != 0)
        diag("\"%s\", expected \"%s\"", line, expected);
    CHECK(strcmp(line, expected) == 0);
    CHECK_EQ(set(F_UNLCK, 0, 0), 0);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(line_of(status.st_ino, "POSIX") == NULL);
    close(fd);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    struct flock lock = range(F_WRLCK, 0, 0);

    CHECK(make());
    int reader = open("locked", O_RDONLY), writer = open("locked", O_WRONLY);
    CHECK_FAILS(fcntl(reader, F_SETLK, &lock), EBADF);
    lock.l_type = F_RDLCK;
    CHECK_FAILS(fcntl(writer, F_SETLK, &lock), EBADF);
    lock.l_type = 7;
    CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EINVAL);
    lock = range(F_UNLCK, 0, 0);
    CHECK_FAILS(fcntl(fd, F_GETLK, &lock), EINVAL);
    CHECK_FAILS(set(F_RDLCK, -1, 5), EINVAL);
    CHECK_FAILS(set(F_RDLCK, 5, -6), EINVAL);
    CHECK_EQ(set(F_RDLCK, 5, -5), 0);
    CHECK_FAILS(set(F_RDLCK, INT64_MAX, 2), EOVERFLOW);
    CHECK_EQ(set(F_RDLCK, INT64_MAX, 1), 0);
    lock = range(F_RDLCK, 0, 1);
    lock.l_whence = 9;
    CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EINVAL);
    lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_END, .l_start = INT64_MAX};
    CHECK_EQ(ftruncate(fd, 10), 0);
    CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EOVERFLOW);
    CHECK_FAILS(fcntl(fd, F_SETLK, (void *)8), EFAULT);
    CHECK_FAILS(fcntl(-1, F_SETLK, &lock), EBADF);
    close(reader);
    close(writer);
    close(fd);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(ranges_split_and_merge);
    TEST(whence_and_negative_lengths);
    TEST(readers_share_and_writers_do_not);
    TEST(getlk_tells_the_holder);
    TEST(closing_any_descriptor_ends_them);
    TEST(exit_ends_them_and_wakes_who_waits);
    TEST(child_does_not_inherit_them);
    TEST(signal_ends_the_wait);
    TEST(circle_of_waiting_is_refused);
    TEST(increments_under_the_lock_are_not_lost);
    TEST(locks_of_open_files_are_apart);
    TEST(child_shares_the_lock_of_an_open_file);
    TEST(proc_locks_shows_them);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
