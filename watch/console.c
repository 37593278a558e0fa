// SPDX-License-Identifier: MIT
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "files.h"

#define KEPT (64u << 10)
#define CTRL_A 1
#define FULL_MILLISECONDS 10

static struct termios saved;

void console_open(struct console *console, int guest, bool terminal)
{
    struct termios raw;

    *console = (struct console){.guest = guest, .terminal = terminal};
    if (!terminal || tcgetattr(STDIN_FILENO, &saved) != 0) {
        console->terminal = false;
        return;
    }
    raw = saved;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void console_close(struct console *console)
{
    if (console->terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    console->terminal = false;
}

static void keep(struct console *console, const char *piece, size_t length)
{
    struct text *said = &console->said;

    if (said->count + length > KEPT && said->count > 0) {
        size_t dropped = said->count < length ? said->count : length;
        memmove(said->array, said->array + dropped, said->count - dropped);
        said->count -= dropped;
    }
    text_put(said, piece, length);
}

size_t console_read(struct console *console, char *piece, size_t size)
{
    ssize_t got = recv(console->guest, piece, size, 0);

    if (got <= 0)
        return 0;
    write_all(STDOUT_FILENO, piece, (size_t)got); // a reader that has gone is no reason to stop watching
    keep(console, piece, (size_t)got);
    return (size_t)got;
}

void console_flush(struct console *console)
{
    struct text *typed = &console->typed;
    ssize_t done = typed->count > 0 ? send(console->guest, typed->array, typed->count, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

    if (done < 0 && errno != EAGAIN && errno != EINTR)
        done = (ssize_t)typed->count; // the guest has gone
    if (done <= 0)
        return;
    memmove(typed->array, typed->array + done, typed->count - (size_t)done);
    typed->count -= (size_t)done;
}

void console_type(struct console *console, const char *text, size_t length)
{
    text_put(&console->typed, text, length);
    console_flush(console);
}

/* Whether the guest has taken what was typed before; a little while is waited for that. */
static bool can_take(struct console *console)
{
    if (console->typed.count > 0)
        poll(&(struct pollfd){.fd = console->guest, .events = POLLOUT}, 1, FULL_MILLISECONDS);
    console_flush(console);
    return console->typed.count == 0;
}

/* Ctrl-A X ends the guest; Ctrl-A twice is one; what else follows goes with it, as it was typed. */
static void typed(struct console *console, char byte, bool *quit)
{
    const char both[] = {CTRL_A, byte};

    if (!console->escape && console->terminal && byte == CTRL_A) {
        console->escape = true;
        return;
    }
    if (console->escape && (byte == 'x' || byte == 'X'))
        *quit = true;
    else if (console->escape && byte != CTRL_A)
        console_type(console, both, sizeof both);
    else
        console_type(console, &byte, 1);
    console->escape = false;
}

bool console_read_terminal(struct console *console, bool *quit)
{
    char piece[1024];

    *quit = false;
    if (!console->terminal && !can_take(console))
        return true;
    ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < got; i++)
        typed(console, piece[i], quit);
    return got > 0;
}
