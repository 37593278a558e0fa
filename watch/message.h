// SPDX-License-Identifier: MIT
/*
 * message.h - what is told to the page, one JSON object a line: docs/watch.md has the words.
 */
#ifndef WATCH_MESSAGE_H
#define WATCH_MESSAGE_H

#include "json.h"
#include "picture.h"

#define MESSAGE_FORMAT 1

/* What is said of the guest before anything else. */
struct about {
    const char *build;   // its build id in hexadecimal
    uint64_t memory;     // bytes
    uint32_t frames;
    unsigned cpus;
    const char *machine;
    bool icount;
    bool live;           // false: from a snapshot
    const char *lessons; // a folder with what the page offers to run, or NULL
};

/* A fault that the guest holds, until it is told to go on. */
struct held {
    uint32_t pid, tid;
    uint64_t address;
    uint32_t code; // the error code
};

/* Number and time of a picture. */
struct moment {
    uint64_t number, ticks;
    bool full;
};

void message_hello(struct text *text, const struct about *about);

/* What `change` names of the picture. */
void message_picture(struct text *text, const struct picture *picture, const struct change *change, const struct moment *moment);

void message_console(struct text *text, const char *bytes, size_t length);
/* Of the guest: "running", "paused", "stepping" or "ended", and why it ended. held: the fault that waits, or NULL */
void message_state(struct text *text, const char *run, const struct held *held, const char *reason);

/* So many events were not sent. */
void message_lost(struct text *text, uint64_t lost);

void message_error(struct text *text, const char *what);

/* The beginning of a message of that type, and its end. */
void message_begin(struct text *text, const char *type);
void message_end(struct text *text);

/* Entries of a leaf that follow one another in the same way: `count` pages whose frames are `step` apart. */
struct leaf_run {
    unsigned index, count;
    int step;
    uint64_t ppn, pte_pfn;
    unsigned vpi_bits, pte_bits;
};

/* The first run at or after `index`. => false: there is none */
bool leaf_run_find(const struct picture_node *leaf, unsigned index, struct leaf_run *run);

#define VPI_PRESENT  1u
#define VPI_WRITABLE 2u
#define VPI_USED     4u
#define PTE_NO_EXECUTE 4096u // in pte_bits; the others are the hardware's

#endif
