// SPDX-License-Identifier: MIT
/*
 * tlb_idle.c - what changes while another processor idles holds for it when it goes on.
 *
 * A process on the second processor, which has our memory, uses a page, so that this processor remembers it, and sleeps; on
 * the first one we change the page and wake it. A kernel that spares idle processors the interrupt must see that they
 * forget in time. With one processor the same has to be right. (No thread: of one it cannot be told whether it sleeps.)
 */
#include "gaur.h"
#include "touch.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 20, CHILDREN = 50 };

static unsigned char *pages;

static bool stay_on(pid_t process, int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(process, sizeof set, &set) == 0;
}

static void wait_asleep(pid_t process)
{
    char path[32], text[512], state;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    do {
        sched_yield();
        const char *name_end = file_get(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
        state = name_end ? name_end[2] : 'X';
    } while (state == 'R');
}

/* ---- The process on the second processor: it touches what it is told to, and sleeps between ---- */

static struct {
    pid_t id;
    int orders[2], answers[2];
    enum touch_kind kind;
    volatile unsigned char *at;
    struct touch touch; // what came of it
    unsigned char byte; // what was there, if it could be read
} sleeper;

static unsigned char stack[16384] __attribute__((aligned(16)));

static int sleep_and_touch(void *unused)
{
    char order;

    (void)unused;
    stay_on(0, 1); // or, where there is one processor, here
    while (read(sleeper.orders[0], &order, 1) == 1) {
        sleeper.touch = touch(sleeper.kind, sleeper.at);
        sleeper.byte = sleeper.kind == TOUCH_READ && !sleeper.touch.signo ? *sleeper.at : 0;
        if (write(sleeper.answers[1], &order, 1) != 1)
            break;
    }
    return 0;
}

/* Wake it, let it touch, and wait until it sleeps again. */
static bool sleeper_touches(enum touch_kind kind, unsigned char *at)
{
    char byte = 0;

    sleeper.kind = kind;
    sleeper.at = at;
    CHECK_EQ(write(sleeper.orders[1], &byte, 1), 1);
    CHECK_EQ(read(sleeper.answers[0], &byte, 1), 1);
    wait_asleep(sleeper.id);
    return true;
}

static bool sleeper_start(void)
{
    CHECK(pipe(sleeper.orders) == 0 && pipe(sleeper.answers) == 0);
    CHECK(stay_on(0, 0));
    CHECK(touch_allowed(TOUCH_WRITE, stack)); // the handlers are copied to the other process
    sleeper.id = clone(sleep_and_touch, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    CHECK(sleeper.id > 0);
    wait_asleep(sleeper.id);
    return true;
}

static bool sleeper_end(void)
{
    close(sleeper.orders[1]);
    CHECK(exited_with(child_wait(sleeper.id), 0));
    close(sleeper.orders[0]);
    close(sleeper.answers[0]);
    close(sleeper.answers[1]);
    return true;
}

/* ---- The claims ---- */

static bool refused(int code)
{
    CHECK_EQ(sleeper.touch.signo, SIGSEGV);
    CHECK_EQ(sleeper.touch.code, code);
    CHECK_EQ(sleeper.touch.address, sleeper.at);
    return true;
}

static bool what_is_unmapped_meanwhile_is_gone(void)
{
    CHECK(sleeper_start());
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(pages = pages_map(2)); // the second one keeps what lies above
        CHECK(sleeper_touches(TOUCH_WRITE, pages) && sleeper_touches(TOUCH_WRITE, pages + PAGE));
        CHECK_EQ(munmap(pages, PAGE), 0);
        CHECK(sleeper_touches(TOUCH_READ, pages) && refused(SEGV_MAPERR));
        CHECK_EQ(munmap(pages + PAGE, PAGE), 0);
        CHECK(sleeper_touches(TOUCH_WRITE, pages + PAGE) && refused(SEGV_MAPERR));
    }
    return sleeper_end();
}

static bool what_becomes_readonly_meanwhile_is_so(void)
{
    CHECK(sleeper_start());
    CHECK(pages = pages_map(1));
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(mprotect(pages, PAGE, PROT_READ | PROT_WRITE), 0);
        CHECK(sleeper_touches(TOUCH_WRITE, pages) && sleeper.touch.signo == 0);
        CHECK_EQ(mprotect(pages, PAGE, PROT_READ), 0);
        CHECK(sleeper_touches(TOUCH_WRITE, pages) && refused(SEGV_ACCERR));
        CHECK(sleeper_touches(TOUCH_READ, pages) && sleeper.byte == 0x5a);
    }
    pages_unmap(pages, 1);
    return sleeper_end();
}

static bool what_is_replaced_meanwhile_is_seen(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    CHECK(sleeper_start());
    CHECK(pages = pages_map(1));
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(sleeper_touches(TOUCH_WRITE, pages));
        CHECK(mmap(pages, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == pages);
        pages[0] = (unsigned char)(i + 1);
        CHECK(sleeper_touches(TOUCH_READ, pages));
        CHECK_EQ(sleeper.byte, i + 1);
    }
    pages_unmap(pages, 1);
    return sleeper_end();
}

/* Fork takes the right to write from a processor that idles, too: what it writes next is the parent's only. */
static bool what_is_forked_meanwhile_is_not_written_for_the_child(void)
{
    struct baton written;
    unsigned char *byte;

    CHECK(sleeper_start());
    CHECK(pages = pages_map(1));
    for (int i = 0; i < ROUNDS; i++) {
        byte = pages;
        CHECK(sleeper_touches(TOUCH_WRITE, byte));
        *byte = 'o';
        CHECK(sleeper_touches(TOUCH_READ, byte) && sleeper.byte == 'o');
        CHECK(baton_make(&written));
        pid_t child = fork();
        if (child == 0)
            _exit(baton_wait(&written) && *byte == 'o' ? 0 : 1);
        CHECK(child > 0);
        CHECK(sleeper_touches(TOUCH_WRITE, byte));
        baton_pass(&written);
        CHECK(exited_with(child_wait(child), 0));
        baton_drop(&written);
        CHECK_EQ(*byte, 0x5a);
    }
    pages_unmap(pages, 1);
    return sleeper_end();
}

/* Many nodes come and go while the processor has the tables loaded. */
static bool tables_that_go_meanwhile_do_no_harm(void)
{
    const size_t size = 8UL << 20;

    CHECK(sleeper_start());
    CHECK(pages = pages_map(1));
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(large != MAP_FAILED);
        for (size_t at = 0; at < size; at += 1UL << 20)
            large[at] = 1;
        CHECK(sleeper_touches(TOUCH_WRITE, large + (4UL << 20)));
        CHECK_EQ(munmap(large, size), 0);
        CHECK(sleeper_touches(TOUCH_READ, large + (4UL << 20)) && refused(SEGV_MAPERR));
        CHECK(sleeper_touches(TOUCH_READ, pages) && sleeper.touch.signo == 0);
    }
    pages_unmap(pages, 1);
    return sleeper_end();
}

/* The child sleeps on the second processor, is moved to the first one, and ends there: the second has its tables still. */
static bool a_process_ends_while_a_processor_idles_with_it(void)
{
    struct baton wake, ready;

    for (int i = 0; i < CHILDREN; i++) {
        CHECK(baton_make(&wake) && baton_make(&ready));
        pid_t child = fork();
        if (child == 0) {
            stay_on(0, 1);
            baton_pass(&ready);
            _exit(baton_wait(&wake) ? 0 : 1);
        }
        CHECK(child > 0 && baton_wait(&ready));
        wait_asleep(child);
        CHECK(stay_on(child, 0));
        baton_pass(&wake);
        CHECK(exited_with(child_wait(child), 0));
        baton_drop(&wake);
        baton_drop(&ready);
    }
    return !on_gaur() || verify_is_ok();
}

static bool idle_processors_are_not_interrupted(void)
{
    int rounds_spared = 0;

    NEEDS_GAUR();
    ancestors_sleep();
    CHECK(sleeper_start());
    if (!stay_on(sleeper.id, 1)) {
        CHECK(sleeper_end());
        SKIP("needs two processors");
    }
    CHECK(pages = pages_map(ROUNDS + 1));
    memset(pages, 1, (ROUNDS + 1) * PAGE);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(sleeper_touches(TOUCH_READ, pages + i * PAGE)); // it sleeps; its processor may take a moment more to idle
        long interrupts = counter("tlb_shootdown"), spared = counter("tlb_shootdown_idle");
        CHECK_EQ(munmap(pages + i * PAGE, PAGE), 0);
        rounds_spared += counter("tlb_shootdown") == interrupts && counter("tlb_shootdown_idle") > spared;
    }
    CHECK(rounds_spared > 0);
    pages_unmap(pages + ROUNDS * PAGE, 1);
    return sleeper_end();
}

int main(void)
{
    TEST(what_is_unmapped_meanwhile_is_gone);
    TEST(what_becomes_readonly_meanwhile_is_so);
    TEST(what_is_replaced_meanwhile_is_seen);
    TEST(what_is_forked_meanwhile_is_not_written_for_the_child);
    TEST(tables_that_go_meanwhile_do_no_harm);
    TEST(a_process_ends_while_a_processor_idles_with_it);
    TEST(idle_processors_are_not_interrupted);
    return tap_done();
}
