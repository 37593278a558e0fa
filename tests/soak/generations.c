// SPDX-License-Identifier: MIT
/*
 * generations.c - three generations of processes, each doing every operation on pages that it shares with the others, against
 * a model of its own.
 *
 * All the window's page-table nodes are shared after a fork: each operation has to make its own what it changes, and nobody
 * else may see it. Groups of pages lie on the borders of 2 MiB and of 1 GiB. `huge_generations` does the same to memory that has huge
 * pages where the kernel gives them: groups lie inside of them and on their borders.
 */
#include "touch.h"
#include "window.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEPS_MAX = 40, CHILDREN = 2, GENERATIONS = 3, GROUP = 16, HEAP_PAGES = 6 };
#define STRIDE (1UL << 18)                      // pages in 1 GiB: each group lies at the end of one and the start of the next
#define BASE ((unsigned char *)(64UL << 30) - GROUP / 2 * PAGE)

struct life {
    struct random random;
    int generation;
};

static struct window window;

/* The heap: pages above where the break was when the round began. */
static struct {
    unsigned char *base;
    unsigned count;
    uint64_t content[HEAP_PAGES];
} heap;

static bool heap_agrees(void)
{
    for (unsigned i = 0; i < heap.count; i++)
        CHECK(pattern_holds(heap.base + i * PAGE, PAGE, heap.content[i]));
    return true;
}

static bool heap_resize(struct random *random, unsigned count)
{
    CHECK_EQ(syscall(SYS_brk, heap.base + count * PAGE), (long)(heap.base + count * PAGE));
    for (; heap.count < count; heap.count++) {
        heap.content[heap.count] = random_next(random);
        pattern_fill(heap.base + heap.count * PAGE, PAGE, heap.content[heap.count]);
    }
    heap.count = count;
    return heap_agrees();
}

static int live(void *argument);

static pid_t have_child(struct life *life)
{
    struct life child = {.random = random_split(&life->random), .generation = life->generation + 1};

    return start_child(live, &child);
}

static bool steps(struct random *random)
{
    for (unsigned i = random_below(random, STEPS_MAX); i > 0; i--)
        CHECK(window_step(&window, random));
    return !random_one_in(random, 2) || heap_resize(random, random_below(random, HEAP_PAGES + 1));
}

static bool have_children(struct life *life)
{
    unsigned number = life->generation < GENERATIONS ? random_below(&life->random, CHILDREN + 1) : 0;
    pid_t children[CHILDREN];

    for (unsigned i = 0; i < number; i++) {
        children[i] = have_child(life);
        CHECK(children[i] > 0);
        CHECK(steps(&life->random));
    }
    for (unsigned i = 0; i < number; i++) {
        CHECK(ends_with(children[i], 60 + life->generation + 1));
        CHECK(window_agrees(&window));
    }
    return true;
}

/* With a pipe of its own: two processes that probe through one would take each other's bytes. */
static int live(void *argument)
{
    struct life *life = argument;

    if (!window_open(&window) || !window_agrees(&window))
        return 1;
    if (!steps(&life->random) || !have_children(life) || !steps(&life->random))
        return 2;
    return window_agrees(&window) && heap_agrees() ? 60 + life->generation : 3;
}

static bool round_of_generations(struct random *random)
{
    struct life life = {.random = random_split(random)};

    window = (struct window){.base = BASE, .count = 3 * GROUP, .group = GROUP, .stride = STRIDE};
    CHECK(backing_make(random));
    heap.base = (unsigned char *)((syscall(SYS_brk, 0) + PAGE - 1) & -PAGE);
    CHECK_EQ(live(&life), 60);
    CHECK(window_clear(&window) && heap_resize(random, 0));
    window_close(&window);
    return backing_agrees();
}

/* Four huge pages, which begin in one go; then the groups in them are what the model says: pages of zeros. */
#define HUGE (2UL << 20)
enum { HUGE_SIZE = 4, HUGE_STRIDE = 504 };

static bool round_of_huge_generations(struct random *random)
{
    struct life life = {.random = random_split(random)};
    unsigned char *room = mmap((void *)(96UL << 30), HUGE_SIZE * HUGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    CHECK(room != MAP_FAILED);
    CHECK(madvise(room, HUGE_SIZE * HUGE, MADV_HUGEPAGE) == 0 || errno == EINVAL);
    for (unsigned i = 0; i < HUGE_SIZE; i++)
        room[(i + 1) * HUGE - 1] = (unsigned char)(i + 1); // in no group
    window = (struct window){.base = room + HUGE / 2, .count = 3 * GROUP, .group = GROUP, .stride = HUGE_STRIDE};
    for (unsigned i = 0; i < window.count; i++)
        window.page[i] = (struct page){.mapped = 1, .rights = PROT_READ | PROT_WRITE};
    CHECK(backing_make(random));
    heap.base = (unsigned char *)((syscall(SYS_brk, 0) + PAGE - 1) & -PAGE);
    CHECK_EQ(live(&life), 60);
    for (unsigned i = 0; i < HUGE_SIZE; i++)
        CHECK_EQ(room[(i + 1) * HUGE - 1], i + 1);
    CHECK(heap_resize(random, 0));
    CHECK(munmap(room, HUGE_SIZE * HUGE) == 0);
    window_close(&window);
    return backing_agrees();
}

const struct mixture huge_generations = {"huge_generations", round_of_huge_generations, 4};
const struct mixture generations = {"generations", round_of_generations, 4};
