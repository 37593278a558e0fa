// SPDX-License-Identifier: MIT
/*
 * main.c - the rows of the benchmark by name: micro [ROW...].
 *
 * The same static binary runs on Gaur and on Linux; tools/bench/ runs it on both, and knows what figures are wanted.
 * A ROW may be the beginning of names. None at all means those that fit into 16 MB. fork_N, cow_N and touch_N take a
 * number of MiB in place of N; they and the others that need more memory run when named.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static void fork_tiny(void)
{
    fork_cost("tiny", 0);
}

static void cow_small(void)
{
    cow_fault("cow_1", MIB);
}

static const struct row {
    const char *name;
    void (*run)(void);
} rows[] = {
    {"null_call", null_call},
    {"pipe_round_trip", pipe_round_trip},
    {"anonymous_read_fault", anonymous_read_fault},
    {"anonymous_write_fault", anonymous_write_fault},
    {"anonymous_write_forward", anonymous_write_forward},
    {"cow_1", cow_small},
    {"cow_last_owner", cow_last_owner},
    {"mmap_munmap_64k", map_and_unmap},
    {"mprotect_1m", protect},
    {"brk_64k", brk_up_and_down},
    {"fork_tiny", fork_tiny},
    {"fork_regions", fork_regions},
    {"spawn", spawn},
}, large_rows[] = {
    {"cow_worst", cow_worst_small},
    {"cow_worst_huge", cow_worst_huge},
    {"fork_server", fork_server},
    {"dump_pause", dump_pause},
    {"idle_children", idle_children},
    {"parallel_threads", parallel_threads},
    {"parallel_processes", parallel_processes},
    {"flush_threshold", flush_threshold},
    {"working_set_swapped", working_set_swapped},
    {"working_set_beside_reader", working_set_beside_reader},
};

static bool run_exactly(const char *name, const struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(row[i].name, name) == 0) {
            row[i].run();
            return true;
        }
    return false;
}

/* fork_N, cow_N and touch_N, each also with _huge at its end. => false if the name is none of them */
static bool run_sized(const char *name)
{
    const char *underscore = strchr(name, '_');
    char *end;

    if (underscore == NULL)
        return false;
    size_t size = strtoul(underscore + 1, &end, 10) * MIB;
    if (size == 0)
        return false;
    huge_pages(strcmp(end, "_huge") == 0 ? "always" : "never");
    bool found = true;
    if (strncmp(name, "cow_", 4) == 0)
        cow_fault(name, size);
    else if (strncmp(name, "fork_", 5) == 0)
        fork_cost(underscore + 1, size);
    else if (strncmp(name, "touch_", 6) == 0)
        touch_region(name, size);
    else
        found = false;
    huge_pages("never");
    return found;
}

static bool run_beginning(const char *name)
{
    bool found = false;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(rows[i].name, name, strlen(name)) == 0) {
            rows[i].run();
            found = true;
        }
    return found;
}

static bool run_named(const char *name)
{
    return run_exactly(name, rows, sizeof rows / sizeof rows[0])
        || run_exactly(name, large_rows, sizeof large_rows / sizeof large_rows[0])
        || run_sized(name)
        || run_beginning(name);
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc > 1 && strcmp(argv[1], "--nothing") == 0)
        return 0;
    huge_pages("never");
    for (int i = 1; i < argc; i++)
        if (!run_named(argv[i])) {
            fprintf(stderr, "micro: no row %s\n", argv[i]);
            status = 2;
        }
    if (argc == 1)
        run_beginning("");
    return status;
}
