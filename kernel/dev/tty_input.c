// SPDX-License-Identifier: MIT
/*
 * tty_input.c - from keys to what read(2) returns: signals, editing of lines, echo, raw mode.
 *
 * The order of the questions asked of a character is that of Linux's n_tty.c.
 */
#include <asm/signal.h>
#include <linux/poll.h>

#include "arch/x86/time.h"
#include "dev/tty_private.h"
#include "lib/errno.h"
#include "lib/string.h"

#define BELL 7
#define END_OF_FILE 0               // as the last byte of a "line"

static uint8_t *slot(struct tty *tty, uint32_t index)
{
    return &tty->input[index % INPUT_SIZE];
}

static bool is_line_end(const struct tty *tty, uint32_t index)
{
    return bitmap_test(tty->ends, index % INPUT_SIZE);
}

static void put(struct tty *tty, uint8_t c)
{
    *slot(tty, tty->head) = c;
    bitmap_clear(tty->ends, tty->head % INPUT_SIZE);
    tty->head++;
}

static void put_line_end(struct tty *tty, uint8_t c)
{
    put(tty, c);
    bitmap_set(tty->ends, (tty->head - 1) % INPUT_SIZE);
    tty->line_end = tty->head;
    tty->line_column = tty->column;
}

static uint32_t used(const struct tty *tty)
{
    return tty->head - tty->tail;
}

// A line that fills everything can still be edited and ended: byte by byte, and what does not fit is dropped.
size_t tty_room(struct tty *tty)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    size_t room = INPUT_SIZE - 1 - MIN(used(tty), INPUT_SIZE - 1);

    if (room == 0 && tty_local(tty, ICANON) && tty->line_end == tty->tail)
        room = 1;
    spin_unlock_irq(&tty->lock, flags);
    return room;
}

void tty_input_flush(struct tty *tty)
{
    tty->head = tty->line_end = tty->tail;
    tty->literal_next = false;
    tty_tell(tty, TIOCPKT_FLUSHREAD);
}

// What was typed in raw mode is one line now; what was a line being edited can be read.
void tty_input_mode_changed(struct tty *tty)
{
    memset(tty->ends, 0, sizeof tty->ends);
    tty->line_end = tty->tail;
    if (!tty_local(tty, ICANON) || used(tty) == 0)
        return;
    bitmap_set(tty->ends, (tty->head - 1) % INPUT_SIZE);
    tty->line_end = tty->head;
}

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static bool shows_as_two(const struct tty *tty, uint8_t c)
{
    return is_control(c) && c != '\t' && tty_local(tty, ECHOCTL);
}

// ^C for a control character.
static void echo_visible(struct tty *tty, uint8_t c)
{
    if (shows_as_two(tty, c)) {
        tty_echo(tty, '^');
        tty_echo(tty, c ^ 0x40);
    } else {
        tty_echo(tty, c);
    }
}

static void echo_input(struct tty *tty, uint8_t c)
{
    if (!tty_local(tty, ECHO))
        return;
    if (tty->head == tty->line_end)
        tty->line_column = tty->column;
    echo_visible(tty, c);
}

static void echo_text(struct tty *tty, const char *text)
{
    for (; *text != 0; text++)
        tty_echo(tty, (uint8_t)*text);
}

static bool is_utf8_tail(const struct tty *tty, uint8_t c)
{
    return tty_in(tty, IUTF8) && (c & 0xc0) == 0x80;
}

// The column behind the line being edited, from its characters: how far back a tab reaches.
static unsigned edited_column(struct tty *tty)
{
    unsigned column = tty->line_column;

    for (uint32_t i = tty->line_end; i != tty->head; i++) {
        uint8_t c = *slot(tty, i);

        if (c == '\t')
            column += 8 - column % 8;
        else if (shows_as_two(tty, c))
            column += 2;
        else if (!is_control(c) && !is_utf8_tail(tty, c))
            column++;
    }
    return column;
}

// Take the last character off the line and off the screen.
static void erase_char(struct tty *tty)
{
    unsigned before = edited_column(tty), after;

    do
        tty->head--;
    while (tty->head != tty->line_end && is_utf8_tail(tty, *slot(tty, tty->head)));
    after = edited_column(tty);
    if (!tty_local(tty, ECHO) || !tty_local(tty, ECHOE))
        return;
    for (; before > after; before--)
        echo_text(tty, *slot(tty, tty->head) == '\t' ? "\b" : "\b \b");
}

static void erase(struct tty *tty, uint8_t c)
{
    if (tty->head == tty->line_end)
        return;
    erase_char(tty);
    if (tty_local(tty, ECHO) && !tty_local(tty, ECHOE))
        echo_visible(tty, c);
}

static bool is_word(uint8_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80;
}

// Blanks and other signs, then the word before them.
static void erase_word(struct tty *tty)
{
    while (tty->head != tty->line_end && !is_word(*slot(tty, tty->head - 1)))
        erase_char(tty);
    while (tty->head != tty->line_end && is_word(*slot(tty, tty->head - 1)))
        erase_char(tty);
}

static void kill_line(struct tty *tty, uint8_t c)
{
    if (tty_local(tty, ECHO) && tty_local(tty, ECHOK) && tty_local(tty, ECHOKE) && tty_local(tty, ECHOE)) {
        while (tty->head != tty->line_end)
            erase_char(tty);
        return;
    }
    tty->head = tty->line_end;
    if (!tty_local(tty, ECHO))
        return;
    echo_visible(tty, c);
    if (tty_local(tty, ECHOK))
        tty_echo(tty, '\n');
}

static void reprint(struct tty *tty, uint8_t c)
{
    echo_visible(tty, c);
    tty_echo(tty, '\n');
    tty->line_column = 0;
    for (uint32_t i = tty->line_end; i != tty->head; i++)
        echo_visible(tty, *slot(tty, i));
}

static bool is_full(struct tty *tty)
{
    if (used(tty) < INPUT_SIZE - 1)
        return false;
    if (tty_in(tty, IMAXBEL))
        tty_echo(tty, BELL);
    return true;
}

// => the signal that a character stands for, or 0
static int signal_of(const struct tty *tty, uint8_t c)
{
    if (!tty_local(tty, ISIG))
        return 0;
    if (tty_is_control(tty, VINTR, c))
        return SIGINT;
    if (tty_is_control(tty, VQUIT, c))
        return SIGQUIT;
    return tty_is_control(tty, VSUSP, c) ? SIGTSTP : 0;
}

static void before_signal(struct tty *tty, uint8_t c)
{
    if (!tty_local(tty, NOFLSH)) {
        tty_tell(tty, TIOCPKT_FLUSHWRITE);
        tty_input_flush(tty);
    }
    if (tty_in(tty, IXON))
        tty_start(tty);
    if (tty_local(tty, ECHO))
        echo_visible(tty, c);
}

// ^S and ^Q. => whether the character was one of them
static bool flow_control(struct tty *tty, uint8_t c)
{
    if (!tty_in(tty, IXON))
        return false;
    if (tty_is_control(tty, VSTART, c)) {
        tty_start(tty);
        return true;
    }
    if (tty_is_control(tty, VSTOP, c)) {
        tty_stop(tty);
        return true;
    }
    if (tty_in(tty, IXANY))
        tty_start(tty);
    return false;
}

static void end_line(struct tty *tty, uint8_t c, bool echo)
{
    if (used(tty) == INPUT_SIZE)
        return;
    if (echo)
        c == '\n' ? tty_echo(tty, c) : echo_visible(tty, c);
    put_line_end(tty, c);
}

// => whether the character was one that edits or ends the line
static bool edit_line(struct tty *tty, uint8_t c)
{
    bool extended = tty_local(tty, IEXTEN), echo = tty_local(tty, ECHO);

    if (tty_is_control(tty, VERASE, c))
        erase(tty, c);
    else if (tty_is_control(tty, VKILL, c))
        kill_line(tty, c);
    else if (extended && tty_is_control(tty, VWERASE, c))
        erase_word(tty);
    else if (extended && echo && tty_is_control(tty, VREPRINT, c))
        reprint(tty, c);
    else if (c == '\n')
        end_line(tty, c, echo || tty_local(tty, ECHONL));
    else if (tty_is_control(tty, VEOF, c))
        end_line(tty, END_OF_FILE, false);
    else if (tty_is_control(tty, VEOL, c) || (extended && tty_is_control(tty, VEOL2, c)))
        end_line(tty, c, echo);
    else
        return false;
    return true;
}

static void put_plain(struct tty *tty, uint8_t c)
{
    if (is_full(tty))
        return;
    if (c == '\n' && tty_local(tty, ECHO))
        tty_echo(tty, c);
    else
        echo_input(tty, c);
    put(tty, c);
}

// ^V: the next character is only a character.
static bool starts_literal(struct tty *tty, uint8_t c)
{
    if (!tty_local(tty, ICANON) || !tty_local(tty, IEXTEN) || !tty_is_control(tty, VLNEXT, c))
        return false;
    tty->literal_next = true;
    if (tty_local(tty, ECHO) && tty_local(tty, ECHOCTL))
        echo_text(tty, "^\b");
    return true;
}

// => the signal to send, or 0
static int receive_char(struct tty *tty, uint8_t c)
{
    int signal;

    if (tty_in(tty, ISTRIP))
        c &= 0x7f;
    if (tty->literal_next) {
        tty->literal_next = false;
        put_plain(tty, c);
        return 0;
    }
    if (flow_control(tty, c))
        return 0;
    signal = signal_of(tty, c);
    if (signal != 0) {
        before_signal(tty, c);
        return signal;
    }
    if (c == '\r') {
        if (tty_in(tty, IGNCR))
            return 0;
        if (tty_in(tty, ICRNL))
            c = '\n';
    } else if (c == '\n' && tty_in(tty, INLCR)) {
        c = '\r';
    }
    if (starts_literal(tty, c) || (tty_local(tty, ICANON) && edit_line(tty, c)))
        return 0;
    put_plain(tty, c);
    return 0;
}

void tty_receive(struct tty *tty, const uint8_t *data, size_t size)
{
    size_t i = 0;

    while (i < size) {
        uint64_t flags = spin_lock_irq(&tty->lock);
        int group = tty->foreground, signal = 0;

        while (i < size && signal == 0)
            signal = receive_char(tty, data[i++]);
        spin_unlock_irq(&tty->lock, flags);
        if (signal != 0 && group != 0)
            tty_hooks->signal_group(group, signal);
    }
    tty->output_ready = true; // ^Q may have come
    wake_all_for(&tty->writable, POLLOUT | POLLWRNORM);
    if (tty_available(tty) > 0)
        wake_all_for(&tty->readable, POLLIN | POLLRDNORM);
}

uint32_t tty_count_input(struct tty *tty)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    uint32_t count = tty_available(tty), limit = tty->tail + count;

    if (tty_local(tty, ICANON)) {
        for (uint32_t i = tty->tail; i != limit; i++) {
            if (is_line_end(tty, i) && *slot(tty, i) == END_OF_FILE)
                count--;
        }
    }
    spin_unlock_irq(&tty->lock, flags);
    return count;
}

// Copy bytes of at most one line out of the ring. => how many; *end: the line, or what there was, ended
static size_t take(struct tty *tty, uint8_t *data, size_t size, bool *end)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    bool canonical = tty_local(tty, ICANON);
    uint32_t limit = tty->tail + tty_available(tty);
    size_t n = 0;

    *end = false;
    while (n < size && tty->tail != limit && !*end) {
        uint8_t c = *slot(tty, tty->tail);

        *end = canonical && is_line_end(tty, tty->tail);
        tty->tail++;
        if (!*end || c != END_OF_FILE)
            data[n++] = c;
    }
    if (tty->tail == limit)
        *end = true;
    spin_unlock_irq(&tty->lock, flags);
    return n;
}

static int64_t read_available(struct tty *tty, struct io *io)
{
    uint8_t data[64];
    int64_t total = 0;
    bool end = false;

    while (io->left > 0 && !end) {
        size_t n = take(tty, data, MIN(io->left, sizeof data), &end);
        size_t moved = io_copy_out(io, data, n);

        total += (int64_t)moved;
        if (moved < n)
            return total > 0 ? total : -EFAULT;
    }
    tty->device->resume(tty);
    return total;
}

// Wait until there are more than `seen` bytes to read. => 0, -EINTR, -ETIMEDOUT
static int wait_for_more(struct tty *tty, uint32_t seen, uint64_t deadline)
{
    int error = wait_event_deadline(&tty->readable, tty_available(tty) > seen || tty->hung_up, deadline);

    return tty->hung_up ? -EIO : error;
}

static int wait_for_line(struct tty *tty, bool nonblocking)
{
    if (tty_available(tty) > 0)
        return 0;
    return nonblocking ? -EAGAIN : wait_for_more(tty, 0, WAIT_FOR_EVER);
}

// MIN and TIME, see termios(3). A timeout is no error.
static int wait_for_raw(struct tty *tty, size_t wanted, bool nonblocking)
{
    uint64_t time = tty->termios.c_cc[VTIME] * (NS_PER_SECOND / 10);
    size_t min = MIN((size_t)tty->termios.c_cc[VMIN], wanted);
    uint32_t seen = tty_available(tty);
    int error = 0;

    if (seen >= MAX(min, (size_t)1) || (min == 0 && time == 0))
        return 0;
    if (nonblocking)
        return seen > 0 ? 0 : -EAGAIN;
    if (min == 0)
        error = wait_for_more(tty, 0, clock_ns() + time);
    while (min > 0 && seen < min && error == 0) {
        error = wait_for_more(tty, seen, time > 0 && seen > 0 ? clock_ns() + time : WAIT_FOR_EVER);
        seen = tty_available(tty);
    }
    return error == -ETIMEDOUT || seen > 0 ? 0 : error;
}

static int64_t read_locked(struct tty *tty, struct io *io, bool nonblocking)
{
    int error = tty_local(tty, ICANON) ? wait_for_line(tty, nonblocking) : wait_for_raw(tty, io->left, nonblocking);

    return error != 0 ? error : read_available(tty, io);
}

int64_t tty_read_chars(struct tty *tty, struct io *io, bool nonblocking)
{
    int64_t result = tty_take_turn(&tty->read_lock, nonblocking);

    if (result != 0)
        return result;
    result = read_locked(tty, io, nonblocking);
    mutex_unlock(&tty->read_lock);
    return result;
}
