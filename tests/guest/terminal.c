// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

int own_terminal = -1;

bool terminal_open(struct terminal *terminal)
{
    int unlock = 0, number;

    terminal->slave = -1;
    terminal->master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (terminal->master < 0 || ioctl(terminal->master, TIOCGPTN, &number) != 0 ||
        ioctl(terminal->master, TIOCSPTLCK, &unlock) != 0) {
        diag("no pseudo-terminal: %s", strerror(errno));
        return false;
    }
    snprintf(terminal->name, sizeof terminal->name, "/dev/pts/%d", number);
    terminal->slave = open(terminal->name, O_RDWR | O_NOCTTY);
    if (terminal->slave < 0)
        diag("%s: %s", terminal->name, strerror(errno));
    return terminal->slave >= 0;
}

void terminal_close(struct terminal *terminal)
{
    close(terminal->slave);
    close(terminal->master);
}

bool patient(long long *since)
{
    if (*since == 0)
        *since = now_ms();
    else
        sleep_ms(2);
    return now_ms() - *since < PATIENCE_MS;
}

bool put(int fd, const char *text)
{
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool comes(int fd, const char *text)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    size_t wanted = strlen(text), got = 0;
    char seen[512];

    while (got < wanted && poll(&one, 1, PATIENCE_MS) > 0) {
        ssize_t n = read(fd, seen + got, wanted - got);

        if (n <= 0)
            break;
        got += n;
    }
    if (got == wanted && memcmp(seen, text, got) == 0)
        return true;
    diag("wanted %zu bytes, got %zu (%s):", wanted, got, strerror(errno));
    for (size_t i = 0; i < got; i++)
        diag("  %02x %02x", (unsigned char)seen[i], (unsigned char)text[i]);
    return false;
}

static short events_of(int fd, short events, int timeout)
{
    struct pollfd one = {.fd = fd, .events = events};

    return poll(&one, 1, timeout) > 0 ? one.revents & events : 0;
}

bool polls(int fd, short events)
{
    long long since = 0;

    while (patient(&since)) {
        if (events_of(fd, events, 100) == events)
            return true;
    }
    return false;
}

bool polls_not(int fd, short events)
{
    long long since = 0;

    while (patient(&since)) {
        if (events_of(fd, events, 0) == 0)
            return true;
    }
    return false;
}

bool has_bytes(int fd, int count)
{
    long long since = 0;
    int now = -1;

    while (patient(&since)) {
        if (ioctl(fd, FIONREAD, &now) == 0 && now == count)
            return true;
    }
    diag("FIONREAD: %d, not %d", now, count);
    return false;
}

bool change(int fd, struct change change)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return false;
    settings.c_lflag = (settings.c_lflag & ~change.local_off) | change.local_on;
    settings.c_iflag = (settings.c_iflag & ~change.input_off) | change.input_on;
    settings.c_oflag = (settings.c_oflag & ~change.output_off) | change.output_on;
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

bool make_raw(int fd, unsigned min, unsigned time)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return false;
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = min;
    settings.c_cc[VTIME] = time;
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

bool session_begin(int slave)
{
    return setsid() == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0;
}

static claim_fn session_claim;
static struct terminal *session_terminal;

static bool session_main(void)
{
    close(session_terminal->master);
    own_terminal = session_terminal->slave;
    CHECK(session_begin(own_terminal));
    return session_claim();
}

pid_t session_start(struct terminal *terminal, claim_fn claim)
{
    session_claim = claim;
    session_terminal = terminal;
    return child_start(session_main);
}
