// SPDX-License-Identifier: MIT
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "vector.h"

#define WAITING_MAX (8u << 20) // bytes that may wait for one page
#define HEARD_MAX   (64u << 10) // of one message from a page

struct parcel {
    unsigned users;
    size_t length;
    unsigned char bytes[]; // LWS_PRE of them are libwebsockets'
};

/* ---- Parcels ---- */

static struct parcel *parcel_make(const char *bytes, size_t length)
{
    struct parcel *parcel = vector_alloc(1, sizeof *parcel + LWS_PRE + length);

    parcel->length = length;
    memcpy(parcel->bytes + LWS_PRE, bytes, length);
    return parcel;
}

static void parcel_put(struct parcel *parcel)
{
    if (--parcel->users == 0)
        free(parcel);
}

static void add(struct client *client, struct parcel *parcel)
{
    parcel->users++;
    vector_add(client, parcel);
    client->bytes += parcel->length;
    lws_callback_on_writable(client->wsi);
}

static void drop_waiting(struct client *client)
{
    for (size_t i = 0; i < client->count; i++)
        parcel_put(client->array[i]);
    client->count = 0;
    client->bytes = 0;
}

/* ---- Clients ---- */

void stream_join(struct stream *stream, struct client *client, struct lws *wsi)
{
    *client = (struct client){.wsi = wsi};
    client->greeted = stream->greet(stream->arg, client, false);
    client->next = stream->clients;
    stream->clients = client;
}

void stream_greet_all(struct stream *stream)
{
    for (struct client *client = stream->clients; client; client = client->next)
        if (!client->greeted)
            client->greeted = stream->greet(stream->arg, client, false);
}

void stream_leave(struct stream *stream, struct client *client)
{
    struct client **link = &stream->clients;

    while (*link && *link != client)
        link = &(*link)->next;
    if (*link)
        *link = client->next;
    drop_waiting(client);
    free(client->array);
    text_free(&client->heard);
}

/* ---- Sending ---- */

/* The end of the line that begins at `start`: one message. */
static size_t line_end(const struct text *text, size_t start)
{
    const char *end = memchr(text->array + start, '\n', text->count - start);

    return end ? (size_t)(end - text->array) : text->count;
}

void stream_send(struct client *client, const struct text *text)
{
    for (size_t start = 0; start < text->count;) {
        size_t end = line_end(text, start);
        add(client, parcel_make(text->array + start, end - start));
        start = end + 1;
    }
}

static void send_or_lose(struct client *client, struct parcel *parcel, unsigned events)
{
    if (client->bytes + parcel->length > WAITING_MAX) {
        drop_waiting(client);
        client->behind = true;
        lws_callback_on_writable(client->wsi);
    }
    if (client->behind)
        client->lost += events;
    else
        add(client, parcel);
}

void stream_send_all(struct stream *stream, const struct text *text, unsigned events)
{
    for (size_t start = 0; start < text->count && stream->clients;) {
        size_t end = line_end(text, start);
        struct parcel *parcel = parcel_make(text->array + start, end - start);
        parcel->users = 1;
        for (struct client *client = stream->clients; client; client = client->next)
            if (client->greeted)
                send_or_lose(client, parcel, events);
        parcel_put(parcel);
        start = end + 1;
    }
}

static void catch_up(struct stream *stream, struct client *client)
{
    client->behind = false;
    stream->greet(stream->arg, client, true);
    client->lost = 0;
}

bool stream_write(struct stream *stream, struct client *client)
{
    if (client->count == 0 && client->behind)
        catch_up(stream, client);
    if (client->count == 0)
        return true;
    struct parcel *parcel = client->array[0];
    int done = lws_write(client->wsi, parcel->bytes + LWS_PRE, parcel->length, LWS_WRITE_TEXT);
    client->count--;
    client->bytes -= parcel->length;
    memmove(client->array, client->array + 1, client->count * sizeof *client->array);
    parcel_put(parcel);
    if (client->count > 0)
        lws_callback_on_writable(client->wsi);
    return done >= 0;
}

/* ---- Hearing ---- */

bool stream_hear(struct stream *stream, struct client *client, const char *piece, size_t length)
{
    if (client->heard.count + length > HEARD_MAX)
        return false;
    text_put(&client->heard, piece, length);
    if (!lws_is_final_fragment(client->wsi) || lws_remaining_packet_payload(client->wsi) > 0)
        return true;
    stream->hear(stream->arg, client, client->heard.array, client->heard.count);
    text_clear(&client->heard);
    return true;
}
