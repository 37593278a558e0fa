// SPDX-License-Identifier: MIT
/*
 * looking.h - a guest, its mirror, and what was told of it, together: what each look goes through.
 */
#ifndef WATCH_LOOKING_H
#define WATCH_LOOKING_H

#include "message.h"
#include "options.h"
#include "recount.h"

struct looking {
    struct guest guest;
    struct mirror mirror;
    struct picture picture;
    struct change change;
    struct recount recount; // of the last look
    bool begun;          // the guest's memory manager has
    bool torn;           // some parts were torn at the last look
    uint64_t number;     // of pictures
    char build[2 * BUILD_ID_MAX + 1];
    struct about about;
};

/* Ends the program if the guest cannot be looked at: its kernel is another one. */
void looking_open(struct looking *looking, const struct options *options);

/* Look again. => whether there is something to tell: changes, or that what was torn no longer is */
bool looking_look(struct looking *looking, unsigned microseconds);

void looking_close(struct looking *looking);

#endif
