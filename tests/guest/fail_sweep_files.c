// SPDX-License-Identifier: MIT
/*
 * fail_sweep_files.c - each allocation of the calls on files, pipes, events and signals fails once; nothing is lost (sweep.h).
 */
#include "sweep.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* ---- Files ---- */

static const char *const path = "/tmp/fail_sweep";
static int file;

static bool act_open(void)
{
    file = open(path, O_RDWR | O_CREAT, 0600);
    return fine(file);
}

static bool remove_file(void)
{
    if (file >= 0)
        close(file);
    return unlink(path) == 0 || errno == ENOENT;
}

static bool open_file(void)
{
    file = open(path, O_RDWR | O_CREAT, 0600);
    return file >= 0;
}

static bool act_write(void)
{
    return fine(write(file, path, strlen(path))) & fine(ftruncate(file, 100000)) & fine(pwrite(file, "x", 1, 300000));
}

/* A mapping of the file, written and read, private and shared. */
static bool act_map_file(void)
{
    for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
        char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
        if (at == MAP_FAILED)
            return fine(-1);
        at[0]++;
        at[PAGE]++;
        munmap(at, 2 * PAGE);
    }
    return true;
}

static bool open_long_file(void)
{
    return open_file() && ftruncate(file, 2 * PAGE) == 0;
}

static bool act_names(void)
{
    if (mkdir("/tmp/fail_sweep.d", 0700) < 0)
        return fine(-1);
    return fine(symlink("x", "/tmp/fail_sweep.d/link"));
}

static bool remove_names(void)
{
    unlink("/tmp/fail_sweep.d/link");
    return rmdir("/tmp/fail_sweep.d") == 0 || errno == ENOENT;
}

static bool act_read_proc(void)
{
    static char text[2000];
    int fd = open("/proc/self/maps", O_RDONLY);

    if (fd < 0)
        return fine(fd);
    bool good = fine(read(fd, text, sizeof text));
    close(fd);
    return good;
}

static bool act_pipe(void)
{
    static char bytes[3 * PAGE];
    int ends[2];

    if (pipe(ends) < 0)
        return fine(-1);
    struct pollfd input = {.fd = ends[0], .events = POLLIN};
    bool good = fine(write(ends[1], bytes, sizeof bytes)) & fine(poll(&input, 1, 0));
    close(ends[0]);
    close(ends[1]);
    return good;
}

static bool act_terminal(void)
{
    int unlock = 0, slave, master = open("/dev/ptmx", O_RDWR | O_NOCTTY);

    if (master < 0)
        return fine(-1);
    bool good = ioctl(master, TIOCSPTLCK, &unlock) == 0;
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    good &= fine(slave);
    if (slave >= 0)
        good &= write(slave, "shown", 5) == 5 && write(master, "typed\n", 6) == 6;
    close(slave);
    close(master);
    return good;
}

/* ---- Signals ---- */

static volatile sig_atomic_t taken;

static void take(int signo)
{
    (void)signo;
    taken++;
}

/* A signal to oneself arrives, memory or not. */
static bool act_signal(void)
{
    taken = 0;
    if (signal(SIGUSR1, take) == SIG_ERR)
        return fine(-1);
    return fine(kill(getpid(), SIGUSR1)) && taken == 1;
}

/* One with a value is refused, or arrives. */
static bool act_queue(void)
{
    taken = 0;
    if (signal(SIGRTMIN, take) == SIG_ERR)
        return fine(-1);
    long result = sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
    return fine(result) && taken == (result == 0);
}

/* ---- Events, timers, locks ---- */

/* Watch `fd`, whose making may have failed, for a moment. */
static bool watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    bool good = fine(fd);

    if (fd < 0)
        return good;
    if (epoll >= 0)
        good = fine(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) && epoll_wait(epoll, &event, 1, 0) >= 0;
    close(fd);
    return good;
}

static bool act_events(void)
{
    sigset_t none;
    int ends[2], epoll = epoll_create1(0);
    bool good = fine(epoll);

    sigemptyset(&none);
    good &= watch(epoll, eventfd(1, 0));
    good &= watch(epoll, timerfd_create(CLOCK_MONOTONIC, 0));
    good &= watch(epoll, signalfd(-1, &none, 0));
    good &= watch(epoll, epoll_create1(0));
    good &= watch(epoll, syscall(SYS_pidfd_open, getpid(), 0));
    if (pipe(ends) == 0) {
        good &= watch(epoll, ends[0]);
        close(ends[1]);
    } else {
        good &= fine(-1);
    }
    if (epoll >= 0)
        close(epoll);
    return good;
}

static bool act_timer(void)
{
    struct itimerspec soon = {.it_value = {0, 1}, .it_interval = {0, 1000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    int id;

    signal(SIGUSR2, take);
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) != 0)
        return fine(-1);
    return syscall(SYS_timer_settime, id, 0, &soon, NULL) == 0 && syscall(SYS_timer_delete, id) == 0;
}

static bool lock_fine(long result)
{
    return result == 0 || errno == ENOLCK;
}

static bool act_locks(void)
{
    struct flock whole = {.l_type = F_WRLCK}, middle = {.l_type = F_RDLCK, .l_start = 10, .l_len = 5};
    struct flock none = {.l_type = F_UNLCK, .l_start = 12, .l_len = 1};
    int fd = open("/tmp/fail_locks", O_RDWR | O_CREAT, 0600);
    bool good = fine(fd);

    if (fd < 0)
        return good;
    good &= lock_fine(fcntl(fd, F_SETLK, &whole)) & lock_fine(fcntl(fd, F_SETLKW, &middle))
            & lock_fine(fcntl(fd, F_SETLK, &none)) & lock_fine(flock(fd, LOCK_EX));
    close(fd);
    while (unlink("/tmp/fail_locks") < 0)
        if (!fine(-1))
            return false;
    return good;
}

static const struct operation operations[] = {
    {"pipe", NULL, act_pipe, NULL},
    {"terminal", NULL, act_terminal, NULL},
    {"open", NULL, act_open, remove_file},
    {"write", open_file, act_write, remove_file},
    {"mmap_of_a_file", open_long_file, act_map_file, remove_file},
    {"names", NULL, act_names, remove_names},
    {"read_of_proc", NULL, act_read_proc, NULL},
    {"signal", NULL, act_signal, NULL},
    {"sigqueue", NULL, act_queue, NULL},
    {"events", NULL, act_events, NULL},
    {"timer", NULL, act_timer, NULL},
    {"locks", NULL, act_locks, NULL},
};

int main(void)
{
    sweep_all(operations, sizeof operations / sizeof *operations);
    return tap_done();
}
