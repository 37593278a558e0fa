// SPDX-License-Identifier: MIT
/*
 * thread_cancel.c - threads that are cancelled: while they sleep, wait, run or refuse. Built with musl and with glibc.
 */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

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
        pthread_cond_wait(&never, &mutex);
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

int main(void)
{
    TEST(sleeping_thread_is_cancelled_and_cleans_up);
    TEST(wait_for_a_condition_is_cancelled_with_the_mutex);
    TEST(busy_thread_is_cancelled_if_it_lets);
    TEST(cancellation_waits_until_it_is_enabled);
    return tap_done();
}
