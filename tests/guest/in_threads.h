// SPDX-License-Identifier: MIT
/*
 * in_threads.h - a function in several threads at once, for the tests of POSIX threads.
 */
#ifndef GUEST_IN_THREADS_H
#define GUEST_IN_THREADS_H

#include <pthread.h>

#define THREADS 8

/* Run `function` in THREADS threads at once, each with its number; their results added up, -1 if one cannot be made. */
static inline long in_threads(void *(*function)(void *))
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

#endif
