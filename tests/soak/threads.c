// SPDX-License-Identifier: MIT
/*
 * threads.c - eight threads of one process map, unmap, protect, move, touch and fork at once.
 *
 * Each has pages of its own, and a model of them; they lie between those of the others in the same page-table nodes and, as
 * regions grow together, in the same regions. Each also reads pages of the others through the kernel: what it finds may be
 * refused, but a translation that outlived its page would show bytes that are not that thread's.
 */
#include "touch.h"
#include "window.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 8, GROUP = 4, COUNT = 32, STEPS = 120 };
#define BASE ((unsigned char *)(48UL << 30) - 40 * PAGE)    // across the border of 1 GiB

struct thread {
    pthread_t id;
    struct random random;
    struct window window;
    bool good;
};

static struct thread threads_now[THREADS];

/* A child has the memory of the moment: of the forking thread's own pages the model is right. */
static bool fork_and_look(struct thread *thread)
{
    pid_t pid = fork();

    if (pid == 0) {
        window_close(&thread->window);
        if (!window_open(&thread->window))
            _exit(1);
        for (int i = 0; i < 10; i++) {
            if (!window_step(&thread->window, &thread->random))
                _exit(2);
        }
        _exit(window_agrees(&thread->window) ? 33 : 3);
    }
    CHECK(pid > 0);
    return ends_with(pid, 33);
}

/* Memory where the kernel chooses: nobody else may have got the same. */
static bool map_anywhere(struct thread *thread)
{
    size_t count = 1 + random_below(&thread->random, 8);
    uint64_t seed = random_next(&thread->random);
    unsigned char *pages = pages_map(count);

    CHECK(pages);
    pattern_fill(pages, count * PAGE, seed);
    sched_yield();
    CHECK(pattern_holds(pages, count * PAGE, seed));
    pages_unmap(pages, count);
    return true;
}

/* A page starts with zero (a shared one with a small sum), or with a word that names its thread or the file. */
static bool look_at_others(struct thread *thread)
{
    const struct thread *other = &threads_now[random_below(&thread->random, THREADS)];
    const unsigned char *at = window_at(&other->window, random_below(&thread->random, COUNT));
    uint64_t word = 0;

    if (write(thread->window.pipe[1], at, sizeof word) < 0) {
        CHECK_EQ(errno, EFAULT);
        return true;
    }
    CHECK_EQ(read(thread->window.pipe[0], &word, sizeof word), sizeof word);
    unsigned tag = word >> 56;
    if (tag != 0 && tag != FILE_TAG && tag != other->window.tag) {
        diag("at %p of thread %u there is 0x%llx", (void *)at, other->window.tag, (unsigned long long)word);
        return false;
    }
    return true;
}

static bool step(struct thread *thread)
{
    switch (random_below(&thread->random, 12)) {
    case 0: return random_one_in(&thread->random, 4) ? fork_and_look(thread) : window_agrees(&thread->window);
    case 1: return map_anywhere(thread);
    case 2: case 3: return look_at_others(thread);
    default: return window_step(&thread->window, &thread->random);
    }
}

static void *run(void *argument)
{
    struct thread *thread = argument;

    thread->good = window_open(&thread->window);
    for (int i = 0; thread->good && i < STEPS; i++)
        thread->good = step(thread);
    thread->good = thread->good && window_agrees(&thread->window) && window_clear(&thread->window);
    window_close(&thread->window);
    return NULL;
}

static int run_threads(void *argument)
{
    bool good = true;

    for (unsigned i = 0; i < THREADS; i++) {
        struct thread *thread = &threads_now[i];
        thread->random = random_split(argument);
        thread->window = (struct window){.base = BASE + i * GROUP * PAGE, .count = COUNT, .group = GROUP,
                                         .stride = GROUP * THREADS, .tag = i + 1};
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads_now[i].id, NULL, run, &threads_now[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads_now[i].id, NULL);
        good = good && threads_now[i].good;
    }
    return good ? 44 : 2;
}

/* In a process of its own, so that nothing of the threads stays with the worker. */
static bool round_of_threads(struct random *random)
{
    struct random own = random_split(random);

    CHECK(backing_make(random));
    CHECK(ends_with(start_child(run_threads, &own), 44));
    return backing_agrees();
}

const struct mixture threads = {"threads", round_of_threads, 3};
