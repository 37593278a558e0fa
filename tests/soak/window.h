// SPDX-License-Identifier: MIT
/*
 * window.h - some pages of address space, and a naive model of what each is.
 *
 * Each operation is done to the pages and to the model; window_agrees compares. Pages lie on both sides of a border between
 * page-table nodes. The model is plain memory: fork copies it, so that each process knows its own pages. Threads each
 * have a window of their own.
 */
#ifndef SOAK_WINDOW_H
#define SOAK_WINDOW_H

#include "soak.h"

enum { WINDOW_PAGES = 48, FILE_PAGES = 16, SHARED_PAGES = 4 };

struct page {
    uint64_t content;       // seed of the pattern; 0: zeros. Of a private page
    uint8_t mapped;
    uint8_t rights;         // PROT_*
    uint8_t file;           // 1 + the page of the constant file that lies under it; 0: none
    uint8_t shared;         // 1 + the page of the shared file that this is; 0: private
};

struct window {
    unsigned char *base;            // of page 0
    unsigned count, group, stride;  // all pages; those that lie together; from one group to the next
    uint8_t tag;                    // the first byte, from the top, of what is written to private pages
    int pipe[2];                    // the kernel touches pages through it
    struct page page[WINDOW_PAGES];
};

/* Files that stand behind pages: one whose content never changes, and one that all write. Made once for a round. */
#define FILE_TAG 0xff               // of the constant file's content
struct backing {
    int constant, shared;
    uint64_t seed;                  // of the constant file
    uint64_t *added;                // in shared memory: what was added to each page of the shared file
};
extern struct backing backing;

bool backing_make(struct random *random);
/* Does the shared file hold all that was added to it? Closes both. */
bool backing_agrees(void);

/* A pipe of one's own; a process or thread calls it first. */
bool window_open(struct window *window);
void window_close(struct window *window);

unsigned char *window_at(const struct window *window, unsigned page);

/* One random operation. */
bool window_step(struct window *window, struct random *random);

/* Is each page what the model says: absent, refused, or these bytes? */
bool window_agrees(struct window *window);

/* Unmap all. */
bool window_clear(struct window *window);

#endif
