// SPDX-License-Identifier: MIT
/*
 * kills.c - SIGKILL at any moment, in the middle of anything; and nothing of the victim stays.
 */
#include "soak.h"
#include "touch.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 16, DELAY_MAX = 4000 };

static unsigned char *inherited;
static int ends[2];
static volatile unsigned *begun;

static void write_cow(void)
{
    for (unsigned i = 0;; i++)
        inherited[i % PAGES * PAGE + i % PAGE] = i;
}

static void map_and_unmap(void)
{
    for (;;) {
        unsigned char *pages = pages_map(PAGES);
        memset(pages, 1, PAGES * PAGE);
        mprotect(pages, PAGE, PROT_READ);
        pages_unmap(pages, PAGES);
    }
}

static void move_break(void)
{
    char *end = (char *)syscall(SYS_brk, 0);

    for (;;) {
        syscall(SYS_brk, end + 5 * PAGE);
        memset(end, 1, 5 * PAGE);
        syscall(SYS_brk, end);
    }
}

static void fork_and_wait(void)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static void exec_often(void)
{
    for (;;) {
        if (vfork() == 0) {
            execl(self_path, self_path, "exec_child", (char *)NULL);
            _exit(1);
        }
        wait(NULL);
    }
}

static void talk_to_self(void)
{
    static char bytes[3 * PAGE];

    for (;;) {
        if (write(ends[1], bytes, sizeof bytes) > 0)
            read_whole(ends[0], bytes, sizeof bytes, 1000);
    }
}

static void touch_wrongly(void)
{
    for (;;)
        touch_write((void *)8);
}

static void read_nothing(void)
{
    char byte;

    read(ends[0], &byte, 1);
}

static void fill_pipe(void)
{
    static char bytes[PAGE];

    while (write(ends[1], bytes, sizeof bytes) > 0)
        ;
}

static void poll_nothing(void)
{
    struct pollfd input = {.fd = ends[0], .events = POLLIN};

    poll(&input, 1, -1);
}

static void wait_on_word(void)
{
    static unsigned word;

    syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void sleep_long(void) { sleep(100000); }
static void sleep_for_ever(void) { pause(); }
static void stop_self(void) { raise(SIGSTOP); }

static void (*const acts[])(void) = {
    write_cow, map_and_unmap, move_break, fork_and_wait, exec_often, talk_to_self, touch_wrongly, read_nothing, fill_pipe,
    poll_nothing, wait_on_word, sleep_long, sleep_for_ever, stop_self,
};

static int be_victim(void *argument)
{
    setpgid(0, 0);
    *begun = 1;
    acts[*(unsigned *)argument]();
    return 1;
}

/* What the victim forked is in its group. It may be forking just now: again, until nobody is left. */
static void end_group(pid_t group)
{
    while (kill(-group, SIGKILL) == 0)
        usleep(200);
}

static bool round_of_kills(struct random *random)
{
    unsigned act = random_below(random, sizeof acts / sizeof *acts);
    uint64_t seed = random_next(random);

    inherited = pages_map(PAGES);
    begun = shared_map(PAGE);
    CHECK(inherited && begun && pipe(ends) == 0);
    pattern_fill(inherited, PAGES * PAGE, seed);
    pid_t victim = start_child(be_victim, &act);
    CHECK(victim > 0);
    while (!*begun)
        usleep(100);
    usleep(random_below(random, DELAY_MAX));
    CHECK(kill(victim, SIGKILL) == 0);
    CHECK(dies_of(victim, SIGKILL));
    end_group(victim);
    CHECK(pattern_holds(inherited, PAGES * PAGE, seed));
    close(ends[0]);
    close(ends[1]);
    pages_unmap(inherited, PAGES);
    munmap((void *)begun, PAGE);
    return true;
}

const struct mixture kills = {"kills", round_of_kills, 4};
