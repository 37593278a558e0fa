// SPDX-License-Identifier: MIT
/*
 * parallel.c - page faults of one and of two CPUs, in the threads of one process and in processes of their own.
 *
 * These rows are about time: they run without -icount. What is wanted to know is what the kernel makes of a second CPU, not what the host
 * does. Its CPUs are shared with others: so trials of one CPU and of two alternate, and what is told is the median, of faults a second, and
 * of how many of two CPUs there are for a hundred of one CPU just before. Two of them may share a core, or be clocked lower than one
 * alone: so the second CPU has work in trials of one, too, a program that asks nothing of the kernel. Who works where is fixed.
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

#define MOST_WORKERS 2
#define TRIALS 61
#define SIZE (4 * MIB)

/* What the workers of a trial share, be they threads or processes. */
struct trial {
    int workers;
    atomic_int arrived, done;
    atomic_ullong start;           // when the last one had arrived; 0 before
    uint64_t end[MOST_WORKERS];
};

static void stay_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("sched_setaffinity");
}

/* Touch memory of one's own, beginning when all others do. What is measured is faults alone: nobody unmaps before all are done. */
static void work(struct trial *trial)
{
    char *at = map(SIZE);
    int number = atomic_fetch_add(&trial->arrived, 1);

    stay_on(number);
    if (number == trial->workers - 1)
        atomic_store(&trial->start, nanoseconds());
    while (atomic_load(&trial->start) == 0)
        sched_yield();
    touch(at, SIZE);
    trial->end[number] = nanoseconds();
    atomic_fetch_add(&trial->done, 1);
    while (atomic_load(&trial->done) < trial->workers)
        sched_yield();
    munmap(at, SIZE);
}

static void *work_as_thread(void *trial)
{
    work(trial);
    return NULL;
}

static void run_threads(struct trial *trial)
{
    pthread_t threads[MOST_WORKERS];

    for (int i = 0; i < trial->workers; i++)
        if (pthread_create(&threads[i], NULL, work_as_thread, trial))
            fail("pthread_create");
    for (int i = 0; i < trial->workers; i++)
        pthread_join(threads[i], NULL);
}

static void run_processes(struct trial *trial)
{
    pid_t children[MOST_WORKERS];

    for (int i = 0; i < trial->workers; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            work(trial);
            _exit(0);
        }
        if (children[i] < 0)
            fail("fork");
    }
    for (int i = 0; i < trial->workers; i++)
        end_child(children[i]);
}

/* The program that keeps the second CPU busy. => stopped */
static pid_t companion(void)
{
    char *at = map(PAGE);
    pid_t pid = fork();

    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        stay_on(1);
        for (unsigned char byte = 0;; byte++)
            memset(at, byte, PAGE);
    }
    kill(pid, SIGSTOP);
    munmap(at, PAGE);
    return pid;
}

static void end_companion(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Faults a second in one trial. */
static uint64_t rate(void (*run)(struct trial *), struct trial *trial, int workers)
{
    uint64_t last = 0;

    *trial = (struct trial){.workers = workers};
    run(trial);
    for (int i = 0; i < workers; i++)
        if (trial->end[i] > last)
            last = trial->end[i];
    return workers * (SIZE / PAGE) * 1000000000 / (last - atomic_load(&trial->start));
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

static void measure(const char *what, void (*run)(struct trial *))
{
    struct trial *trial = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t one[TRIALS], two[TRIALS], gain[TRIALS];
    pid_t beside = companion();

    if (trial == MAP_FAILED)
        fail("mmap");
    for (int i = 0; i < TRIALS; i++) {
        kill(beside, SIGCONT);
        one[i] = rate(run, trial, 1);
        kill(beside, SIGSTOP);
        two[i] = rate(run, trial, 2);
        gain[i] = 100 * two[i] / one[i];
    }
    report_median(what, "1", one);
    report_median(what, "2", two);
    report_median(what, "gain", gain);
    end_companion(beside);
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
