// SPDX-License-Identifier: MIT
/*
 * looking.h - a guest, its mirror, and what was told of it, together: what each look goes through.
 */
#ifndef WATCH_LOOKING_H
#define WATCH_LOOKING_H

#include "message.h"
#include "options.h"

struct looking {
    struct guest guest;
    struct mirror mirror;
    struct picture picture;
    struct change change;
    bool begun;          // the guest's memory manager has
    uint64_t number;     // of pictures
    char build[2 * BUILD_ID_MAX + 1];
    struct about about;
};

/* Ends the program if the guest cannot be looked at: its kernel is another one. */
void looking_open(struct looking *looking, const struct options *options);

/* Look again. => whether there is a picture, for the first time or with something new */
bool looking_look(struct looking *looking, unsigned microseconds);

void looking_close(struct looking *looking);

#endif
