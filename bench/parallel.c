// SPDX-License-Identifier: MIT
/*
 * parallel.c - pages that one and two CPUs fault in, in the threads of one process and in processes of their own.
 *
 * These rows are about time: they run without -icount. What is wanted to know is what the kernel makes of a second CPU, not what the host
 * does. Its CPUs are shared with others, each is fast at one moment and slow at the next. So a trial of both stands between trials of each
 * alone, each CPU is compared with itself, and what is told is the median: of pages a second, and of how many there are of both for a
 * hundred of one. Two of them may share a core and caches, or be clocked lower than one alone: so the other CPU has work in trials of one,
 * too, a program that clears as many pages a second as a worker is given, but asks nothing of the kernel. Who works where is fixed.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define CPUS 2
#define ALL_CPUS ((1u << CPUS) - 1)
#define TRIALS 121
#define WARM_UP 10 // trials before; what is done for the first time takes longer, in an emulator above all
#define SIZE (4 * MIB)
#define SETTLE_NS 1000000 // before the work begins

/* What the workers of a trial share, be they threads or processes: one on each CPU that takes part. */
struct trial {
    unsigned cpus;                 // a bit for each
    atomic_int missing;            // workers that have not begun
    atomic_int working;            // ... that have not written to all that is measured
    uint64_t taken[CPUS];          // by each, in nanoseconds
};

static void stay_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("sched_setaffinity");
}

/*
 * Wait until all workers are there, and then as long as who began the trial may need to go and wait for their end: it has no CPU of its
 * own, and would do so in their time.
 */
static void begin_together(struct trial *trial)
{
    atomic_fetch_sub(&trial->missing, 1);
    while (atomic_load(&trial->missing) > 0)
        sched_yield();
    for (uint64_t end = nanoseconds() + SETTLE_NS; nanoseconds() < end;)
        sched_yield();
}

/*
 * Write to memory of one's own, beginning when all others do, and go on until all others have written to as much, so that nobody is alone
 * at the end. What is measured is faults alone: what a child shares with its parent is copied before, and nobody unmaps before all are
 * done.
 */
static void work(struct trial *trial, int cpu)
{
    char *at = map(2 * SIZE);

    stay_on(cpu);
    at[2 * SIZE - 1] = 1; // makes the way there the child's own
    begin_together(trial);
    uint64_t start = nanoseconds();
    touch(at, SIZE);
    trial->taken[cpu] = nanoseconds() - start;
    atomic_fetch_sub(&trial->working, 1);
    for (size_t i = SIZE; i < 2 * SIZE && atomic_load(&trial->working) > 0; i += PAGE)
        at[i] = 1;
    while (atomic_load(&trial->working) > 0)
        ;
    munmap(at, 2 * SIZE);
}

static struct trial *trial;

static void *work_as_thread(void *cpu)
{
    work(trial, (int)(intptr_t)cpu);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[CPUS];

    for (int cpu = 0; cpu < CPUS; cpu++)
        if ((trial->cpus & 1u << cpu) && pthread_create(&threads[cpu], NULL, work_as_thread, (void *)(intptr_t)cpu))
            fail("pthread_create");
    for (int cpu = 0; cpu < CPUS; cpu++)
        if (trial->cpus & 1u << cpu)
            pthread_join(threads[cpu], NULL);
}

static void run_processes(void)
{
    pid_t children[CPUS];

    for (int cpu = 0; cpu < CPUS; cpu++) {
        if (!(trial->cpus & 1u << cpu))
            continue;
        children[cpu] = fork();
        if (children[cpu] == 0) {
            work(trial, cpu);
            _exit(0);
        }
        if (children[cpu] < 0)
            fail("fork");
    }
    for (int cpu = 0; cpu < CPUS; cpu++)
        if (trial->cpus & 1u << cpu)
            end_child(children[cpu]);
}

static void spin(uint64_t rounds)
{
    while (rounds-- > 0)
        __asm__ volatile("");
}

/* How long to spin after each page, for one to take `page_ns` nanoseconds in all. The clock would have to be asked, and that is not free. */
static uint64_t rounds_a_page(char *at, uint64_t page_ns)
{
    const uint64_t pages = 2 * SIZE / PAGE, rounds = 1000000;
    uint64_t start = nanoseconds();

    memset(at, 0, 2 * SIZE);
    uint64_t clear_ns = (nanoseconds() - start) / pages;
    start = nanoseconds();
    spin(rounds);
    uint64_t rounds_ns = nanoseconds() - start;
    return page_ns > clear_ns ? (page_ns - clear_ns) * rounds / rounds_ns : 0;
}

/*
 * A program that keeps a CPU and memory as busy as a worker does which is given a page every `page_ns` nanoseconds, and asks nothing of the
 * kernel: it clears pages that it has. => stopped
 */
static pid_t companion(int cpu, uint64_t page_ns)
{
    pid_t pid = fork();

    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        char *at = map(2 * SIZE);
        stay_on(cpu);
        touch(at, 2 * SIZE);
        uint64_t rounds = rounds_a_page(at, page_ns);
        raise(SIGSTOP);
        for (size_t i = 0;; i = (i + PAGE) % (2 * SIZE)) {
            memset(at + i, 0, PAGE);
            spin(rounds);
        }
    }
    if (waitpid(pid, NULL, WUNTRACED) != pid)
        fail("waitpid");
    return pid;
}

static void end_companion(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Pages a second of each CPU that takes part. */
static void rates(void (*run)(void), unsigned cpus, uint64_t rate[CPUS])
{
    int workers = __builtin_popcount(cpus);

    *trial = (struct trial){.cpus = cpus, .missing = workers, .working = workers};
    run();
    for (int cpu = 0; cpu < CPUS; cpu++)
        if (cpus & 1u << cpu)
            rate[cpu] = SIZE / PAGE * 1000000000 / trial->taken[cpu];
}

/* The same of one CPU, while the other one has to do with the companion. */
static void rate_alone(void (*run)(void), int cpu, pid_t beside, uint64_t rate[CPUS])
{
    kill(beside, SIGCONT);
    rates(run, 1u << cpu, rate);
    kill(beside, SIGSTOP);
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void report_median(const char *what, const char *which, uint64_t values[TRIALS])
{
    char name[64];

    qsort(values, TRIALS, sizeof values[0], compare);
    snprintf(name, sizeof name, "parallel_%s_%s", what, which);
    report(name, values[TRIALS / 2], 1);
}

static void measure(const char *what, void (*run)(void))
{
    uint64_t one[TRIALS], two[TRIALS], gain[TRIALS], alone[CPUS], together[CPUS];

    trial = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trial == MAP_FAILED)
        fail("mmap");
    for (int i = 0; i < WARM_UP; i++)
        rates(run, ALL_CPUS, together);
    pid_t beside[CPUS] = {companion(1, 1000000000 / together[1]), companion(0, 1000000000 / together[0])};
    for (int i = 0; i < TRIALS; i++) {
        rate_alone(run, 0, beside[0], alone);
        rates(run, ALL_CPUS, together);
        rate_alone(run, 1, beside[1], alone);
        one[i] = (alone[0] + alone[1]) / 2;
        two[i] = together[0] + together[1];
        gain[i] = 100 * (together[0] * alone[1] + together[1] * alone[0]) / (alone[0] * alone[1]);
    }
    report_median(what, "1", one);
    report_median(what, "2", two);
    report_median(what, "gain", gain);
    for (int cpu = 0; cpu < CPUS; cpu++)
        end_companion(beside[cpu]);
    munmap(trial, PAGE);
}

void parallel_threads(void)
{
    measure("threads", run_threads);
}

void parallel_processes(void)
{
    measure("processes", run_processes);
}
