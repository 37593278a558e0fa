// SPDX-License-Identifier: MIT
/*
 * fail_again_memory.c - a call that changes memory or makes a process and found no memory for that is made again, and comes to what it
 * would have come to; one for which no memory lacks is not (sweep.h).
 */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGES 16

static char *pages, *place;

static bool map_and_fill(void)
{
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    memset(pages, 'p', PAGES * PAGE);
    return true;
}

static bool unmap_pages(void)
{
    return munmap(pages, PAGES * PAGE) == 0;
}

/* ---- Memory ---- */

static bool act_brk(void)
{
    char *end = (char *)syscall(SYS_brk, 0), *more = end + 600 * PAGE;

    return (char *)syscall(SYS_brk, more) == more && (char *)syscall(SYS_brk, end) == end;
}

static bool act_map_over(void)
{
    char *map = mmap(pages + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    return map == pages + PAGE && map[0] == 0 && pages[0] == 'p' && pages[3 * PAGE] == 'p';
}

static bool act_protect_and_forget(void)
{
    return mprotect(pages + PAGE, 2 * PAGE, PROT_READ) == 0 && madvise(pages + 4 * PAGE, PAGE, MADV_DONTNEED) == 0 &&
           madvise(pages + 6 * PAGE, PAGE, MADV_DONTFORK) == 0 && mlock(pages + 8 * PAGE, PAGE) == 0 &&
           munmap(pages + 10 * PAGE, PAGE) == 0 && pages[11 * PAGE] == 'p' && pages[4 * PAGE] == 0;
}

static bool act_grow(void)
{
    char *at = mremap(pages, PAGES * PAGE, 40 * PAGES * PAGE, MREMAP_MAYMOVE);

    CHECK(at != MAP_FAILED);
    pages = at;
    return at[0] == 'p' && at[PAGES * PAGE] == 0 && munmap(at + PAGES * PAGE, 39 * PAGES * PAGE) == 0;
}

static bool map_two(void)
{
    place = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return place != MAP_FAILED && map_and_fill();
}

static bool unmap_two(void)
{
    return munmap(place, PAGES * PAGE) == 0 && unmap_pages();
}

/* Once what was at the new place has gone, it is told that memory lacked, and not made again: others may be there meanwhile. */
static bool act_move(void)
{
    char *at = mremap(pages, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);

    if (at == MAP_FAILED)
        return errno == ENOMEM && pages[0] == 'p';
    return at == place && at[0] == 'p';
}

static bool act_segment(void)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    char *at = shmat(id, NULL, 0);

    CHECK(id >= 0 && at != (void *)-1);
    at[0] = 1;
    return shmdt(at) == 0 && shmctl(id, IPC_RMID, NULL) == 0;
}

static bool act_semaphores(void)
{
    struct sembuf steps[] = {{0, 1, SEM_UNDO}, {1, 1, 0}};
    int id = semget(IPC_PRIVATE, 400, 0600);

    return id >= 0 && semop(id, steps, 2) == 0 && semctl(id, 0, GETVAL) == 1 && semctl(id, 1, GETVAL) == 1 && semctl(id, 0, IPC_RMID) == 0;
}

static bool act_messages(void)
{
    static struct {
        long type;
        char text[8000];
    } message = {.type = 1};
    int id = msgget(IPC_PRIVATE, 0600);

    return id >= 0 && msgsnd(id, &message, 8000, 0) == 0 && msgrcv(id, &message, 8000, 0, IPC_NOWAIT) == 8000 &&
           msgrcv(id, &message, 8000, 0, IPC_NOWAIT) == -1 && msgctl(id, IPC_RMID, NULL) == 0;
}

/* ---- Processes ---- */

static bool act_fork(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child > 0 && child_wait(child) == 0;
}

static bool act_vfork(void)
{
    pid_t child = vfork();

    if (child == 0)
        _exit(0);
    return child > 0 && child_wait(child) == 0;
}

static bool act_clone_with_pidfd(void)
{
    int fd = -1;
    uint64_t request[11] = {0x1000 /* CLONE_PIDFD */, (uintptr_t)&fd, 0, 0, SIGCHLD};
    pid_t child = syscall(SYS_clone3, request, sizeof request);

    if (child == 0)
        _exit(0);
    return child > 0 && child_wait(child) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && close(fd) == 0;
}

static void *do_nothing(void *argument)
{
    return argument;
}

static bool act_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, do_nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

/* ---- Signals ---- */

static char *untouched;

/* Its own fault may find no memory at first; what it returns to is a call that says EAGAIN. */
static void let_it_say_again(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    *untouched = 1;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -EAGAIN;
}

static bool catch_a_signal(void)
{
    struct sigaction action = {.sa_sigaction = let_it_say_again, .sa_flags = SA_SIGINFO};

    untouched = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return untouched != MAP_FAILED && sigaction(SIGUSR1, &action, NULL) == 0;
}

static bool act_sigreturn(void)
{
    errno = 0;
    return syscall(SYS_kill, getpid(), SIGUSR1) == -1 && errno == EAGAIN;
}

static bool ignore_it(void)
{
    return munmap(untouched, PAGE) == 0 && signal(SIGUSR1, SIG_IGN) != SIG_ERR;
}

static const struct operation operations[] = {
    {"brk", NULL, act_brk, NULL},
    {"mmap_of_a_fixed_place", map_and_fill, act_map_over, unmap_pages},
    {"mprotect_and_the_like", map_and_fill, act_protect_and_forget, unmap_pages},
    {"mremap", map_and_fill, act_grow, unmap_pages},
    {"mremap_to_a_fixed_place", map_two, act_move, unmap_two},
    {"shmget", NULL, act_segment, NULL},
    {"semop", NULL, act_semaphores, NULL},
    {"msgsnd", NULL, act_messages, NULL},
    {"fork", NULL, act_fork, NULL},
    {"vfork", NULL, act_vfork, NULL},
    {"clone_with_a_pidfd", NULL, act_clone_with_pidfd, NULL},
    {"thread", NULL, act_thread, NULL},
    {"sigreturn", catch_a_signal, act_sigreturn, ignore_it},
};

int main(void)
{
    sweep_again_all(operations, sizeof operations / sizeof *operations);
    return tap_done();
}
