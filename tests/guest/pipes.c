// SPDX-License-Identifier: MIT
/*
 * pipes.c - bytes in order, ends that close, writes that do not mix; named pipes too.
 */
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
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

static bool bytes_come_out_in_order(void)
{
    char in[8] = {0};

    CHECK(make());
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    CHECK_EQ(write(ends[1], "def", 3), 3);
    CHECK_EQ(read(ends[0], in, 2), 2);
    CHECK_EQ(read(ends[0], in + 2, 6), 4);
    CHECK(memcmp(in, "abcdef", 6) == 0);
    CHECK_FAILS(write(ends[0], "x", 1), EBADF);
    CHECK_FAILS(read(ends[1], in, 1), EBADF);
    drop();
    return true;
}

static bool reader_sees_the_end_after_the_last_byte(void)
{
    char byte;

    CHECK(make());
    int copy = dup(ends[1]);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    CHECK_FAILS(read(ends[0], &byte, 1), EAGAIN);
    close(copy);
    CHECK_EQ(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    return true;
}

static bool writer_without_readers_gets_epipe(void)
{
    CHECK(make());
    close(ends[0]);
    CHECK_FAILS(write(ends[1], "x", 1), EPIPE);
    close(ends[1]);
    return true;
}

static bool nonblocking_ends_say_eagain(void)
{
    static char many[PAGE];
    size_t total = 0;
    char byte;

    CHECK(make());
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK_FAILS(read(ends[0], &byte, 1), EAGAIN);
    for (ssize_t done; (done = write(ends[1], many, sizeof many)) > 0;)
        total += done;
    CHECK_EQ(errno, EAGAIN);
    CHECK(total >= PIPE_BUF);
    int waiting = 0;
    CHECK(ioctl(ends[0], FIONREAD, &waiting) == 0);
    CHECK_EQ(waiting, total);
    drop();
    return true;
}

/* A full pipe: a small write must go in whole or not at all. */
static bool small_writes_are_not_split(void)
{
    static char many[PAGE];
    char in[100];

    CHECK(make());
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], many, sizeof many) > 0)
        ;
    CHECK_EQ(read(ends[0], in, 100), 100);
    ssize_t done = write(ends[1], many, 200);
    CHECK(done == 200 || (done == -1 && errno == EAGAIN));
    drop();
    return true;
}

enum { WRITERS = 4, RECORDS = 40, RECORD = 512 };

static void write_records(int number)
{
    char record[RECORD];

    memset(record, 'a' + number, sizeof record);
    for (int i = 0; i < RECORDS; i++) {
        if (write(ends[1], record, RECORD) != RECORD)
            _exit(1);
    }
    _exit(0);
}

static bool records_of_several_writers_do_not_mix(void)
{
    pid_t pids[WRITERS];
    int records = 0;

    CHECK(make());
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            write_records(i);
    }
    close(ends[1]);
    for (;;) {
        char record[RECORD];
        size_t length = 0;
        ssize_t got = 0;
        while (length < RECORD && (got = read(ends[0], record + length, RECORD - length)) > 0)
            length += got;
        if (length == 0)
            break;
        CHECK_EQ(length, RECORD);
        for (int i = 1; i < RECORD; i++)
            CHECK_EQ(record[i], record[0]);
        records++;
    }
    CHECK_EQ(records, WRITERS * RECORDS);
    for (int i = 0; i < WRITERS; i++)
        CHECK(exited_with(child_wait(pids[i]), 0));
    close(ends[0]);
    return true;
}

static void pour(size_t amount)
{
    static unsigned char chunk[3000];
    size_t sent = 0;

    while (sent < amount) {
        size_t length = sizeof chunk < amount - sent ? sizeof chunk : amount - sent;
        for (size_t i = 0; i < length; i++)
            chunk[i] = (sent + i) * 7;
        if (write(ends[1], chunk, length) != (ssize_t)length)
            _exit(1);
        sent += length;
    }
    _exit(0);
}

/* More than any pipe holds: both sides sleep and wake many times. */
static bool half_a_megabyte_arrives_whole(void)
{
    static unsigned char in[5000];
    size_t received = 0;

    CHECK(make());
    pid_t pid = fork();
    if (pid == 0)
        pour(512 * 1024);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], in, sizeof in)) > 0; received += got) {
        for (ssize_t i = 0; i < got; i++)
            CHECK_EQ(in[i], (unsigned char)((received + i) * 7));
    }
    CHECK_EQ(received, 512 * 1024);
    CHECK(exited_with(child_wait(pid), 0));
    close(ends[0]);
    return true;
}

static bool pipe2_sets_flags(void)
{
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
    drop();
    CHECK_FAILS(pipe2(ends, 1), EINVAL);
    return true;
}

static bool writer_asleep_is_woken_by_the_reader_leaving(void)
{
    static char many[256 * 1024];

    CHECK(make());
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        ssize_t done = write(ends[1], many, sizeof many);
        _exit(done > 0 || errno == EPIPE ? 0 : 1);
    }
    sleep_ms(50);
    drop();
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

static bool named_pipe_joins_two_processes(void)
{
    char text[8] = {0};

    CHECK(mkfifo("fifo", 0600) == 0);
    CHECK_FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("fifo", O_WRONLY);
        _exit(out >= 0 && write(out, "hello", 5) == 5 ? 0 : 1);
    }
    int in = open("fifo", O_RDONLY);
    CHECK(in >= 0);
    CHECK_EQ(read(in, text, 5), 5);
    CHECK(strcmp(text, "hello") == 0);
    CHECK_EQ(read(in, text, 1), 0);
    CHECK(exited_with(child_wait(pid), 0));
    close(in);
    return true;
}

/* As a shell's <(...) does: the writer has written and gone when the pipe is opened again by its name in /proc. */
static bool pipe_opened_again_waits_for_nobody(void)
{
    char name[32], text[8];
    int ends[2];

    CHECK(pipe(ends) == 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    CHECK(write(ends[1], "abc", 3) == 3);
    close(ends[1]);
    alarm(60);
    int again = open(name, O_RDONLY);
    alarm(0);
    CHECK(again >= 0);
    CHECK_EQ(read(again, text, sizeof text), 3);
    CHECK_EQ(read(again, text, sizeof text), 0);
    struct pollfd poller = {.fd = again, .events = POLLIN};
    CHECK_EQ(poll(&poller, 1, 0), 1);
    CHECK_EQ(poller.revents, POLLHUP);
    close(again);
    close(ends[0]);
    return true;
}

static bool pipe_opened_again_for_writing_is_broken_without_readers(void)
{
    char name[32];
    int ends[2];

    CHECK(pipe(ends) == 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
    close(ends[0]);
    int again = open(name, O_WRONLY | O_NONBLOCK);
    CHECK(again >= 0);
    signal(SIGPIPE, SIG_IGN);
    CHECK_FAILS(write(again, "x", 1), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close(again);
    close(ends[1]);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        TEST(pipe_opened_again_waits_for_nobody);
    TEST(pipe_opened_again_for_writing_is_broken_without_readers);
    return tap_done();
    TEST(bytes_come_out_in_order);
    TEST(reader_sees_the_end_after_the_last_byte);
    TEST(writer_without_readers_gets_epipe);
    TEST(nonblocking_ends_say_eagain);
    TEST(small_writes_are_not_split);
    TEST(records_of_several_writers_do_not_mix);
    TEST(half_a_megabyte_arrives_whole);
    TEST(pipe2_sets_flags);
    TEST(writer_asleep_is_woken_by_the_reader_leaving);
    TEST(named_pipe_joins_two_processes);
    return tap_done();
}
