// SPDX-License-Identifier: MIT
/*
 * fail_sweep.c - each allocation of the calls that make processes and change memory fails once; nothing is lost (sweep.h).
 */
#include "sweep.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 16

static char *pages;

/* ---- Processes ---- */

static bool act_fork(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child < 0 ? fine(child) : child_wait(child) == 0;
}

static bool act_vfork(void)
{
    pid_t child = vfork();

    if (child == 0)
        _exit(0);
    return child < 0 ? fine(child) : child_wait(child) == 0;
}

static void *do_nothing(void *argument)
{
    return argument;
}

static bool act_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, do_nothing, &pages);

    if (error)
        return error == EAGAIN || error == ENOMEM;
    return pthread_join(thread, NULL) == 0;
}

static bool act_clone_with_pidfd(void)
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

/* The child arms itself and execs this program, which tells by its status whether a failure is still to come. */
static int exec_status(long n)
{
    pid_t child = fork();

    if (child == 0) {
        char number[16];
        int fd = open("/proc/gaur/fail", O_RDONLY);
        snprintf(number, sizeof number, "%d", fd);
        sweep_arm(n);
        execl("/proc/self/exe", "fail_sweep", "--left", number, (char *)NULL);
        _exit(errno == ENOMEM ? 1 : 2);
    }
    return child_wait(child);
}

static bool exec_loses_nothing(void)
{
    static struct frames before;

    NEEDS_GAUR();
    CHECK(sweep_begin() && exec_status(SWEEP_MOST) == 0);
    CHECK(frames_settle(&before));
    for (long n = 1; n < SWEEP_MOST; n++) {
        int status = exec_status(n);
        CHECK(verify_is_ok());
        if (status == 0) {
            diag("exec: each of %ld allocations failed once", n - 1);
            sweep_end();
            return frames_are_not_lost(&before);
        }
        bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 1;
        CHECK(refused || killed_by(status, SIGKILL)); // ENOMEM, or the end of who asked
    }
    return false;
}

/* ---- Memory ---- */

static bool map_pages(void)
{
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages != MAP_FAILED;
}

static bool map_and_fill(void)
{
    CHECK(map_pages());
    memset(pages, 'p', PAGES * PAGE);
    return true;
}

/* Whole regions need no memory to go. */
static bool unmap_pages(void)
{
    return pages == MAP_FAILED || munmap(pages, PAGES * PAGE) == 0;
}

static bool act_map(void)
{
    return map_pages() || fine(-1);
}

static bool act_unmap_part(void)
{
    long result = munmap(pages + 4 * PAGE, 4 * PAGE);

    return fine(result) && pages[0] == 'p' && pages[8 * PAGE] == 'p' && (result == 0 || pages[4 * PAGE] == 'p');
}

static bool act_protect(void)
{
    long result = mprotect(pages + PAGE, 2 * PAGE, PROT_READ);

    if (result < 0)
        pages[PAGE] = 'q'; // nothing has changed
    return fine(result) && pages[2 * PAGE] == 'p';
}

static bool act_fault(void)
{
    for (int i = 0; i < PAGES; i++) {
        if (i % 2)
            pages[i * PAGE] = 1;
        else if (((volatile char *)pages)[i * PAGE] != 0)
            return false;
    }
    return true;
}

static bool act_map_shared(void)
{
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return fine(-1);
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE] = 1;
    return true;
}

static bool act_move(void)
{
    char *at = mremap(pages, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);

    if (at == MAP_FAILED)
        return errno == ENOSYS || fine(-1);
    bool good = at[0] == 'p' && at[(PAGES - 1) * PAGE] == 'p' && at[PAGES * PAGE] == 0;
    pages = at;
    return munmap(at + PAGES * PAGE, PAGES * PAGE) == 0 && good;
}

static bool act_forget(void)
{
    return madvise(pages + PAGE, 2 * PAGE, MADV_DONTNEED) == 0 || errno == EINVAL || fine(-1);
}

static bool act_brk(void)
{
    char *end = (char *)syscall(SYS_brk, 0), *more = end + 3 * PAGE;

    if ((char *)syscall(SYS_brk, more) == more)
        memset(end, 1, (size_t)(more - end));
    return (char *)syscall(SYS_brk, end) == end;
}

/* ---- Copy-on-write ---- */

static pid_t sharer;

static bool share_pages(void)
{
    CHECK(map_and_fill());
    sharer = fork();
    if (sharer == 0)
        for (;;)
            pause();
    return sharer > 0;
}

static bool end_sharer(void)
{
    child_end(sharer);
    return unmap_pages();
}

static bool act_cow(void)
{
    for (int i = 0; i < PAGES; i++) {
        if (++pages[i * PAGE] != 'q')
            return false;
    }
    return true;
}

static const struct operation operations[] = {
    {"fork", NULL, act_fork, NULL},
    {"vfork", NULL, act_vfork, NULL},
    {"thread", NULL, act_thread, NULL},
    {"mmap", NULL, act_map, unmap_pages},
    {"munmap_of_a_part", map_and_fill, act_unmap_part, unmap_pages},
    {"mprotect", map_and_fill, act_protect, unmap_pages},
    {"fault", map_pages, act_fault, unmap_pages},
    {"shared_mmap", NULL, act_map_shared, unmap_pages},
    {"mremap", map_and_fill, act_move, unmap_pages},
    {"madvise", map_and_fill, act_forget, unmap_pages},
    {"brk", NULL, act_brk, NULL},
    {"cow_fault", share_pages, act_cow, end_sharer},
    {"munmap_of_a_part_of_what_is_shared", share_pages, act_unmap_part, end_sharer},
    {"mprotect_of_what_is_shared", share_pages, act_protect, end_sharer},
    {"clone_with_a_pidfd", NULL, act_clone_with_pidfd, NULL},
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--left") == 0)
        return sweep_left(atoi(argv[2])) > 0 ? 0 : 1;
    sweep_all(operations, sizeof operations / sizeof *operations);
    TEST(exec_loses_nothing);
    return tap_done();
}
