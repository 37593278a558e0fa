// SPDX-License-Identifier: MIT
/*
 * thread_locks.c - what POSIX threads and processes wait for: mutexes, condition variables, barriers and the rest. Built with musl and with
 * glibc.
 */
#include "in_threads.h"
#include "tap.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long shared_count;

/* ---- Mutexes ---- */

static void *count_up(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        long seen = shared_count;
        if (i % 64 == 0)
            sched_yield();
        shared_count = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return number;
}

static bool mutex_lets_one_in(void)
{
    shared_count = 0;
    CHECK_EQ(in_threads(count_up), THREADS * (THREADS - 1) / 2);
    CHECK_EQ(shared_count, THREADS * ROUNDS);
    return true;
}

static bool kinds_of_mutexes_differ(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t kind;
    struct timespec past = {1, 0};

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&kind, &attributes);
    CHECK(pthread_mutex_lock(&kind) == 0 && pthread_mutex_lock(&kind) == 0);
    CHECK(pthread_mutex_unlock(&kind) == 0 && pthread_mutex_unlock(&kind) == 0);
    CHECK_EQ(pthread_mutex_unlock(&kind), EPERM);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&kind, &attributes);
    CHECK_EQ(pthread_mutex_lock(&kind), 0);
    CHECK_EQ(pthread_mutex_lock(&kind), EDEADLK);
    CHECK_EQ(pthread_mutex_trylock(&kind), EBUSY);
    CHECK_EQ(pthread_mutex_unlock(&kind), 0);
    pthread_mutex_init(&kind, NULL);
    CHECK_EQ(pthread_mutex_lock(&kind), 0);
    CHECK_EQ(pthread_mutex_timedlock(&kind, &past), ETIMEDOUT);
    return true;
}

/* ---- Condition variables: a short queue between makers and takers ---- */

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static long items[4];
static int item_count, go;

static void put_item(long item)
{
    pthread_mutex_lock(&mutex);
    while (item_count == 4)
        pthread_cond_wait(&not_full, &mutex);
    items[item_count++] = item;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&mutex);
}

static long take_item(void)
{
    pthread_mutex_lock(&mutex);
    while (item_count == 0)
        pthread_cond_wait(&not_empty, &mutex);
    long item = items[--item_count];
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&mutex);
    return item;
}

static void *make_or_take(void *number)
{
    long sum = 0;

    for (int i = 1; i <= ROUNDS; i++) {
        if ((long)number % 2)
            put_item(i);
        else
            sum += take_item();
    }
    return (void *)sum;
}

static bool conditions_hand_items_over(void)
{
    CHECK_EQ(in_threads(make_or_take), (long)THREADS / 2 * ROUNDS * (ROUNDS + 1) / 2);
    CHECK_EQ(item_count, 0);
    return true;
}

static void *wait_for_go(void *number)
{
    pthread_mutex_lock(&mutex);
    shared_count++;
    pthread_cond_signal(&not_full);
    while (!go)
        pthread_cond_wait(&not_empty, &mutex);
    pthread_mutex_unlock(&mutex);
    return (void *)(long)((long)number >= 0);
}

static void *say_go(void *unused)
{
    pthread_mutex_lock(&mutex);
    while (shared_count < THREADS)
        pthread_cond_wait(&not_full, &mutex);
    go = 1;
    pthread_cond_broadcast(&not_empty);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static bool broadcast_wakes_all(void)
{
    pthread_t caller;

    shared_count = go = 0;
    CHECK(pthread_create(&caller, NULL, say_go, NULL) == 0);
    CHECK_EQ(in_threads(wait_for_go), THREADS);
    CHECK(pthread_join(caller, NULL) == 0);
    return true;
}

static bool waits_for_conditions_end_at_their_time(void)
{
    struct timespec when;

    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_nsec += 20000000;
    when.tv_sec += when.tv_nsec / 1000000000;
    when.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    int result;
    do
        result = pthread_cond_timedwait(&not_empty, &mutex, &when);
    while (result == 0);
    CHECK_EQ(result, ETIMEDOUT);
    CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
    pthread_mutex_unlock(&mutex);
    return true;
}

/* ---- Barriers, semaphores, locks for readers and writers, once ---- */

static pthread_barrier_t barrier;
static _Atomic long arrived, too_early;

static void *meet_often(void *number)
{
    long serial = 0;

    (void)number;
    for (int i = 1; i <= 200; i++) {
        arrived++;
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        too_early += arrived < (long)i * THREADS;
        pthread_barrier_wait(&barrier);
    }
    return (void *)serial;
}

static bool barrier_waits_for_all(void)
{
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    CHECK_EQ(in_threads(meet_often), 200);
    CHECK_EQ(too_early, 0);
    CHECK(pthread_barrier_destroy(&barrier) == 0);
    return true;
}

static sem_t semaphore;
static _Atomic long inside, most_inside;

static void *enter_and_leave(void *number)
{
    for (int i = 0; i < 300; i++) {
        sem_wait(&semaphore);
        long now = ++inside, most = most_inside;
        while (now > most && !__atomic_compare_exchange_n((long *)&most_inside, &most, now, 0, 5, 5))
            continue;
        sched_yield();
        inside--;
        sem_post(&semaphore);
    }
    return number;
}

static bool semaphore_lets_three_in(void)
{
    struct timespec past = {1, 0};
    int value;

    CHECK(sem_init(&semaphore, 0, 3) == 0);
    CHECK(in_threads(enter_and_leave) > 0);
    CHECK(most_inside <= 3);
    CHECK(sem_getvalue(&semaphore, &value) == 0 && value == 3);
    for (int i = 0; i < 3; i++)
        CHECK(sem_wait(&semaphore) == 0);
    CHECK_FAILS(sem_trywait(&semaphore), EAGAIN);
    CHECK_FAILS(sem_timedwait(&semaphore, &past), ETIMEDOUT);
    return true;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];

static void *read_or_write(void *number)
{
    long torn = 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (i % 8 == (long)number) {
            pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            torn += pair[0] != pair[1];
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return (void *)torn;
}

static bool readers_see_no_half_written_pair(void)
{
    CHECK_EQ(in_threads(read_or_write), 0);
    CHECK_EQ(pair[0], THREADS * ROUNDS / 8);
    return true;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic int times;

static void do_once(void)
{
    sched_yield();
    times++;
}

static void *call_once(void *number)
{
    (void)number;
    pthread_once(&once, do_once);
    return (void *)(long)times;
}

static bool once_is_once(void)
{
    CHECK_EQ(in_threads(call_once), THREADS);
    return true;
}

/* ---- Robust mutexes, and between processes ---- */

static struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_barrier_t barrier;
    long count;
} *shared;

static bool shared_make(bool robust)
{
    pthread_mutexattr_t of_mutex;
    pthread_condattr_t of_condition;
    pthread_barrierattr_t of_barrier;

    if (!shared)
        shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(shared, 0, sizeof *shared);
    pthread_mutexattr_init(&of_mutex);
    pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED);
    if (robust)
        pthread_mutexattr_setrobust(&of_mutex, PTHREAD_MUTEX_ROBUST);
    pthread_condattr_init(&of_condition);
    pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_SHARED);
    pthread_barrierattr_init(&of_barrier);
    pthread_barrierattr_setpshared(&of_barrier, PTHREAD_PROCESS_SHARED);
    return pthread_mutex_init(&shared->mutex, &of_mutex) == 0 &&
           pthread_cond_init(&shared->condition, &of_condition) == 0 &&
           pthread_barrier_init(&shared->barrier, &of_barrier, 4) == 0;
}

static void *lock_and_end(void *unused)
{
    pthread_mutex_lock(&shared->mutex);
    return unused;
}

static bool lock_of_a_dead_thread_is_handed_on(void)
{
    pthread_t thread;

    CHECK(shared_make(true));
    CHECK(pthread_create(&thread, NULL, lock_and_end, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQ(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&shared->mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0);
    CHECK_EQ(pthread_mutex_lock(&shared->mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0);
    return true;
}

static bool lock_of_a_killed_process_is_handed_to_who_waits(void)
{
    int ends[2];
    char byte;

    CHECK(shared_make(true));
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(&shared->mutex);
        (void)!write(ends[1], "x", 1);
        for (;;)
            pause();
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    pid_t killer = fork();
    if (killer == 0) {
        sleep_ms(50);
        _exit(kill(pid, SIGKILL) != 0);
    }
    CHECK_EQ(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0); // without having made it consistent
    CHECK_EQ(pthread_mutex_lock(&shared->mutex), ENOTRECOVERABLE);
    CHECK(killed_by(child_wait(pid), SIGKILL));
    CHECK(exited_with(child_wait(killer), 0));
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool count_in_a_process(void)
{
    pthread_barrier_wait(&shared->barrier);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&shared->mutex);
        shared->count++;
        pthread_mutex_unlock(&shared->mutex);
    }
    pthread_mutex_lock(&shared->mutex);
    shared->count += 1000000;
    pthread_cond_broadcast(&shared->condition);
    while (shared->count < 3000000)
        pthread_cond_wait(&shared->condition, &shared->mutex);
    pthread_mutex_unlock(&shared->mutex);
    return true;
}

static bool processes_share_locks_conditions_and_barriers(void)
{
    pid_t pids[3];

    CHECK(shared_make(false));
    for (int i = 0; i < 3; i++)
        pids[i] = child_start(count_in_a_process);
    pthread_barrier_wait(&shared->barrier);
    bool good = true;
    for (int i = 0; i < 3; i++)
        good &= exited_with(child_wait(pids[i]), 0);
    CHECK(good);
    CHECK_EQ(shared->count, 3000000 + 3 * ROUNDS);
    return true;
}

int main(void)
{
    TEST(mutex_lets_one_in);
    TEST(kinds_of_mutexes_differ);
    TEST(conditions_hand_items_over);
    TEST(broadcast_wakes_all);
    TEST(waits_for_conditions_end_at_their_time);
    TEST(barrier_waits_for_all);
    TEST(semaphore_lets_three_in);
    TEST(readers_see_no_half_written_pair);
    TEST(once_is_once);
    TEST(lock_of_a_dead_thread_is_handed_on);
    TEST(lock_of_a_killed_process_is_handed_to_who_waits);
    TEST(processes_share_locks_conditions_and_barriers);
    return tap_done();
}
