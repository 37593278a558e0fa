// SPDX-License-Identifier: MIT
/*
 * pty_close.c - pairs: what it does to one end when the other closes, and that nothing stays behind.
 */
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gaur.h"

static struct terminal t;

static bool a_node_goes_with_its_master(void)
{
    char link[64], where[64];
    ssize_t length;
    struct stat status;

    CHECK(terminal_open(&t));
    close(t.master);
    CHECK_FAILS(stat(t.name, &status), ENOENT);
    CHECK_FAILS(open(t.name, O_RDWR | O_NOCTTY), ENOENT);
    snprintf(link, sizeof link, "/proc/self/fd/%d", t.slave);
    length = readlink(link, where, sizeof where - 1);
    CHECK(length > 0);
    where[length] = 0;
    CHECK(strstr(where, " (deleted)") != NULL);
    close(t.slave);
    return true;
}

static bool a_master_waits_before_the_first_open_and_ends_after_the_last_close(void)
{
    char byte;
    int unlock = 0, number, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);

    CHECK(master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    CHECK_FAILS(read(master, &byte, 1), EAGAIN);
    CHECK(polls_not(master, POLLHUP));
    CHECK(put(master, "early\n"));
    t.slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    CHECK(t.slave >= 0 && comes(t.slave, "early\n") && comes(master, "early\r\n"));
    CHECK(put(t.slave, "last words"));
    close(t.slave);
    CHECK(comes(master, "last words"));
    CHECK(polls(master, POLLHUP));
    CHECK_FAILS(read(master, &byte, 1), EIO);
    t.slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    CHECK(t.slave >= 0 && polls_not(master, POLLHUP));
    CHECK_FAILS(read(master, &byte, 1), EAGAIN);
    close(t.slave);
    close(master);
    return true;
}

static bool slave_closes_late(void)
{
    close(t.master);
    sleep_ms(50);
    return true;
}

static bool a_waiting_master_learns_of_the_last_close(void)
{
    char byte;
    pid_t child;

    CHECK(terminal_open(&t));
    child = child_start(slave_closes_late);
    close(t.slave);
    CHECK_FAILS(read(t.master, &byte, 1), EIO);
    CHECK(exited_with(child_wait(child), 0));
    close(t.master);
    return true;
}

static bool a_terminal_without_its_master_is_at_an_end(void)
{
    char byte;
    struct termios settings;
    struct pollfd one;
    int group = getpid();

    CHECK(terminal_open(&t));
    CHECK(put(t.master, "lost\n") && polls(t.slave, POLLIN));
    close(t.master);
    CHECK_EQ(read(t.slave, &byte, 1), 0);
    CHECK_FAILS(write(t.slave, "x", 1), EIO);
    CHECK_FAILS(tcgetattr(t.slave, &settings), EIO);
    CHECK_FAILS(ioctl(t.slave, TIOCSPGRP, &group), ENOTTY);
    CHECK(!isatty(t.slave));
    one = (struct pollfd){.fd = t.slave, .events = POLLIN | POLLOUT};
    CHECK_EQ(poll(&one, 1, 0), 1);
    CHECK_EQ(one.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
    close(t.slave);
    return true;
}

static bool waits_for_input(void)
{
    char byte;

    close(t.master);
    CHECK_FAILS(read(t.slave, &byte, 1), EIO);
    return true;
}

static bool waits_for_room(void)
{
    static char much[100000];

    close(t.master);
    CHECK(write(t.slave, much, sizeof much) < (ssize_t)sizeof much);
    CHECK_FAILS(write(t.slave, much, 1), EIO);
    return true;
}

static bool whoever_waits_at_a_terminal_is_sent_away_when_its_master_closes(void)
{
    static const claim_fn waits[] = {waits_for_input, waits_for_room};

    for (int i = 0; i < 2; i++) {
        pid_t child;

        CHECK(terminal_open(&t));
        child = child_start(waits[i]);
        CHECK(child_in_state(child, 'S'));
        if (i == 1)
            CHECK(polls(t.master, POLLIN));
        terminal_close(&t);
        CHECK(exited_with(child_wait(child), 0));
    }
    return true;
}

enum { MANY = 40 };

static bool many_at_once(void)
{
    static struct terminal all[MANY];
    int numbers[MANY], other;

    for (int i = 0; i < MANY; i++) {
        CHECK(terminal_open(&all[i]));
        CHECK_EQ(ioctl(all[i].master, TIOCGPTN, &numbers[i]), 0);
        for (int j = 0; j < i; j++)
            CHECK(numbers[j] != numbers[i]);
        CHECK(put(all[i].slave, "left unread") && put(all[i].master, "and so is this\n"));
    }
    for (int i = 0; i < MANY; i += 2)
        terminal_close(&all[i]);
    CHECK(terminal_open(&t));
    CHECK_EQ(ioctl(t.master, TIOCGPTN, &other), 0);
    CHECK_EQ(other, numbers[0]); // the lowest that is free
    terminal_close(&t);
    for (int i = 1; i < MANY; i += 2) {
        close(all[i].master); // the other way round
        close(all[i].slave);
    }
    return true;
}

static bool many_come_and_go_without_a_leak(void)
{
    struct frames before;

    CHECK(many_at_once());
    if (!on_gaur())
        return true;
    own_memory_touch();
    CHECK(frames_settle(&before));
    for (int i = 0; i < 5; i++)
        CHECK(many_at_once());
    CHECK(frames_are_back(&before));
    CHECK(verify_is_ok());
    return true;
}

static bool scribbles(void)
{
    char bytes[64];

    close(t.master);
    make_raw(t.slave, 1, 0);
    while (write(t.slave, "some bytes", 10) > 0 && read(t.slave, bytes, sizeof bytes) > 0)
        ;
    return true;
}

static bool closing_against_reading_and_writing_harms_nobody(void)
{
    for (int i = 0; i < 60; i++) {
        pid_t first, second;

        CHECK(terminal_open(&t));
        first = child_start(scribbles);
        second = child_start(scribbles);
        close(t.slave);
        fcntl(t.master, F_SETFL, O_RDWR | O_NONBLOCK);
        for (int j = 0; j < i; j++) {
            char bytes[64];
            ssize_t n = read(t.master, bytes, sizeof bytes);

            if (write(t.master, "answer", 6) < 0 && n < 0)
                sched_yield();
        }
        close(t.master);
        CHECK(exited_with(child_wait(first), 0));
        CHECK(exited_with(child_wait(second), 0));
    }
    return true;
}

int main(void)
{
    TEST(a_node_goes_with_its_master);
    TEST(a_master_waits_before_the_first_open_and_ends_after_the_last_close);
    TEST(a_waiting_master_learns_of_the_last_close);
    TEST(a_terminal_without_its_master_is_at_an_end);
    TEST(whoever_waits_at_a_terminal_is_sent_away_when_its_master_closes);
    TEST(many_come_and_go_without_a_leak);
    TEST(closing_against_reading_and_writing_harms_nobody);
    return tap_done();
}
