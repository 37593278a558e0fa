// SPDX-License-Identifier: MIT
/*
 * server.h - HTTP on 127.0.0.1: the page, the stream, a recording; and the loop that also waits for other files.
 */
#ifndef WATCH_SERVER_H
#define WATCH_SERVER_H

#include "stream.h"

#define SERVER_FILES 8

/* A file that the loop waits for. */
struct server_file {
    int fd;
    bool (*ready)(void *arg); // something can be read; false: there will be no more
    void *arg;
    struct lws *wsi;
};

struct server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct stream *stream;    // NULL: there is none
    const char *page;         // folder of the built page
    const char *recording;    // file, or NULL
    unsigned port;            // the real one, after server_open
    struct server_file files[SERVER_FILES];
    unsigned file_count;
    bool done;                // the loop is to end
};

/* Begin to listen; port 0: any free one. Ends the program if that is not possible. */
void server_open(struct server *server, unsigned port);

/* Wait for `fd` as well. */
void server_add_file(struct server *server, int fd, bool (*ready)(void *arg), void *arg);

/* Call `expired` after so long. The timer is libwebsockets' sorted_usec_list, in a struct of the caller's. */
void server_after(struct server *server, lws_sorted_usec_list_t *timer, void (*expired)(lws_sorted_usec_list_t *timer),
                  uint64_t microseconds);

/* Until server_stop. */
void server_run(struct server *server);
void server_stop(struct server *server);
void server_close(struct server *server);

#endif
