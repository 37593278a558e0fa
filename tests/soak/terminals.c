// SPDX-License-Identifier: MIT
/*
 * terminals.c - sessions on pseudo-terminals: what is typed and shown arrives, and at any moment the master may close,
 * under readers, writers and a job in front, all of whom it ends.
 */
#include "soak.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { BYTES = 20000, PIECE = 3000, LINES = 20 };

struct pair {
    int master, slave;
    uint64_t seed;
};

static unsigned char shown[BYTES];

static bool pair_open(struct pair *pair)
{
    int unlock = 0, number;
    char name[32];

    pair->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pair->master < 0 || ioctl(pair->master, TIOCSPTLCK, &unlock) != 0 ||
        ioctl(pair->master, TIOCGPTN, &number) != 0)
        return false;
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    pair->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return pair->slave >= 0;
}

static bool make_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return false;
    cfmakeraw(&settings);
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

static bool session_begin(const struct pair *pair)
{
    close(pair->master);
    return setsid() > 0 && ioctl(pair->slave, TIOCSCTTY, 0) == 0;
}

/* Shows bytes, and reads as many back. */
static int be_mirrored(void *argument)
{
    struct pair *pair = argument;

    if (!session_begin(pair))
        return 1;
    pattern_fill(shown, BYTES, pair->seed);
    if (!write_whole(pair->slave, shown, BYTES, PIECE) || !read_whole(pair->slave, shown, BYTES, PIECE))
        return 2;
    return !pattern_holds(shown, BYTES, pair->seed + 1);
}

static bool mirror(struct pair *pair)
{
    pid_t child;

    if (!make_raw(pair->slave) || (child = start_child(be_mirrored, pair)) < 0)
        return false;
    bool good = read_whole(pair->master, shown, BYTES, PIECE) && pattern_holds(shown, BYTES, pair->seed);
    pattern_fill(shown, BYTES, pair->seed + 1);
    good &= write_whole(pair->master, shown, BYTES, PIECE);
    return ends_with(child, 0) && good;
}

/* The same, for one whose master may close at any time; false if it has already. */
static bool brief_session_begin(const struct pair *pair)
{
    signal(SIGHUP, SIG_IGN);
    return session_begin(pair);
}

/* Reads lines and shows them until there is an end. */
static int be_answering(void *argument)
{
    struct pair *pair = argument;
    char line[64];
    ssize_t length;

    if (!brief_session_begin(pair))
        return errno != EIO;
    while ((length = read(pair->slave, line, sizeof line)) > 0 && write(pair->slave, line, length) > 0)
        ;
    return 0;
}

/* The same, with a job in front that does nothing, and that nobody may leave behind. */
static int be_shell(void *argument)
{
    struct pair *pair = argument;
    int status;

    if (!brief_session_begin(pair))
        return errno != EIO;
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        signal(SIGHUP, SIG_DFL);
        setpgid(0, 0);
        tcsetpgrp(pair->slave, getpid());
        for (char byte; read(pair->slave, &byte, 1) > 0;)
            ;
        _exit(0);
    }
    return job < 0 || waitpid(job, &status, 0) != job;
}

/* Type into it and read from it, stop in the middle of everything, and close. */
static bool break_off(struct random *random, struct pair *pair)
{
    pid_t child = start_child(random_one_in(random, 2) ? be_answering : be_shell, pair);

    if (child < 0)
        return false;
    close(pair->slave);
    fcntl(pair->master, F_SETFL, O_RDWR | O_NONBLOCK);
    for (unsigned i = random_below(random, LINES); i > 0; i--) {
        char bytes[256];
        struct winsize size = {.ws_row = i};

        ioctl(pair->master, TIOCSWINSZ, &size);
        if (write(pair->master, "a line\n", 7) < 0 || random_one_in(random, 2))
            (void)!read(pair->master, bytes, sizeof bytes);
        if (random_one_in(random, 8))
            usleep(random_below(random, 2000));
    }
    close(pair->master);
    pair->master = pair->slave = -1;
    return ends_with(child, 0);
}

static bool round_of_terminals(struct random *random)
{
    struct pair pair = {.seed = random_next(random)};

    if (!pair_open(&pair))
        return false;
    bool good = random_one_in(random, 3) ? mirror(&pair) : break_off(random, &pair);
    close(pair.slave);
    close(pair.master);
    return good;
}

const struct mixture terminals = {"terminals", round_of_terminals, 4};
