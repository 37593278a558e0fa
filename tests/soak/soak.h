// SPDX-License-Identifier: MIT
/*
 * soak.h - mixtures: what processes do, for as long as one likes, and how each checks itself.
 *
 * A mixture is a function that does one round of something: a round makes its choices by the random numbers that it is
 * given, checks all that it sees, and leaves nothing behind: no child, no descriptor, no mapping. To add one, write a file
 * and name its mixture here and in mixtures.c.
 */
#ifndef SOAK_H
#define SOAK_H

#include "tap.h"

/* Random numbers that repeat with their seed. */
struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
unsigned random_below(struct random *random, unsigned limit);
bool random_one_in(struct random *random, unsigned limit);
struct random random_split(struct random *random);

struct mixture {
    const char *name;
    bool (*round)(struct random *random);   // false, having said why, if anything is not as it should be
    unsigned weight;                        // how often, beside the others
};

extern const struct mixture forks, execs, pipes, records, signals, stops, faults, deaths, exits, kills, wakeups, files,
    threads, generations, huge_generations, terminals;

extern const struct mixture *const mixtures[];
#define MIXTURES_MAX 24

/* What `soak exec_child SEED STRING...` is: the far side of the mixture execs. Without a seed it only ends. */
int exec_child(int argc, char **argv);

/* ---- What mixtures share (toolbox.c) ---- */

/* Bytes that differ with the seed and with the place. The first eight are the seed. */
void pattern_fill(void *bytes, size_t length, uint64_t seed);
bool pattern_holds(const void *bytes, size_t length, uint64_t seed);

/* Fork; the child runs `child` with this argument and exits with what it returns. */
pid_t start_child(int (*child)(void *argument), void *argument);

/* Wait for any child: its wait status is to be that of an exit with `code`, or of death by `signo`. */
bool ends_with(pid_t pid, int code);
bool dies_of(pid_t pid, int signo);

/* read or write all of it, in pieces of at most `piece` bytes. */
bool read_whole(int fd, void *bytes, size_t length, size_t piece);
bool write_whole(int fd, const void *bytes, size_t length, size_t piece);

/* futex(2), of <linux/futex.h>, which musl does not bring along. */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

/* Memory that this process and those that it forks share; zeroed. NULL if there is none. */
void *shared_map(size_t size);

#endif
