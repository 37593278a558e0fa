// SPDX-License-Identifier: MIT
/*
 * threads.c - POSIX threads, as a C library makes them of clone and futex. Built with musl and with glibc.
 */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 2000
#define MANY 1000
#define NUMBERS 200000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long shared_count;

/* Run `function` in THREADS threads at once, each with its number; their results added up, -1 if one cannot be made. */
static long in_threads(void *(*function)(void *))
{
    pthread_t threads[THREADS];
    long sum = 0;

    for (long i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, function, (void *)i) != 0)
            return -1;
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        if (pthread_join(threads[i], &result) != 0)
            return -1;
        sum += (long)result;
    }
    return sum;
}

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

/* ---- Cancellation ---- */

static _Atomic int cleaned, ready;

static void clean(void *value)
{
    cleaned += (int)(long)value;
}

static void *sleep_for_ever(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)10);
    if (pipe(ends) == 0) {
        ready = 1;
        (void)!read(ends[0], &byte, 1);
    }
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void unlock(void *held)
{
    pthread_mutex_unlock(held);
}

static void *wait_for_condition_for_ever(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    ready = 1;
    for (;;)
        pthread_cond_wait(&not_empty, &mutex);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *spin_for_ever(void *unused)
{
    (void)unused;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (ready = 1;;)
        continue;
    return NULL;
}

static void *refuse_then_test(void *unused)
{
    (void)unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    ready = 1;
    while (ready == 1)
        sleep_ms(1);
    cleaned = 5;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    cleaned = 6;
    return NULL;
}

/* The thread is cancelled when it is ready; what joining it gives. */
static void *cancelled(void *(*function)(void *), int then_ready)
{
    pthread_t thread;
    void *result = NULL;

    ready = cleaned = 0;
    if (pthread_create(&thread, NULL, function, NULL) != 0)
        return NULL;
    while (!ready)
        sched_yield();
    pthread_cancel(thread);
    if (then_ready) {
        sleep_ms(20);
        ready = then_ready;
    }
    pthread_join(thread, &result);
    return result;
}

static bool sleeping_thread_is_cancelled_and_cleans_up(void)
{
    CHECK(cancelled(sleep_for_ever, 0) == PTHREAD_CANCELED);
    CHECK_EQ(cleaned, 11);
    return true;
}

static bool wait_for_a_condition_is_cancelled_with_the_mutex(void)
{
    CHECK(cancelled(wait_for_condition_for_ever, 0) == PTHREAD_CANCELED);
    CHECK_EQ(pthread_mutex_trylock(&mutex), 0);
    pthread_mutex_unlock(&mutex);
    return true;
}

static bool busy_thread_is_cancelled_if_it_lets(void)
{
    CHECK(cancelled(spin_for_ever, 0) == PTHREAD_CANCELED);
    return true;
}

static bool cancellation_waits_until_it_is_enabled(void)
{
    CHECK(cancelled(refuse_then_test, 2) == PTHREAD_CANCELED);
    CHECK_EQ(cleaned, 5);
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
    TEST(mutex_lets_one_in);
    TEST(kinds_of_mutexes_differ);
    TEST(conditions_hand_items_over);
    TEST(broadcast_wakes_all);
    TEST(waits_for_conditions_end_at_their_time);
    TEST(barrier_waits_for_all);
    TEST(semaphore_lets_three_in);
    TEST(readers_see_no_half_written_pair);
    TEST(once_is_once);
    TEST(sleeping_thread_is_cancelled_and_cleans_up);
    TEST(wait_for_a_condition_is_cancelled_with_the_mutex);
    TEST(busy_thread_is_cancelled_if_it_lets);
    TEST(cancellation_waits_until_it_is_enabled);
    TEST(lock_of_a_dead_thread_is_handed_on);
    TEST(lock_of_a_killed_process_is_handed_to_who_waits);
    TEST(processes_share_locks_conditions_and_barriers);
    TEST(thousand_threads_live_at_once);
    TEST(thousand_threads_one_after_the_other);
    TEST(parallel_sort_sorts);
    TEST(each_thread_has_data_of_its_own);
    TEST(signal_goes_to_the_thread_it_is_sent_to);
    TEST(any_thread_may_fork);
    TEST(exit_in_a_thread_ends_the_process);
    return tap_done();
}
