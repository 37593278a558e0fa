// SPDX-License-Identifier: MIT
/*
 * live.h - a guest that runs, shown to pages and recorded while it does.
 */
#ifndef WATCH_LIVE_H
#define WATCH_LIVE_H

#include "console.h"
#include "events.h"
#include "looking.h"
#include "options.h"
#include "qmp.h"
#include "recorder.h"
#include "server.h"

struct live {
    lws_sorted_usec_list_t look_timer, ring_timer, console_timer, end_timer;
    struct looking looking;
    struct events events;
    struct server server;
    struct stream stream;
    struct console console;
    struct qmp qmp;
    struct lines launcher;
    struct recorder recorder;
    bool recording;         // it has its beginning
    unsigned put_off;       // looks in a row, since nothing had happened
    bool stepping, ended;
    bool holds;             // a fault waits:
    struct held held;
    char reason[256];       // why the guest ended
    struct text text;       // what is about to be sent
    struct text said;       // what the console said and was not told yet
};

/* => exit status */
int live_run(const struct options *options);

/* Look at the guest, and tell all what is new; and the state that it is in. */
void live_look(struct live *live);
void live_tell_state(struct live *live);
void live_put_state(const struct live *live, struct text *text);

/* The number and time of the picture that is about to be told. */
struct moment live_moment(const struct live *live, bool full);

/* ---- What pages need, and ask for (live_page.c), for struct stream ---- */
bool live_greet(void *arg, struct client *client, bool again);
void live_hear(void *arg, struct client *client, const char *message, size_t length);

/* Everything that a page, or a recording, begins with. => the guest's memory manager has begun */
void live_put_whole(struct live *live, struct text *text);

#endif
