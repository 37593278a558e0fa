// SPDX-License-Identifier: MIT
/*
 * pty_lines.c - the line discipline, from keys to lines and from lines to the screen, on a pseudo-terminal.
 */
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct terminal t;

static bool line_can_be_read_when_it_has_ended(void)
{
    char line[16];

    CHECK(terminal_open(&t));
    CHECK(put(t.master, "ab") && comes(t.master, "ab")); // its echo: the terminal has it
    CHECK(polls_not(t.slave, POLLIN));
    CHECK(has_bytes(t.slave, 0));
    CHECK(put(t.master, "c\nnext\n") && polls(t.slave, POLLIN));
    CHECK(has_bytes(t.slave, 9));
    CHECK_EQ(read(t.slave, line, sizeof line), 4);
    CHECK(memcmp(line, "abc\n", 4) == 0);
    CHECK(comes(t.slave, "ne") && comes(t.slave, "xt\n"));
    terminal_close(&t);
    return true;
}

static bool echo_shows_control_characters_and_ends_lines(void)
{
    CHECK(terminal_open(&t));
    CHECK(put(t.master, "a\001b\n") && comes(t.master, "a^Ab\r\n"));
    CHECK(change(t.slave, (struct change){.local_off = ECHOCTL}));
    CHECK(put(t.master, "\001\n") && comes(t.master, "\001\r\n"));
    CHECK(change(t.slave, (struct change){.local_off = ECHO, .local_on = ECHONL}));
    CHECK(put(t.master, "secret\n") && comes(t.master, "\r\n"));
    CHECK(comes(t.slave, "a\001b\n") && comes(t.slave, "\001\n") && comes(t.slave, "secret\n"));
    terminal_close(&t);
    return true;
}

static bool keys_edit_the_line_and_the_screen(void)
{
    CHECK(terminal_open(&t));
    CHECK(put(t.master, "ax\177b\n") && comes(t.master, "ax\b \bb\r\n") && comes(t.slave, "ab\n"));
    CHECK(put(t.master, "one two\027\025is\n"));
    CHECK(comes(t.master, "one two\b \b\b \b\b \b\b \b\b \b\b \b\b \bis\r\n") && comes(t.slave, "is\n"));
    CHECK(put(t.master, "\026\003\n") && comes(t.master, "^\b^C\r\n") && comes(t.slave, "\003\n"));
    CHECK(put(t.master, "re\022\n") && comes(t.master, "re^R\r\nre\r\n") && comes(t.slave, "re\n"));
    terminal_close(&t);
    return true;
}

static bool end_of_file_ends_a_read_and_is_not_read(void)
{
    char line[8];

    CHECK(terminal_open(&t));
    CHECK(put(t.master, "ab\004\004c\n") && has_bytes(t.slave, 4));
    CHECK_EQ(read(t.slave, line, sizeof line), 2);
    CHECK_EQ(read(t.slave, line, sizeof line), 0);
    CHECK_EQ(read(t.slave, line, sizeof line), 2);
    terminal_close(&t);
    return true;
}

static bool input_modes_change_what_ends_lines(void)
{
    CHECK(terminal_open(&t));
    CHECK(change(t.slave, (struct change){.local_off = ECHO}));
    CHECK(put(t.master, "a\r") && comes(t.slave, "a\n"));
    CHECK(change(t.slave, (struct change){.input_on = IGNCR}));
    CHECK(put(t.master, "b\r\n") && comes(t.slave, "b\n"));
    CHECK(change(t.slave, (struct change){.input_off = IGNCR | ICRNL, .input_on = INLCR | ISTRIP}));
    CHECK(make_raw(t.slave, 1, 0) && change(t.slave, (struct change){.input_on = INLCR | ISTRIP}));
    CHECK(put(t.master, "\n\xe1") && comes(t.slave, "\ra"));
    terminal_close(&t);
    return true;
}

static bool output_is_processed_if_wanted(void)
{
    CHECK(terminal_open(&t));
    CHECK(put(t.slave, "a\nb\t|") && comes(t.master, "a\r\nb\t|"));
    CHECK(change(t.slave, (struct change){.output_on = TAB3}));
    CHECK(put(t.slave, "\r1\t|\b") && comes(t.master, "\r1       |\b"));
    CHECK(change(t.slave, (struct change){.output_off = OPOST}));
    CHECK(put(t.slave, "\r1\t|\n") && comes(t.master, "\r1\t|\n"));
    terminal_close(&t);
    return true;
}

static bool raw_read_waits_for_min_bytes(void)
{
    char bytes[8];

    CHECK(terminal_open(&t));
    CHECK(make_raw(t.slave, 3, 0));
    CHECK(put(t.master, "ab") && has_bytes(t.slave, 2));
    CHECK(polls_not(t.slave, POLLIN));
    CHECK(put(t.master, "\003"));
    CHECK_EQ(read(t.slave, bytes, sizeof bytes), 3);
    CHECK(memcmp(bytes, "ab\003", 3) == 0);
    terminal_close(&t);
    return true;
}

static bool raw_read_ends_when_time_is_up(void)
{
    char bytes[8];
    long long start = now_ms();

    CHECK(terminal_open(&t));
    CHECK(make_raw(t.slave, 0, 0));
    CHECK_EQ(read(t.slave, bytes, sizeof bytes), 0);
    CHECK(make_raw(t.slave, 0, 2));
    CHECK_EQ(read(t.slave, bytes, sizeof bytes), 0);
    CHECK(now_ms() - start >= 190);
    CHECK(make_raw(t.slave, 5, 1));
    CHECK(put(t.master, "ab"));
    CHECK_EQ(read(t.slave, bytes, sizeof bytes), 2);
    terminal_close(&t);
    return true;
}

static bool what_was_typed_survives_a_change_of_mode(void)
{
    CHECK(terminal_open(&t));
    CHECK(change(t.slave, (struct change){.local_off = ECHO | ICANON}));
    CHECK(put(t.master, "raw") && has_bytes(t.slave, 3));
    CHECK(change(t.slave, (struct change){.local_on = ICANON}));
    CHECK(comes(t.slave, "raw"));
    CHECK(put(t.master, "half"));
    CHECK(change(t.slave, (struct change){.local_off = ICANON}));
    CHECK(comes(t.slave, "half"));
    terminal_close(&t);
    return true;
}

static bool stop_key_holds_output_until_start_key(void)
{
    CHECK(terminal_open(&t));
    CHECK_EQ(fcntl(t.slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK(put(t.master, "\023") && polls_not(t.slave, POLLOUT));
    CHECK_FAILS(write(t.slave, "x", 1), EAGAIN);
    CHECK(put(t.master, "\021") && polls(t.slave, POLLOUT));
    CHECK(put(t.slave, "x") && comes(t.master, "x"));
    terminal_close(&t);
    return true;
}

static bool tcflow_holds_output_whatever_is_typed(void)
{
    CHECK(terminal_open(&t));
    CHECK_EQ(fcntl(t.slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK_EQ(tcflow(t.slave, TCOOFF), 0);
    CHECK(change(t.slave, (struct change){.local_off = ECHO}));
    CHECK(put(t.master, "\021a\n") && polls(t.slave, POLLIN));
    CHECK_FAILS(write(t.slave, "x", 1), EAGAIN);
    CHECK_EQ(tcflow(t.slave, TCOON), 0);
    CHECK(put(t.slave, "x") && comes(t.master, "x"));
    CHECK_EQ(tcflow(t.slave, TCIOFF), 0);
    CHECK_EQ(tcflow(t.slave, TCION), 0);
    CHECK(comes(t.master, "\023\021"));
    CHECK_FAILS(tcflow(t.slave, 4), EINVAL);
    terminal_close(&t);
    return true;
}

static bool flushed_input_is_gone(void)
{
    CHECK(terminal_open(&t));
    CHECK(put(t.master, "old\n") && polls(t.slave, POLLIN));
    CHECK_EQ(tcflush(t.slave, TCIFLUSH), 0);
    CHECK(polls_not(t.slave, POLLIN));
    CHECK(put(t.master, "older\n") && polls(t.slave, POLLIN));
    CHECK(change(t.slave, (struct change){0}));
    struct termios settings;
    CHECK(tcgetattr(t.slave, &settings) == 0 && tcsetattr(t.slave, TCSAFLUSH, &settings) == 0);
    CHECK(put(t.master, "new\n") && comes(t.slave, "new\n"));
    CHECK_FAILS(tcflush(t.slave, 3), EINVAL);
    terminal_close(&t);
    return true;
}

static bool reads_and_writes_that_must_not_wait_do_not(void)
{
    char byte;

    CHECK(terminal_open(&t));
    CHECK_EQ(fcntl(t.slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK_EQ(fcntl(t.master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK_FAILS(read(t.slave, &byte, 1), EAGAIN);
    CHECK_FAILS(read(t.master, &byte, 1), EAGAIN);
    CHECK_EQ(read(t.slave, &byte, 0), 0);
    CHECK_EQ(read(t.master, &byte, 0), 0);
    CHECK_EQ(write(t.slave, &byte, 0), 0);
    terminal_close(&t);
    return true;
}

// Bytes whose place can be told, and that the line discipline leaves alone.
static char pattern(size_t place)
{
    return 'A' + place % 53 % 26;
}

/* Fill one end until it takes no more. => how many bytes */
static size_t fill(int fd)
{
    size_t total = 0;
    long long since = 0;

    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
    while (total < 1 << 20 && patient(&since)) {
        char bytes[256];
        ssize_t n;

        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = pattern(total + i);
        n = write(fd, bytes, sizeof bytes);
        if (n > 0)
            total += n;
        else if (polls_not(fd, POLLOUT))
            break;
    }
    return total;
}

static bool drains(int fd, size_t total)
{
    char bytes[1000];

    for (size_t got = 0; got < total;) {
        ssize_t n = read(fd, bytes, sizeof bytes);

        CHECK(n > 0);
        for (ssize_t i = 0; i < n; i++)
            CHECK_EQ(bytes[i], pattern(got + i));
        got += n;
    }
    return true;
}

static bool buffers_are_finite_and_lose_nothing(void)
{
    size_t total;

    CHECK(terminal_open(&t));
    CHECK(make_raw(t.slave, 1, 0));
    total = fill(t.slave);
    CHECK(total >= 256 && total < 1 << 20);
    CHECK(drains(t.master, total));
    CHECK(polls(t.slave, POLLOUT) && put(t.slave, "more") && comes(t.master, "more"));
    total = fill(t.master);
    CHECK(total >= 256 && total < 1 << 20);
    CHECK(drains(t.slave, total));
    CHECK(polls(t.master, POLLOUT) && put(t.master, "more") && comes(t.slave, "more"));
    terminal_close(&t);
    return true;
}

enum { MUCH = 200000 };

static bool much_is_written(int fd)
{
    char *bytes = malloc(MUCH);

    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = pattern(i);
    CHECK_EQ(write(fd, bytes, MUCH), MUCH);
    return true;
}

static bool slave_writes_much(void)
{
    return much_is_written(t.slave);
}

static bool master_writes_much(void)
{
    return much_is_written(t.master);
}

static bool writers_wait_for_readers(void)
{
    pid_t child;

    CHECK(terminal_open(&t));
    CHECK(make_raw(t.slave, 1, 0));
    child = child_start(slave_writes_much);
    CHECK(drains(t.master, MUCH));
    CHECK(exited_with(child_wait(child), 0));
    child = child_start(master_writes_much);
    CHECK(drains(t.slave, MUCH));
    CHECK(exited_with(child_wait(child), 0));
    terminal_close(&t);
    return true;
}

static bool a_line_that_is_too_long_is_cut(void)
{
    static char text[6000], line[6000];

    CHECK(terminal_open(&t));
    CHECK(change(t.slave, (struct change){.local_off = ECHO}));
    memset(text, 'x', sizeof text);
    CHECK_EQ(write(t.master, text, sizeof text), sizeof text);
    CHECK(put(t.master, "\n") && polls(t.slave, POLLIN));
    CHECK_EQ(read(t.slave, line, sizeof line), 4096);
    CHECK_EQ(line[4095], '\n');
    terminal_close(&t);
    return true;
}

int main(void)
{
    TEST(line_can_be_read_when_it_has_ended);
    TEST(echo_shows_control_characters_and_ends_lines);
    TEST(keys_edit_the_line_and_the_screen);
    TEST(end_of_file_ends_a_read_and_is_not_read);
    TEST(input_modes_change_what_ends_lines);
    TEST(output_is_processed_if_wanted);
    TEST(raw_read_waits_for_min_bytes);
    TEST(raw_read_ends_when_time_is_up);
    TEST(what_was_typed_survives_a_change_of_mode);
    TEST(stop_key_holds_output_until_start_key);
    TEST(tcflow_holds_output_whatever_is_typed);
    TEST(flushed_input_is_gone);
    TEST(reads_and_writes_that_must_not_wait_do_not);
    TEST(buffers_are_finite_and_lose_nothing);
    TEST(writers_wait_for_readers);
    TEST(a_line_that_is_too_long_is_cut);
    return tap_done();
}
