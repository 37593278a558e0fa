// SPDX-License-Identifier: MIT
/*
 * stream.h - the pages that are connected, and what is under way to each.
 *
 * A page that reads more slowly than the guest changes loses pictures, not the thread: when too much waits for it all of that is dropped, and
 * it is sent one whole picture when it has caught up.
 */
#ifndef WATCH_STREAM_H
#define WATCH_STREAM_H

#include <libwebsockets.h>

#include "json.h"

/* A message on its way; shared by all who get it. */
struct parcel;

/* What one of a page's connections has in hand; libwebsockets allocates it, zeroed. */
struct client {
    struct lws *wsi;
    struct client *next;
    struct parcel **array;   // what waits, the oldest first
    size_t count, capacity;
    size_t bytes;            // of all that
    uint64_t lost;           // events that it was not sent
    bool greeted;            // it has been sent what it needs to begin
    bool behind;             // it has missed pictures
    struct text heard;       // the beginning of a message from it
};

struct stream {
    struct client *clients;
    /* Someone has come, or has caught up: send what it needs to begin. => false: there is nothing yet */
    bool (*greet)(void *arg, struct client *client, bool again);
    void (*hear)(void *arg, struct client *client, const char *message, size_t length);
    void *arg;
};

void stream_join(struct stream *stream, struct client *client, struct lws *wsi);
void stream_leave(struct stream *stream, struct client *client);

/* There is something now: greet who has not been yet. */
void stream_greet_all(struct stream *stream);

/* Send one message, or several lines, to one page or to all. `events`: how many it tells of, to be counted where it is lost */
void stream_send(struct client *client, const struct text *text);
void stream_send_all(struct stream *stream, const struct text *text, unsigned events);

/* The connection takes more. => false: it is to be closed */
bool stream_write(struct stream *stream, struct client *client);

/* A piece of a message has come. => false: the connection is to be closed */
bool stream_hear(struct stream *stream, struct client *client, const char *piece, size_t length);

#endif
