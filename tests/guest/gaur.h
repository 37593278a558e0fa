// SPDX-License-Identifier: MIT
/*
 * gaur.h - what only Gaur shows: its counters, its frames by kind, a thread's last fault.
 *
 * Reading takes no page fault from the second time on: all buffers are static. So a claim reads once to warm up,
 * then before and after what it measures.
 */
#ifndef GUEST_GAUR_H
#define GUEST_GAUR_H

#include "tap.h"

/* A counter of /proc/vmstat by name; -1 if there is none. */
long counter(const char *name);

/*
 * The counters count everyone, and on another processor our parent (or the suite, its parent) may still be copying
 * what it shares with us: wait until all of them sleep. Before each measurement; nothing to do on Linux.
 */
void ancestors_sleep(void);

/* Page faults that this process took (Linux: from getrusage; Gaur: all of them, from pgfault). */
long faults_taken(void);

#define FRAME_KINDS 32
struct frames {
    int kinds;
    long objects;           // of all slab caches
    struct {
        char name[24];
        long count;
    } kind[FRAME_KINDS];
};

/* /proc/gaur/frames; false if it cannot be read. */
bool frames_take(struct frames *frames);
/* Frames of one kind, 0 if the kind is not listed. */
long frames_of(const struct frames *frames, const char *kind);
/* Give back caches first, as the suite does between programs. */
void caches_drop(void);
/* All the memory that a counting program will ever use is its own before it counts: else its growth looks like a leak. */
void own_memory_touch(void);
/* frames_take, caches dropped, when the numbers have come to rest. */
bool frames_settle(struct frames *frames);
/*
 * Are there as many frames of each kind as before, caches dropped? Small objects do not move: if as many as before lie in more or
 * fewer frames of kind slab, that is none lost. Orphans are reaped by init in its own time, so the
 * numbers get a while to settle; if they do not, each difference is told.
 */
bool frames_are_back(const struct frames *before);
/* The same for a program that is itself among what is counted: its own metadata may have become less, but nothing more. */
bool frames_are_not_lost(const struct frames *before);

/* /proc/gaur/verify finds nothing; else all that it says is told. */
bool verify_is_ok(void);

/* The error code of a page fault, as the processor sets it. */
enum { FAULT_P = 1, FAULT_W = 2, FAULT_U = 4, FAULT_I = 16 };

struct fault_record {
    unsigned long address;
    unsigned long code;
    char bits[32];
    char cause[32];
    char outcome[32];
};

/* Open /proc/self/gaur/fault for this process (again after a fork); false if it cannot be opened. */
bool fault_open(void);
/* The last fault of this process. */
bool fault_read(struct fault_record *record);

#endif
