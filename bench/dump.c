// SPDX-License-Identifier: MIT
/*
 * dump.c - a consistent dump of a program's data, which the program goes on changing meanwhile (as Redis does it).
 *
 * Fork gives a child the data as it is at that moment. The child writes it out; what the parent changes, it changes in
 * copies. The data is 512 MiB of accounts, one a page. The parent moves money between two of them, again and again, so the
 * sum over any consistent dump is what it was at the start, and the child looks whether it is.
 *
 * The row tells the longest pause of the parent: the longest that fork, or one transfer, took. On one CPU the two take turns,
 * since otherwise it would be the scheduler's slices that are measured.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define SIZE (512 * MIB)
#define ACCOUNTS (SIZE / PAGE)
#define PIECE (2 * MIB) // that the child writes in one turn
#define TRANSFERS 64    // that the parent makes in one turn
#define MONEY 1000

struct account {
    uint64_t money;
    char rest[PAGE - 8];
};

/* A pseudo-random account (Knuth's constants for a linear congruential generator of 64 bits). */
static size_t any_account(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % ACCOUNTS;
}

static void transfer(struct account *accounts)
{
    struct account *from = &accounts[any_account()], *to = &accounts[any_account()];

    if (from->money > 0) {
        from->money--;
        to->money++;
    }
}

/* The child's side. => status 0 if the dump was consistent */
static void dump(const struct account *accounts, int turn, int done)
{
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t sum = 0;
    char byte = 0;

    for (size_t at = 0; at < ACCOUNTS; at += PIECE / PAGE) {
        if (read(turn, &byte, 1) != 1)
            _exit(1);
        for (size_t i = at; i < at + PIECE / PAGE; i++)
            sum += accounts[i].money;
        if (write(out, &accounts[at], PIECE) != (ssize_t)PIECE || write(done, &byte, 1) != 1)
            _exit(1);
    }
    _exit(sum != (uint64_t)ACCOUNTS * MONEY);
}

/* The parent's turns, while the child writes. => the longest transfer */
static uint64_t go_on(struct account *accounts, int turn, int done)
{
    uint64_t longest = 0;
    char byte = 0;

    for (size_t piece = 0; piece < SIZE / PIECE; piece++) {
        for (int i = 0; i < TRANSFERS; i++) {
            uint64_t start = start_clock();
            transfer(accounts);
            uint64_t taken = stop_clock(start);
            if (taken > longest)
                longest = taken;
        }
        if (write(turn, &byte, 1) != 1 || read(done, &byte, 1) != 1)
            fail("the dump");
    }
    return longest;
}

void dump_pause(void)
{
    struct account *accounts = (struct account *)map(SIZE);
    int turn[2], done[2];

    for (size_t i = 0; i < ACCOUNTS; i++)
        accounts[i].money = MONEY;
    if (pipe(turn) || pipe(done))
        fail("pipe");
    uint64_t start = start_clock();
    pid_t child = fork();
    if (child == 0)
        dump(accounts, turn[0], done[1]);
    uint64_t in_fork = stop_clock(start);
    if (child < 0)
        fail("fork");
    uint64_t longest = go_on(accounts, turn[1], done[0]);
    end_child(child);
    report("dump_pause", longest > in_fork ? longest : in_fork, 1);
    report("dump_fork", in_fork, 1);
    report("dump_transfer", longest, 1);
    for (int i = 0; i < 2; i++) {
        close(turn[i]);
        close(done[i]);
    }
    munmap(accounts, SIZE);
}
