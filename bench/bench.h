// SPDX-License-Identifier: MIT
/*
 * bench.h - what the rows of the benchmark share.
 *
 * A row measures one operation and reports lines NAME VALUE. Under QEMU's -icount shift=0 the time-stamp counter counts
 * instructions, so the values repeat to the last digit; without it they are cycles, or something like them.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mark.h"

#define PAGE 4096UL
#define MIB (1UL << 20)

static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* The part of a row that is measured, and that `gaur profile` looks at, is between these two. */
static inline uint64_t start_clock(void)
{
    MARK_BEGIN();
    return now();
}

static inline uint64_t stop_clock(uint64_t start)
{
    uint64_t taken = now() - start;

    MARK_END();
    return taken;
}

/* support.c */
void report(const char *name, uint64_t total, uint64_t operations);
void fail(const char *what) __attribute__((noreturn, cold)); // after a system call: says why, and ends the program
char *map(size_t size);                                      // private, anonymous, readable and writable
void touch(char *at, size_t size);                           // writes a byte of each page
void end_child(pid_t child);                                 // waits for it; it must have ended well
void huge_pages(const char *mode);                           // "always" or "never", where the kernel has a say in it
uint64_t nanoseconds(void);                                  // by the clock, for rows that are about time

/* calls.c */
void null_call(void);
void pipe_round_trip(void);

/* faults.c */
void anonymous_read_fault(void);
void anonymous_write_fault(void);
void anonymous_write_forward(void);
void cow_fault(const char *name, size_t size);
void cow_last_owner(void);
void cow_worst_small(void);
void cow_worst_huge(void);
void touch_region(const char *name, size_t size);

/* idle.c */
void idle_children(void);

/* fork_server.c, dump.c */
void fork_server(void);
void dump_pause(void);

/* parallel.c */
void parallel_threads(void);
void parallel_processes(void);

/* flush.c */
void flush_threshold(void);

/* working_set.c */
void working_set_swapped(void);
void working_set_beside_reader(void);

/* maps.c */
void map_and_unmap(void);
void protect(void);
void brk_up_and_down(void);

/* processes.c */
void fork_cost(const char *suffix, size_t size);
void fork_regions(void);
void spawn(void);

#endif
