// SPDX-License-Identifier: MIT
/*
 * wakeups.c - who sleeps is woken. A wake-up that is lost stops the round, and the soak tells where.
 *
 * Words in shared memory and futexes, a byte through two pipes, poll, and sleeps that must last as long as they were to.
 */
#include "soak.h"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TURNS_MAX = 200, WAITERS_MAX = 6 };

static uint32_t *board;     // shared memory: words that processes wait on

static void wait_while(uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
        syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void set(uint32_t *word, uint32_t value, int waiters)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE, waiters, NULL, NULL, 0);
}

/* ---- Turns by one word: even is the parent's, odd the child's ---- */

static int odd_turns(void *argument)
{
    unsigned turns = *(unsigned *)argument;

    for (unsigned i = 0; i < turns; i++) {
        wait_while(board, 2 * i);
        if (*board != 2 * i + 1)
            return 1;
        set(board, 2 * i + 2, 1);
    }
    return 0;
}

static bool turns_by_word(struct random *random)
{
    unsigned turns = 1 + random_below(random, TURNS_MAX);
    pid_t child = start_child(odd_turns, &turns);

    CHECK(child > 0);
    for (unsigned i = 0; i < turns; i++) {
        set(board, 2 * i + 1, 1);
        wait_while(board, 2 * i + 1);
        CHECK_EQ(*board, 2 * i + 2);
    }
    CHECK(ends_with(child, 0));
    return true;
}

/* ---- One gate for all: word 0 is the gate, word 1 counts who has passed ---- */

static int pass_gates(void *argument)
{
    unsigned gates = *(unsigned *)argument;

    for (unsigned i = 0; i < gates; i++) {
        wait_while(&board[0], i);
        if (__atomic_add_fetch(&board[1], 1, __ATOMIC_SEQ_CST) % board[2] == 0)
            set(&board[3], i + 1, 1);
    }
    return 0;
}

static bool gates(struct random *random)
{
    unsigned number = 1 + random_below(random, 40);
    pid_t pids[WAITERS_MAX];

    board[2] = 1 + random_below(random, WAITERS_MAX);
    for (unsigned i = 0; i < board[2]; i++) {
        pids[i] = start_child(pass_gates, &number);
        CHECK(pids[i] > 0);
    }
    for (unsigned i = 0; i < number; i++) {
        set(&board[0], i + 1, 1 << 20);
        wait_while(&board[3], i);
        CHECK_EQ(board[1], (i + 1) * board[2]);
    }
    for (unsigned i = 0; i < board[2]; i++)
        CHECK(ends_with(pids[i], 0));
    return true;
}

/* ---- A lock made of a futex, and a count that it guards: 0 free, 1 taken, 2 taken and waited for ---- */

static void lock(uint32_t *word)
{
    uint32_t free = 0;

    if (__atomic_compare_exchange_n(word, &free, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    while (__atomic_exchange_n(word, 2, __ATOMIC_SEQ_CST) != 0)
        syscall(SYS_futex, word, FUTEX_WAIT, 2, NULL, NULL, 0);
}

static void unlock(uint32_t *word)
{
    if (__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) == 2)
        syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int add(void *argument)
{
    struct random random = *(struct random *)argument;

    for (int i = 0; i < TURNS_MAX; i++) {
        lock(&board[0]);
        uint32_t value = board[1];
        if (random_one_in(&random, 10))
            sched_yield();
        board[1] = value + 1;
        unlock(&board[0]);
    }
    return 0;
}

static bool locks(struct random *random)
{
    unsigned number = 2 + random_below(random, WAITERS_MAX - 1);
    pid_t pids[WAITERS_MAX];

    for (unsigned i = 0; i < number; i++) {
        struct random own = random_split(random);
        pids[i] = start_child(add, &own);
        CHECK(pids[i] > 0);
    }
    for (unsigned i = 0; i < number; i++)
        CHECK(ends_with(pids[i], 0));
    CHECK_EQ(board[1], number * TURNS_MAX);
    return true;
}

/* ---- A byte to and fro ---- */

struct line {
    int in, out, turns;
};

static int echo(void *argument)
{
    struct line *line = argument;
    struct pollfd input = {.fd = line->in, .events = POLLIN};
    char byte;

    for (int i = 0; i < line->turns; i++) {
        if ((i % 3 == 0 && poll(&input, 1, -1) != 1) || read(line->in, &byte, 1) != 1 || byte != (char)i)
            return 1;
        if (write(line->out, &byte, 1) != 1)
            return 2;
    }
    return 0;
}

static bool turns_by_pipe(struct random *random)
{
    int there[2], back[2];

    CHECK(pipe(there) == 0 && pipe(back) == 0);
    struct line line = {.in = there[0], .out = back[1], .turns = 1 + random_below(random, TURNS_MAX)};
    pid_t child = start_child(echo, &line);
    CHECK(child > 0);
    for (int i = 0; i < line.turns; i++) {
        char byte = i;
        CHECK(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
        CHECK_EQ(byte, (char)i);
    }
    CHECK(ends_with(child, 0));
    for (int i = 0; i < 2; i++)
        close(there[i]), close(back[i]);
    return true;
}

/* ---- Time: not too short ---- */

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool sleeps(struct random *random)
{
    for (int i = 0; i < 6; i++) {
        long long wanted = random_below(random, 3000000), start = now_ns();
        struct timespec length = {0, wanted};
        switch (random_below(random, 3)) {
        case 0: CHECK(nanosleep(&length, NULL) == 0); break;
        case 1: CHECK(ppoll(NULL, 0, &length, NULL) == 0); break;
        case 2: CHECK_FAILS(syscall(SYS_futex, board, FUTEX_WAIT, 0, &length, NULL, 0), ETIMEDOUT); break;
        }
        CHECK(now_ns() - start >= wanted);
    }
    return true;
}

static bool round_of_wakeups(struct random *random)
{
    static bool (*const kinds[])(struct random *) = {turns_by_word, gates, locks, turns_by_pipe, sleeps};

    board = shared_map(PAGE);
    CHECK(board);
    CHECK(kinds[random_below(random, sizeof kinds / sizeof *kinds)](random));
    munmap(board, PAGE);
    return true;
}

const struct mixture wakeups = {"wakeups", round_of_wakeups, 4};
