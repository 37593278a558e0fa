// SPDX-License-Identifier: MIT
/*
 * tty_output.c - from characters to what the device gets: OPOST, echo, waiting for the device.
 */
#include <linux/poll.h>

#include "dev/tty_private.h"
#include "lib/errno.h"

#define CHUNK 32u                   // characters taken from the writer at a time
#define MOST_PER_CHAR 8u            // a tab as spaces

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_utf8_tail(const struct tty *tty, uint8_t c)
{
    return tty_in(tty, IUTF8) && (c & 0xc0) == 0x80;
}

static unsigned put_tab(struct tty *tty, uint8_t *out)
{
    unsigned spaces = 8 - tty->column % 8;

    tty->column += spaces;
    if ((tty->termios.c_oflag & TABDLY) != XTABS) {
        out[0] = '\t';
        return 1;
    }
    for (unsigned i = 0; i < spaces; i++)
        out[i] = ' ';
    return spaces;
}

static unsigned put_newline(struct tty *tty, uint8_t *out)
{
    tcflag_t flags = tty->termios.c_oflag;
    unsigned n = 0;

    if (flags & (ONLCR | ONLRET))
        tty->column = 0;
    if (flags & ONLCR)
        out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

static unsigned put_return(struct tty *tty, uint8_t *out)
{
    tcflag_t flags = tty->termios.c_oflag;

    if ((flags & ONOCR) && tty->column == 0)
        return 0;
    if (!(flags & OCRNL) || (flags & ONLRET))
        tty->column = 0;
    out[0] = flags & OCRNL ? '\n' : '\r';
    return 1;
}

unsigned tty_process_output(struct tty *tty, uint8_t c, uint8_t *out)
{
    if (tty->termios.c_oflag & OPOST) {
        switch (c) {
        case '\n':
            return put_newline(tty, out);
        case '\r':
            return put_return(tty, out);
        case '\t':
            return put_tab(tty, out);
        case '\b':
            if (tty->column > 0)
                tty->column--;
            break;
        default:
            if (!is_control(c) && !is_utf8_tail(tty, c))
                tty->column++;
        }
    }
    out[0] = c;
    return 1;
}

void tty_echo_flush(struct tty *tty)
{
    while (tty->echo_tail != tty->echo_head) {
        if (tty->device->transmit(tty, &tty->echo[tty->echo_tail % ECHO_SIZE], 1) == 0)
            return;
        tty->echo_tail++;
    }
}

// What the device does not take is kept, as far as there is room: nobody waits for an echo.
void tty_echo(struct tty *tty, uint8_t c)
{
    uint8_t out[MOST_PER_CHAR];
    unsigned n = tty_process_output(tty, c, out), sent = 0;

    tty_echo_flush(tty);
    if (tty->echo_tail == tty->echo_head)
        sent = (unsigned)tty->device->transmit(tty, out, n);
    for (; sent < n && tty->echo_head - tty->echo_tail < ECHO_SIZE; sent++)
        tty->echo[tty->echo_head++ % ECHO_SIZE] = out[sent];
}

void tty_stop(struct tty *tty)
{
    if (tty->stopped)
        return;
    tty->stopped = true;
    tty_tell(tty, TIOCPKT_STOP);
}

void tty_start(struct tty *tty)
{
    if (!tty->stopped || tty->suspended)
        return;
    tty->stopped = false;
    tty_tell(tty, TIOCPKT_START);
}

void tty_writable(struct tty *tty)
{
    uint64_t flags = spin_lock_irq(&tty->lock);

    tty_echo_flush(tty);
    spin_unlock_irq(&tty->lock, flags);
    tty->output_ready = true;
    wake_all_for(&tty->writable, POLLOUT | POLLWRNORM);
}

// Hand bytes over while the terminal is not stopped. => how many were taken
static size_t send_now(struct tty *tty, const uint8_t *data, size_t size)
{
    size_t sent = 0;
    uint64_t flags;

    tty->output_ready = false;
    flags = spin_lock_irq(&tty->lock);
    tty_echo_flush(tty);
    if (!tty->stopped)
        sent = tty->device->transmit(tty, data, size);
    spin_unlock_irq(&tty->lock, flags);
    return sent;
}

static bool may_send(const struct tty *tty)
{
    return (tty->output_ready && !tty->stopped) || tty->hung_up;
}

// => 0; -EAGAIN, -EINTR, -EIO (hung up) with *sent bytes sent
static int send_all(struct tty *tty, const uint8_t *data, size_t size, bool nonblocking, size_t *sent)
{
    int error = 0;

    *sent = 0;
    while (error == 0) {
        *sent += send_now(tty, data + *sent, size - *sent);
        if (*sent == size)
            return 0;
        error = nonblocking ? -EAGAIN : wait_event_interruptible(&tty->writable, may_send(tty));
        if (tty->hung_up)
            error = -EIO;
    }
    return error;
}

// As many of `in` as fit when they grow. => bytes at `out`; *taken characters
static size_t process(struct tty *tty, const uint8_t *in, size_t size, uint8_t *out, size_t out_size, size_t *taken)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    size_t n = 0, i = 0;

    for (; i < size && n + MOST_PER_CHAR <= out_size; i++)
        n += tty_process_output(tty, in[i], out + n);
    spin_unlock_irq(&tty->lock, flags);
    *taken = i;
    return n;
}

// Write one chunk. A part of what a character became may have been sent when this stops: then it counts as written.
static int write_chunk(struct tty *tty, const uint8_t *in, size_t size, bool nonblocking, size_t *written)
{
    uint8_t out[CHUNK];
    size_t taken, sent;
    int error = 0;

    *written = 0;
    while (*written < size && error == 0) {
        size_t n = process(tty, in + *written, size - *written, out, sizeof out, &taken);

        error = send_all(tty, out, n, nonblocking, &sent);
        if (error == 0)
            *written += taken;
        else
            *written += MIN(taken, sent);
    }
    return error;
}

static int64_t write_all(struct tty *tty, struct io *io, bool nonblocking)
{
    uint8_t in[CHUNK];
    int64_t total = 0;
    size_t written;

    while (io->left > 0) {
        size_t n = io_copy_in(io, in, sizeof in);
        int error;

        if (n == 0)
            return total > 0 ? total : -EFAULT;
        error = write_chunk(tty, in, n, nonblocking, &written);
        total += (int64_t)written;
        if (error != 0)
            return total > 0 ? total : error;
    }
    return total;
}

int64_t tty_write_chars(struct tty *tty, struct io *io, bool nonblocking)
{
    int64_t result = tty_take_turn(&tty->write_lock, nonblocking);

    if (result != 0)
        return result;
    result = write_all(tty, io, nonblocking);
    mutex_unlock(&tty->write_lock);
    return result;
}
