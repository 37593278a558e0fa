// SPDX-License-Identifier: MIT
/*
 * fork_server.c - a server with much data that answers each request in a child of its own.
 *
 * Such servers exist because a child that goes wrong, or is attacked, takes nothing with it: what it writes is its own copy,
 * and ends with it. What it costs is a fork a request. Here a table of 512 MiB is looked up by a client's keys; the child
 * counts the look-up in the entry, which nobody must see later. The row tells requests a second of 10^9 instructions.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define SIZE (512 * MIB)
#define REQUESTS 20
#define BEFORE 2 // requests that are not measured

struct entry {
    uint64_t key;
    uint64_t looked_up;
    char rest[PAGE - 16];
};

#define ENTRIES (SIZE / sizeof(struct entry))

struct answer {
    uint64_t key;
    uint64_t looked_up;
};

static void answer(struct entry *table, uint64_t key, int to)
{
    struct entry *entry = &table[key % ENTRIES];
    struct answer answer = {.key = entry->key, .looked_up = ++entry->looked_up};

    _exit(write(to, &answer, sizeof answer) != sizeof answer);
}

/* Until the client has no more requests. */
static void serve(int from, int to)
{
    struct entry *table = (struct entry *)map(SIZE);
    uint64_t key;

    for (size_t i = 0; i < ENTRIES; i++)
        table[i].key = i;
    while (read(from, &key, sizeof key) == sizeof key) {
        pid_t child = fork();
        if (child == 0)
            answer(table, key, to);
        if (child < 0)
            fail("fork");
        end_child(child);
    }
    munmap(table, SIZE);
}

/* A request, and whether the answer is right. */
static bool ask(uint64_t key, int to, int from)
{
    struct answer answer;

    return write(to, &key, sizeof key) == sizeof key && read(from, &answer, sizeof answer) == sizeof answer
        && answer.key == key && answer.looked_up == 1;
}

static void run_client(int to, int from)
{
    uint64_t start = 0;

    for (int i = 0; i < BEFORE + REQUESTS; i++) {
        if (i == BEFORE)
            start = start_clock();
        if (!ask((uint64_t)(i * 7919 + i % 2) % ENTRIES, to, from))
            fail("a wrong answer");
    }
    report("fork_server", REQUESTS * 1000000000ULL, stop_clock(start));
}

void fork_server(void)
{
    int requests[2], answers[2];

    if (pipe(requests) || pipe(answers))
        fail("pipe");
    pid_t client = fork(); // before the data is there
    if (client == 0) {
        run_client(requests[1], answers[0]);
        _exit(0);
    }
    close(requests[1]);
    close(answers[0]);
    serve(requests[0], answers[1]);
    end_child(client);
    close(requests[0]);
    close(answers[1]);
}
