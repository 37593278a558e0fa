// SPDX-License-Identifier: MIT
/*
 * fail_sweep.c - let the n-th allocation of an operation fail, for each n until none does: the caller gets ENOMEM, or the
 * operation succeeds all the same, and nothing is lost.
 *
 * /proc/gaur/fail arms the failure for the thread that writes n to it; a read tells how many allocations were left, and is
 * opened before, so that opening does not count. The suite compares the frames by kind afterwards.
 */
#include "gaur.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 2000 // allocations that no operation here needs
#define PAGES 16

static int arm_fd = -1;

static void arm(long n)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", n);

    if (pwrite(arm_fd, text, (size_t)length, 0) != length)
        _exit(99);
}

/* Allocations that were left before the one that fails; disarms. */
static long left(int fd)
{
    char text[24] = "";

    if (read(fd, text, sizeof text - 1) <= 0)
        _exit(99);
    return atol(text);
}

/* Whether a call did what it should, or said that there was no memory. */
static bool fine(long result)
{
    return result >= 0 || errno == ENOMEM || errno == EAGAIN;
}

/* Do `operation` with its n-th allocation failing, n = 1, 2, ... */
static bool sweep(const char *name, bool (*operation)(void))
{
    if (arm_fd < 0)
        arm_fd = open("/proc/gaur/fail", O_WRONLY | O_CLOEXEC);
    CHECK(arm_fd >= 0);
    for (long n = 1; n < MOST; n++) {
        int fd = open("/proc/gaur/fail", O_RDONLY);
        CHECK(fd >= 0);
        arm(n);
        bool good = operation();
        long rest = left(fd);
        close(fd);
        CHECK(good);
        CHECK(verify_is_ok());
        if (rest > 0) {
            printf("# %s: each of %ld allocations failed once\n", name, n - 1);
            fflush(stdout);
            return true;
        }
    }
    return false;
}

static bool do_fork(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child < 0 ? fine(child) : waitpid(child, &status, 0) == child && status == 0;
}

static bool do_map(void)
{
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return errno == ENOMEM;
    for (int i = 0; i < PAGES; i++)
        at[i * PAGE] = 1;
    bool good = fine(munmap(at + 4 * PAGE, 4 * PAGE));
    good &= fine(mprotect(at, 2 * PAGE, PROT_READ));
    return munmap(at, PAGES * PAGE) == 0 && good; // whole regions need no memory to go
}

static bool do_shared_map(void)
{
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return errno == ENOMEM;
    for (int i = 0; i < PAGES; i++)
        at[i * PAGE] = 1;
    return munmap(at, PAGES * PAGE) == 0;
}

static bool do_brk(void)
{
    char *end = (char *)syscall(SYS_brk, 0), *more = end + 3 * PAGE;

    if ((char *)syscall(SYS_brk, more) == more)
        memset(end, 1, (size_t)(more - end));
    return (char *)syscall(SYS_brk, end) == end;
}

static bool do_pipe(void)
{
    int ends[2];
    char byte = 0;

    if (pipe(ends) < 0)
        return fine(-1);
    bool good = fine(write(ends[1], &byte, 1));
    close(ends[0]);
    close(ends[1]);
    return good;
}

static bool do_file(void)
{
    const char *path = "/tmp/fail_sweep";
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        return fine(fd);
    bool good = fine(write(fd, path, strlen(path))) & fine(ftruncate(fd, 100000)) & fine(pwrite(fd, "x", 1, 300000));
    close(fd);
    while (unlink(path) < 0)
        if (!fine(-1))
            return false;
    return good;
}

static volatile sig_atomic_t taken;

static void take(int signo)
{
    (void)signo;
    taken++;
}

/* A signal to oneself arrives, memory or not. */
static bool do_signal(void)
{
    taken = 0;
    if (signal(SIGUSR1, take) == SIG_ERR)
        return fine(-1);
    return fine(kill(getpid(), SIGUSR1)) && taken == 1;
}

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

static bool do_events(void)
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

static bool do_timer(void)
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

static bool do_locks(void)
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

static bool do_clone_with_pidfd(void)
{
    int fd = -1, status = 0;
    uint64_t request[11] = {0x1000 /* CLONE_PIDFD */, (uintptr_t)&fd, 0, 0, SIGCHLD};
    pid_t child = syscall(SYS_clone3, request, sizeof request);

    if (child == 0)
        _exit(0);
    if (child < 0)
        return fine(child);
    close(fd);
    return waitpid(child, &status, 0) == child && status == 0;
}

/* Write to pages that a child shares. */
static bool do_cow(void)
{
    static char pages[PAGES * PAGE];
    pid_t child = fork();
    if (child < 0)
        return fine(child);
    if (child == 0)
        for (;;)
            pause();
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE]++;
    child_end(child);
    return true;
}

/* The child arms itself and execs this program, which tells by its status whether a failure is still to come. */
static int exec_status(long n)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        char number[16];
        int fd = open("/proc/gaur/fail", O_RDONLY);
        snprintf(number, sizeof number, "%d", fd);
        arm(n);
        execl("/proc/self/exe", "fail_sweep", "--left", number, (char *)NULL);
        _exit(errno == ENOMEM ? 1 : 2);
    }
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static bool exec_loses_nothing(void)
{
    NEEDS_GAUR();
    for (long n = 1; n < MOST; n++) {
        int status = exec_status(n);
        CHECK(verify_is_ok());
        if (status == 0) {
            printf("# exec: each of %ld allocations failed once\n", n - 1);
            fflush(stdout);
            return true;
        }
        bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 1;
        CHECK(refused || killed_by(status, SIGKILL)); // ENOMEM, or the end of who asked
    }
    return false;
}

static bool cow_writes_lose_nothing(void) { NEEDS_GAUR(); return sweep("fork and writes after it", do_cow); }
static bool fork_loses_nothing(void) { NEEDS_GAUR(); return sweep("fork", do_fork); }
static bool maps_lose_nothing(void) { NEEDS_GAUR(); return sweep("mmap, faults, munmap and mprotect of a part", do_map); }
static bool shared_maps_lose_nothing(void) { NEEDS_GAUR(); return sweep("shared mmap", do_shared_map); }
static bool brk_loses_nothing(void) { NEEDS_GAUR(); return sweep("brk", do_brk); }
static bool pipes_lose_nothing(void) { NEEDS_GAUR(); return sweep("pipe", do_pipe); }
static bool files_lose_nothing(void) { NEEDS_GAUR(); return sweep("files", do_file); }
static bool events_lose_nothing(void) { NEEDS_GAUR(); return sweep("epoll and what it watches", do_events); }
static bool timers_lose_nothing(void) { NEEDS_GAUR(); return sweep("POSIX timers", do_timer); }
static bool locks_lose_nothing(void) { NEEDS_GAUR(); return sweep("file locks", do_locks); }
static bool pidfds_lose_nothing(void) { NEEDS_GAUR(); return sweep("clone with a pidfd", do_clone_with_pidfd); }
static bool signals_lose_nothing(void) { NEEDS_GAUR(); return sweep("signals", do_signal); }

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--left") == 0)
        return left(atoi(argv[2])) > 0 ? 0 : 1;
    TEST(fork_loses_nothing);
    TEST(exec_loses_nothing);
    TEST(maps_lose_nothing);
    TEST(shared_maps_lose_nothing);
    TEST(cow_writes_lose_nothing);
    TEST(brk_loses_nothing);
    TEST(pipes_lose_nothing);
    TEST(files_lose_nothing);
    TEST(signals_lose_nothing);
    TEST(events_lose_nothing);
    TEST(timers_lose_nothing);
    TEST(locks_lose_nothing);
    TEST(pidfds_lose_nothing);
    return tap_done();
}
