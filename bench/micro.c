// SPDX-License-Identifier: MIT
/*
 * micro.c - what the memory manager's operations cost, one line each: NAME INSTRUCTIONS.
 *
 * The same static binary runs on Gaur and on Linux. Under QEMU's -icount shift=0 the time-stamp counter counts
 * instructions, so the figures repeat to the last digit; without it they are cycles, or something like them.
 * Arguments: names (or beginnings of names) of the rows to run; none means all that fit into 16 MB.
 * The rows fork_SIZE, fork_wait_SIZE and cow_SIZE take a size in MiB in place of SIZE: they run when named.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)

static uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void report(const char *name, uint64_t total, uint64_t operations)
{
    printf("%s %lu\n", name, (unsigned long)(total / operations));
    fflush(stdout);
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static char *map(size_t size)
{
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        fail("mmap");
    return at;
}

static void touch(char *at, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        at[i] = 1;
}

/* --- system calls */

static void null_call(void)
{
    const int rounds = 1000;
    uint64_t start = now();

    for (int i = 0; i < rounds; i++)
        getppid();
    report("null_call", now() - start, rounds);
}

static void pipe_round_trip(void)
{
    const int rounds = 300;
    int there[2], back[2];
    char byte = 0;

    if (pipe(there) || pipe(back))
        fail("pipe");
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < rounds + 10; i++)
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 10; i++) // both sides have touched what they need
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("pipe");
    uint64_t start = now();
    for (int i = 0; i < rounds; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("pipe");
    report("pipe_round_trip", now() - start, rounds);
    waitpid(child, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
}

/* --- faults */

static void anonymous_faults(void)
{
    const size_t pages = 512;
    char *at = map(pages * PAGE);
    volatile char *read_at = at;
    uint64_t start = now();

    for (size_t i = 0; i < pages; i++)
        (void)read_at[i * PAGE];
    report("anonymous_read_fault", now() - start, pages);
    munmap(at, pages * PAGE);
    at = map(pages * PAGE);
    start = now();
    touch(at, pages * PAGE);
    report("anonymous_write_fault", now() - start, pages);
    munmap(at, pages * PAGE);
}

/* The child writes each page of `size` resident bytes and tells what one write cost. */
static void cow_faults(const char *name, size_t size)
{
    char *at = map(size);
    int result[2];
    uint64_t cost = 0;

    touch(at, size);
    if (pipe(result))
        fail("pipe");
    pid_t child = fork();
    if (child == 0) {
        uint64_t start = now();
        for (size_t i = 0; i < size; i += PAGE)
            at[i] = 2;
        cost = (now() - start) / (size / PAGE);
        _exit(write(result[1], &cost, sizeof cost) != sizeof cost);
    }
    if (read(result[0], &cost, sizeof cost) != sizeof cost)
        fail("cow");
    report(name, cost, 1);
    waitpid(child, NULL, 0);
    close(result[0]);
    close(result[1]);
    munmap(at, size);
}

/* --- maps */

static void map_and_unmap(void)
{
    const int rounds = 200;
    uint64_t start = now();

    for (int i = 0; i < rounds; i++)
        munmap(map(64 * 1024), 64 * 1024);
    report("mmap_munmap_64k", now() - start, rounds);
}

static void protect(void)
{
    const int rounds = 20;
    char *at = map(MIB);

    touch(at, MIB);
    uint64_t start = now();
    for (int i = 0; i < rounds; i++) {
        mprotect(at, MIB, PROT_READ);
        mprotect(at, MIB, PROT_READ | PROT_WRITE);
    }
    report("mprotect_1m_there_and_back", now() - start, rounds);
    munmap(at, MIB);
}

static void brk_up_and_down(void)
{
    const int rounds = 200;
    uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
    uint64_t start = now();

    for (int i = 0; i < rounds; i++) {
        syscall(SYS_brk, end + 64 * 1024);
        syscall(SYS_brk, end);
    }
    report("brk_64k_up_and_down", now() - start, rounds);
}

/* --- processes */

/* With `size` bytes resident: the call alone as the parent sees it, and until the child's end is known. */
static void fork_cost(const char *call, const char *whole, size_t size)
{
    const int rounds = 20;
    char *at = size ? map(size) : NULL;
    uint64_t in_call = 0, in_all = 0;

    if (at)
        touch(at, size);
    for (int i = 0; i < rounds + 2; i++) {
        uint64_t start = now();
        pid_t child = (pid_t)syscall(SYS_fork);
        if (child == 0)
            syscall(SYS_exit_group, 0);
        uint64_t middle = now();
        if (child < 0 || waitpid(child, NULL, 0) != child)
            fail("fork");
        if (i < 2)
            continue; // what is made once
        in_call += middle - start;
        in_all += now() - start;
    }
    report(call, in_call, rounds);
    report(whole, in_all, rounds);
    if (at)
        munmap(at, size);
}

static void spawn(void)
{
    const int rounds = 10;
    uint64_t start = 0;

    for (int i = 0; i < rounds + 1; i++) {
        if (i == 1)
            start = now();
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "micro", "--nothing", (char *)NULL);
            _exit(127);
        }
        int status;
        if (waitpid(child, &status, 0) != child || status)
            fail("fork and exec");
    }
    report("fork_exec_wait", now() - start, rounds);
}

/* --- rows */

static void sized_row(const char *name)
{
    const char *digits = strpbrk(name, "0123456789");
    size_t size = digits ? strtoul(digits, NULL, 10) * MIB : 0;
    char other[64];

    if (strncmp(name, "cow_", 4) == 0)
        cow_faults(name, size);
    else if (strncmp(name, "fork_", 5) == 0) {
        snprintf(other, sizeof other, "fork_wait_%s", digits ? digits : "");
        fork_cost(name, other, size);
    }
}

static void fork_tiny(void)
{
    fork_cost("fork_call_tiny", "fork_exit_wait_tiny", 0);
}

static void cow_small(void)
{
    cow_faults("cow_fault_1m", MIB);
}

static const struct row {
    const char *name;
    void (*run)(void);
} rows[] = {
    {"null_call", null_call},
    {"pipe_round_trip", pipe_round_trip},
    {"anonymous_faults", anonymous_faults},
    {"cow_fault_1m", cow_small},
    {"mmap_munmap_64k", map_and_unmap},
    {"mprotect_1m", protect},
    {"brk_64k", brk_up_and_down},
    {"fork_tiny", fork_tiny},
    {"spawn", spawn},
};

static void run_named(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0) {
            rows[i].run();
            return;
        }
    sized_row(name);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--nothing") == 0)
        return 0;
    for (int i = 1; i < argc; i++)
        run_named(argv[i]);
    if (argc == 1)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            rows[i].run();
    return 0;
}
