// SPDX-License-Identifier: MIT
/*
 * forks.c - trees of processes, each of which sees what it inherited and what it wrote itself, whatever the others write.
 */
#include "soak.h"
#include "touch.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES_MAX = 48, CHILDREN = 3, DEPTH = 3 };

/* The pages, and what each holds. Copied by fork like all else, so that every process has its own idea of it. */
static unsigned char *pages;
static unsigned count;
static uint64_t seeds[PAGES_MAX];

static bool all_hold(void)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(pattern_holds(pages + i * PAGE, PAGE, seeds[i]));
    return true;
}

/* As the program, or as the kernel for it. */
static bool write_page(struct random *random, unsigned page)
{
    static unsigned char bytes[PAGE];
    int ends[2];

    seeds[page] = random_next(random);
    if (!random_one_in(random, 4)) {
        pattern_fill(pages + page * PAGE, PAGE, seeds[page]);
        return true;
    }
    pattern_fill(bytes, PAGE, seeds[page]);
    CHECK(pipe(ends) == 0);
    CHECK(write_whole(ends[1], bytes, PAGE, PAGE));
    CHECK(read_whole(ends[0], pages + page * PAGE, PAGE, PAGE));
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool write_some(struct random *random)
{
    for (unsigned i = random_below(random, count + 1); i > 0; i--)
        CHECK(write_page(random, random_below(random, count)));
    return true;
}

struct process {
    struct random random;
    unsigned depth;
};

static int live(void *argument);

/* Children that live at once, each with what this process held when it forked it. */
static bool have_children(struct process *self)
{
    pid_t pids[CHILDREN];
    unsigned number = random_below(&self->random, CHILDREN + 1);

    for (unsigned i = 0; i < number; i++) {
        struct process child = {.random = random_split(&self->random), .depth = self->depth + 1};
        pids[i] = start_child(live, &child);
        CHECK(pids[i] > 0);
        CHECK(write_some(&self->random));
    }
    for (unsigned i = 0; i < number; i++)
        CHECK(ends_with(pids[i], 40 + self->depth + 1));
    return true;
}

static int live(void *argument)
{
    struct process *self = argument;

    if (!all_hold() || !write_some(&self->random))
        return 1;
    if (random_one_in(&self->random, 3))
        sched_yield();
    if (self->depth < DEPTH && !have_children(self))
        return 2;
    return all_hold() ? 40 + (int)self->depth : 3;
}

static bool round_of_forks(struct random *random)
{
    struct process self = {.random = *random};

    count = 1 + random_below(random, PAGES_MAX);
    pages = pages_map(count);
    CHECK(pages);
    for (unsigned i = 0; i < count; i++) {
        seeds[i] = random_next(random);
        pattern_fill(pages + i * PAGE, PAGE, seeds[i]);
    }
    CHECK(have_children(&self));
    CHECK(all_hold());
    pages_unmap(pages, count);
    return true;
}

const struct mixture forks = {"forks", round_of_forks, 4};
