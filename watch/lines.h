// SPDX-License-Identifier: MIT
/*
 * lines.h - text that comes from a socket piece by piece, line by line.
 */
#ifndef WATCH_LINES_H
#define WATCH_LINES_H

#include <stdbool.h>

#include "json.h"

struct lines {
    int fd;
    bool ended;       // the other side has gone
    struct text text; // what has come and was not taken
    size_t taken;
};

/* Read what there is, without waiting. => false: there will be no more */
bool lines_read(struct lines *lines);

/* The next whole line, without its end, valid until lines_read. NULL: none yet */
char *lines_next(struct lines *lines);

/* Wait for something to come, at most so long. */
void lines_wait(const struct lines *lines, int milliseconds);

#endif
