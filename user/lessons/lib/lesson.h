// SPDX-License-Identifier: MIT
/*
 * lesson.h - what the lessons share: steps that wait for Enter, what a process knows of its own memory, partners.
 *
 * A lesson says what it is about to do, waits for Enter (with --run it does not), does it, and tells what it sees from its own side: pages from
 * /proc/self/pagemap and /proc/kpagecount, faults from getrusage and /proc/self/gaur/fault. Each claim is checked; the exit
 * status is 0 if all of them held, and NOT_HERE where the lesson cannot be shown.
 *
 * A lesson runs on Linux too, which tells less: what holds on Gaur alone is a gaur_claim.
 *
 * What looks must not change what it looks at: all state is in .bss, which own_memory makes private, and text goes
 * out by write(2).
 */
#ifndef LESSON_H
#define LESSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096L
#define NOT_HERE 77

/*
 * Where a lesson's pages lie: index 1 in the top node, 2 in the next, 3 in the one below, and page i has index i in the leaf. So the walk
 * is easily read, and no node on it but the top one has pages of the program's own.
 */
#define ARENA ((unsigned char *)0x8080600000)

/* The error code of a page fault. */
enum { P = 1, W = 2, U = 4 };

/* ---- Telling ---- */

void lesson_start(int argc, char **argv, const char *title);
/* Says what comes next, and waits for Enter. */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void claim(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Of Gaur alone: on Linux nothing is said. */
void gaur_claim(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Waits once more, so that the last step can be looked at. => the exit status */
int lesson_end(void);
/* It cannot be shown on this machine: ends the program. */
_Noreturn void not_here(const char *why);
/* Something that is no part of the lesson went wrong: ends the program. */
_Noreturn void broken(const char *what);
/* Lines of this process begin with a name. */
void set_name(const char *name);

bool on_gaur(void);

/* ---- Pages ---- */

struct page {
    bool present, swapped, zero;
    bool alone;         // no other process can reach its frame
    uint64_t frame;     // 0: the kernel does not tell
    uint64_t slot;      // in swap
    long references;    // of the frame; -1: the kernel does not tell
};

/* `pages` fresh pages from ARENA on. flags: MAP_PRIVATE or MAP_SHARED */
unsigned char *arena_map(size_t pages, int flags);
struct page page_look(const volatile void *address);
/* One line, and the same as a result. */
struct page page_tell(const volatile void *address);
/* Are both in the same frame? True if the kernel does not tell. */
bool same_frame(struct page a, struct page b);
bool other_frame(struct page a, struct page b);
/* Pages in memory from `start` on. */
size_t pages_present(const volatile void *start, size_t pages);

/* The region of /proc/self/maps that holds an address; false if none does. */
struct region {
    unsigned long start, end;
    char line[128]; // its range, rights, and name
};
bool region_of(const volatile void *address, struct region *region);
bool region_tell(const volatile void *address);

/* ---- Frames of the machine by kind, counters; 0 on Linux ---- */

struct frames {
    long anonymous, node, file, swap, free;
};
struct frames frames_now(void);
/* A counter of /proc/vmstat. */
long counter(const char *name);

/* ---- Faults ---- */

/* What an access met. */
struct fault {
    long count;              // faults meanwhile
    long major;              // of them, such that waited for a disk
    bool told;               // the rest is known
    unsigned long address;   // of the last
    unsigned code;
    char cause[24], outcome[24];
    int signal;              // that ended the access; 0: none did
    long result;             // of a system call; -errno
};

struct fault read_at(const volatile void *address);
struct fault write_at(volatile void *address, char byte);
/* The kernel writes one byte there, in read(2) from a pipe; or reads one, in write(2). */
struct fault kernel_write_at(volatile void *address, char byte);
struct fault kernel_read_at(const volatile void *address);
/* One line, and the same as a result. */
struct fault fault_tell(struct fault fault);
/* Is it the one fault that is expected? True if the kernel does not tell. */
bool fault_is(const struct fault *fault, const volatile void *address, unsigned code, const char *cause);

/* ---- Other processes ---- */

/* A child that does one thing after the other as it is told. */
struct partner {
    pid_t pid;
    int to, from;
};

/* Forks: the child calls act(n) for each n that partner_does sends. Both make what they look with their own. */
struct partner partner_start(const char *name, void (*act)(int n));
/* Returns when it is done. */
void partner_does(struct partner *partner, int n);
/* It ends. If its claims did not hold, ours did not. */
void partner_end(struct partner *partner);
/* Makes private what looking needs: after this it takes no fault. */
void own_memory(void);

#endif
