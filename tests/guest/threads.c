// SPDX-License-Identifier: MIT
/*
 * threads.c - POSIX threads, as a C library makes them of clone and futex: many, what each has of its own, and their ends. Built with musl and
 * with glibc.
 */
#include "in_threads.h"
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 1000
#define NUMBERS 200000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic long arrived;
static _Atomic int ready;

/* ---- Many ---- */

static void *wait_at_the_gate(void *number)
{
    arrived++;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return number;
}

static bool thousand_threads_live_at_once(void)
{
    static pthread_t threads[MANY];
    pthread_attr_t attributes;
    long sum = 0;
    void *result;

    arrived = 0;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, 32 * 1024) == 0);
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < MANY; i++)
        CHECK(pthread_create(&threads[i], &attributes, wait_at_the_gate, (void *)i) == 0);
    while (arrived < MANY)
        sched_yield();
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < MANY; i++) {
        CHECK(pthread_join(threads[i], &result) == 0);
        sum += (long)result;
    }
    CHECK_EQ(sum, (long)MANY * (MANY - 1) / 2);
    return true;
}

static void *nothing(void *number)
{
    return number;
}

static bool thousand_threads_one_after_the_other(void)
{
    pthread_t thread;
    void *result;

    for (long i = 0; i < MANY; i++) {
        CHECK(pthread_create(&thread, NULL, nothing, (void *)i) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == (void *)i);
    }
    return true;
}

/* ---- A sort by halves, each in a thread of its own down to a depth ---- */

static int numbers[NUMBERS], spare[NUMBERS];

struct part {
    int start, end, depth;
};

static int by_value(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void merge(int start, int middle, int end)
{
    int left = start, right = middle;

    for (int to = start; to < end; to++)
        spare[to] = right == end || (left < middle && numbers[left] <= numbers[right]) ? numbers[left++] : numbers[right++];
    memcpy(numbers + start, spare + start, (size_t)(end - start) * sizeof *numbers);
}

static void *sort(void *argument)
{
    struct part *part = argument;
    int middle = (part->start + part->end) / 2;
    struct part low = {part->start, middle, part->depth - 1}, high = {middle, part->end, part->depth - 1};
    pthread_t thread;

    if (part->depth == 0) {
        qsort(numbers + part->start, (size_t)(part->end - part->start), sizeof *numbers, by_value);
        return NULL;
    }
    if (pthread_create(&thread, NULL, sort, &low) != 0)
        return argument;
    void *failed = sort(&high), *other = argument;
    pthread_join(thread, &other);
    merge(part->start, middle, part->end);
    return failed ? failed : other;
}

static bool parallel_sort_sorts(void)
{
    struct part all = {0, NUMBERS, 3};
    unsigned seed = 1;
    unsigned long before = 0, after = 0;

    for (int i = 0; i < NUMBERS; i++) {
        seed = seed * 1103515245 + 12345;
        numbers[i] = (int)(seed >> 4);
        before += (unsigned)numbers[i];
    }
    CHECK(sort(&all) == NULL);
    for (int i = 0; i < NUMBERS; i++) {
        CHECK(i == 0 || numbers[i - 1] <= numbers[i]);
        after += (unsigned)numbers[i];
    }
    CHECK_EQ(before, after);
    return true;
}

/* ---- Data of one's own, signals, fork ---- */

static __thread long own = 7;
static pthread_key_t key;
static _Atomic long destroyed;

static void destroy(void *value)
{
    destroyed += (long)value;
}

static void *use_own_data(void *number)
{
    own += (long)number;
    pthread_setspecific(key, (void *)own);
    sched_yield();
    return (void *)(long)(own == 7 + (long)number && pthread_getspecific(key) == (void *)own);
}

static bool each_thread_has_data_of_its_own(void)
{
    CHECK(pthread_key_create(&key, destroy) == 0);
    CHECK_EQ(in_threads(use_own_data), THREADS);
    CHECK_EQ(own, 7);
    CHECK_EQ(destroyed, 7 * THREADS + THREADS * (THREADS - 1) / 2);
    return true;
}

static pthread_t signalled;
static _Atomic int hit;

static void note_thread(int number)
{
    (void)number;
    hit = pthread_equal(pthread_self(), signalled) ? 1 : 2;
}

static void *wait_for_signal(void *unused)
{
    ready = 1;
    while (!hit)
        sched_yield();
    return unused;
}

static bool signal_goes_to_the_thread_it_is_sent_to(void)
{
    signal(SIGUSR1, note_thread);
    ready = 0;
    CHECK(pthread_create(&signalled, NULL, wait_for_signal, NULL) == 0);
    while (!ready)
        sched_yield();
    CHECK(pthread_kill(signalled, SIGUSR1) == 0);
    CHECK(pthread_join(signalled, NULL) == 0);
    CHECK_EQ(hit, 1);
    return true;
}

static void *fork_here(void *unused)
{
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        own = 99;
        _exit(own == 99 && pthread_mutex_trylock(&mutex) == 0 ? 0 : 1);
    }
    return (void *)(long)exited_with(child_wait(pid), 0);
}

static bool any_thread_may_fork(void)
{
    CHECK_EQ(in_threads(fork_here), THREADS);
    return true;
}

static void *end_the_process(void *unused)
{
    (void)unused;
    exit(23);
}

static bool end_in_a_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, end_the_process, NULL);
    for (;;)
        pause();
    return true;
}

static bool exit_in_a_thread_ends_the_process(void)
{
    CHECK(exited_with(child_run(end_in_a_thread), 23));
    return true;
}

int main(void)
{
    TEST(thousand_threads_live_at_once);
    TEST(thousand_threads_one_after_the_other);
    TEST(parallel_sort_sorts);
    TEST(each_thread_has_data_of_its_own);
    TEST(signal_goes_to_the_thread_it_is_sent_to);
    TEST(any_thread_may_fork);
    TEST(exit_in_a_thread_ends_the_process);
    return tap_done();
}
