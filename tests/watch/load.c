// SPDX-License-Identifier: MIT
/*
 * load.c - keeps the memory manager busy while the viewer looks at it from outside, and has it verified so often:
 *
 *   load VERIFICATIONS WORKERS
 *
 * Each worker forks, maps, touches, protects, grows its stack, unmaps and exits at random. Exit status 0 if /proc/gaur/verify was always
 * content.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define AREA (256 * PAGE)

static unsigned below(unsigned limit)
{
    return (unsigned)random() % limit;
}

static void touch(char *area, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        area[below(AREA / PAGE) * PAGE] = (char)i;
}

static int grow_stack(unsigned depth)
{
    volatile char room[PAGE];

    room[0] = (char)depth;
    return depth ? grow_stack(depth - 1) + room[0] : 0;
}

/* What a child does with its parent's memory; and its own children. */
static void live(char *area, int shared, unsigned depth)
{
    touch(area, below(20));
    mprotect(area + below(128) * PAGE, below(64) * PAGE, PROT_READ);
    mprotect(area, AREA, PROT_READ | PROT_WRITE);
    touch(area, below(20));
    grow_stack(below(40));
    munmap(area + below(AREA / PAGE) * PAGE, PAGE);
    char *mapped = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (mapped != MAP_FAILED)
        mapped[below(16) * PAGE] = 1;
    for (unsigned i = below(3); depth > 0 && i > 0; i--)
        if (fork() == 0)
            return live(area, shared, depth - 1);
    while (wait(NULL) > 0)
        ;
}

static void work(unsigned seed, int shared)
{
    srandom(seed);
    for (;;) {
        char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            continue;
        touch(area, 60);
        for (unsigned i = 0; i < 3; i++)
            if (fork() == 0) {
                live(area, shared, 2);
                _exit(0);
            }
        while (wait(NULL) > 0)
            ;
        munmap(area, AREA);
    }
}

/* => whether verify found nothing */
static int verify(void)
{
    char text[4096];
    int fd = open("/proc/gaur/verify", O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    close(fd);
    if (size > 0 && strncmp(text, "verify: ok", 10) == 0)
        return 1;
    fprintf(stderr, "verify: %.*s\n", size > 0 ? (int)size : 0, text);
    return 0;
}

int main(int count, char **arguments)
{
    int verifications = count > 1 ? atoi(arguments[1]) : 100, workers = count > 2 ? atoi(arguments[2]) : 3, fine = 1;
    int shared = memfd_create("shared", 0);
    pid_t worker[16];

    if (workers > 16 || ftruncate(shared, 16 * PAGE) != 0)
        return 2;
    for (int i = 0; i < workers; i++)
        if ((worker[i] = fork()) == 0) {
            setpgid(0, 0);
            work((unsigned)i + 1, shared);
        }
    for (int i = 0; i < verifications && fine; i++) {
        fine = verify();
        usleep((useconds_t)below(5000));
    }
    for (int i = 0; i < workers; i++) {
        kill(-worker[i], SIGKILL);
        kill(worker[i], SIGKILL);
    }
    return !fine;
}
