// SPDX-License-Identifier: MIT
/*
 * live.c - the loop around a guest that runs: look ten times a second, tell what is new, carry the console, do what the page asks.
 *
 * Nobody is looked for when nobody sees it: without a page and a recording the guest is only carried. When the guest has done nothing since
 * the last look, the next one is put off, but for one a second: the processor marks entries as used, which nobody counts.
 */
#include "live.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "files.h"
#include "looking.h"
#include "qmp.h"
#include "recorder.h"
#include "server.h"

#define LOOK_EVERY 100000       // microseconds
#define LOOK_MICROSECONDS 10000 // that one look may take
#define LOOK_ANYWAY 10          // looks that are put off before one is made all the same
#define CONSOLE_EVERY 20000     // microseconds
#define LINGER 300000           // microseconds for the last messages

struct live {
    lws_sorted_usec_list_t look_timer, console_timer, end_timer;
    const struct options *options;
    struct looking looking;
    struct server server;
    struct stream stream;
    struct console console;
    struct qmp qmp;
    struct lines launcher;
    struct recorder recorder;
    bool told;              // hello and a first picture are in the recording
    unsigned put_off;
    const char *run;        // the state
    char reason[256];
    struct text text;       // what is about to be sent
    struct text said;       // what the console said and was not told yet
};

/* ---- Telling ---- */

/* Send what is in live->text to all, and record it. */
static void tell_all(struct live *live)
{
    stream_send_all(&live->stream, &live->text, 0);
    if (live->told)
        recorder_add(&live->recorder, &live->text);
    text_clear(&live->text);
}

static struct moment moment_now(const struct live *live, bool full)
{
    return (struct moment){.number = live->looking.number, .ticks = 0, .full = full};
}

/* Everything that a page needs to begin. */
static void put_whole(struct live *live, struct text *text, bool again)
{
    struct looking *looking = &live->looking;
    struct moment moment = moment_now(live, true);

    if (!again)
        message_hello(text, &looking->about);
    if (looking->begun) {
        picture_whole(&looking->picture, &looking->change);
        message_picture(text, &looking->picture, &looking->change, &moment);
    }
    message_state(text, live->run, NULL, live->reason);
}

static bool is_watched(const struct live *live)
{
    return live->stream.clients || live->recorder.path;
}

/* ---- Looking ---- */

/* The recording begins when there is a first picture. */
static void begin_recording(struct live *live)
{
    struct text text = {0};

    live->told = true;
    put_whole(live, &text, false);
    recorder_add(&live->recorder, &text);
    text_free(&text);
}

static void look(struct live *live)
{
    struct looking *looking = &live->looking;
    bool begun = looking->begun;

    if (!looking_look(looking, LOOK_MICROSECONDS))
        return;
    struct moment moment = moment_now(live, !begun);
    message_picture(&live->text, &looking->picture, &looking->change, &moment);
    tell_all(live);
    if (!live->told && live->recorder.path)
        begin_recording(live);
}

static void look_if_stale(struct live *live)
{
    bool stale = !live->looking.begun || mirror_is_stale(&live->looking.mirror);

    if (!is_watched(live) || (!stale && ++live->put_off < LOOK_ANYWAY))
        return;
    live->put_off = 0;
    look(live);
}

static void on_look_timer(lws_sorted_usec_list_t *timer)
{
    struct live *live = lws_container_of(timer, struct live, look_timer);

    console_flush(&live->console);
    look_if_stale(live);
    server_after(&live->server, timer, on_look_timer, LOOK_EVERY);
}

/* ---- The console ---- */

/* Tell what the console said, but for a character that is still to be completed. */
static void tell_console(struct live *live, bool all)
{
    struct text *said = &live->said;
    size_t length = all ? said->count : text_whole(said->array, said->count);

    if (length == 0)
        return;
    message_console(&live->text, said->array, length);
    tell_all(live);
    memmove(said->array, said->array + length, said->count - length);
    said->count -= length;
}

static void on_console_timer(lws_sorted_usec_list_t *timer)
{
    tell_console(lws_container_of(timer, struct live, console_timer), false);
}

/* It comes byte by byte: some are waited for. */
static bool on_console(void *arg)
{
    struct live *live = arg;
    char piece[4096];
    size_t got = console_read(&live->console, piece, sizeof piece);

    if (got == 0) {
        tell_console(live, true);
        return false;
    }
    text_put(&live->said, piece, got);
    server_after(&live->server, &live->console_timer, on_console_timer, CONSOLE_EVERY);
    return true;
}

/* ---- The end ---- */

static void on_end_timer(lws_sorted_usec_list_t *timer)
{
    struct live *live = lws_container_of(timer, struct live, end_timer);

    if (live->stream.clients)
        server_after(&live->server, timer, on_end_timer, LINGER);
    else
        live->server.done = true;
}

/* The guest is gone; its memory is still there. Who looks at a page may go on with that, and who looks at none does not wait. */
static void end(struct live *live, const char *reason)
{
    if (strcmp(live->run, "ended") == 0)
        return;
    lws_sul_cancel(&live->look_timer);
    tell_console(live, true);
    if (is_watched(live))
        look(live);
    live->run = "ended";
    snprintf(live->reason, sizeof live->reason, "%s", reason);
    message_state(&live->text, live->run, NULL, live->reason);
    tell_all(live);
    console_close(&live->console);
    if (live->stream.clients)
        say("the guest has ended: %s; this goes on until the page is closed, or Ctrl-C", reason);
    server_after(&live->server, &live->end_timer, on_end_timer, LINGER);
}

/* ---- What comes in ---- */

static void set_run(struct live *live, const char *run)
{
    live->run = run;
    message_state(&live->text, live->run, NULL, live->reason);
    tell_all(live);
}

static bool on_qmp(void *arg)
{
    struct live *live = arg;

    if (qmp_read(&live->qmp) && strcmp(live->run, "ended") != 0) {
        look_if_stale(live);
        set_run(live, live->qmp.paused ? "paused" : "running");
    }
    return !live->qmp.lines.ended;
}

static bool on_terminal(void *arg)
{
    struct live *live = arg;
    bool quit, more = console_read_terminal(&live->console, &quit);

    if (quit)
        write_all(live->launcher.fd, "quit\n", 5);
    return more;
}

static bool on_launcher(void *arg)
{
    struct live *live = arg;
    bool more = lines_read(&live->launcher);

    for (char *line; (line = lines_next(&live->launcher));)
        if (strncmp(line, "ended ", 6) == 0)
            end(live, line + 6);
    if (!more)
        live->server.done = true; // nobody would stop us later
    return more;
}

/* ---- What pages ask for ---- */

static void refuse(struct client *client, const char *what)
{
    struct text text = {0};

    message_error(&text, what);
    stream_send(client, &text);
    text_free(&text);
}

/* => NULL, or what is wrong with it */
static const char *obey(struct live *live, const json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));

    if (!type)
        return "a message has to be a JSON object with a type";
    if (strcmp(live->run, "ended") == 0)
        return "the guest has ended";
    if (strcmp(type, "pause") == 0) {
        qmp_pause(&live->qmp);
    } else if (strcmp(type, "go") == 0) {
        qmp_go(&live->qmp);
    } else if (strcmp(type, "input") == 0) {
        const json_t *text = json_object_get(message, "text");
        if (!json_is_string(text))
            return "input: a text is wanted";
        console_type(&live->console, json_string_value(text), json_string_length(text));
    } else {
        return "no such type of message";
    }
    return NULL;
}

static void on_message(void *arg, struct client *client, const char *bytes, size_t length)
{
    json_t *message = json_loadb(bytes, length, 0, NULL);
    const char *wrong = obey(arg, message);

    if (wrong)
        refuse(client, wrong);
    json_decref(message);
}

/* A page has come: it gets what there is, as of now. */
static void on_greet(void *arg, struct client *client, bool again)
{
    struct live *live = arg;
    struct text text = {0};

    if (!again && strcmp(live->run, "ended") != 0)
        look(live);
    put_whole(live, &text, again);
    if (!again && live->console.said.count > 0)
        message_console(&text, live->console.said.array, live->console.said.count);
    if (client->lost > 0)
        message_lost(&text, client->lost);
    stream_send(client, &text);
    text_free(&text);
}

/* ---- All ---- */

static void open_all(struct live *live, const struct options *options)
{
    *live = (struct live){.options = options, .run = "running", .launcher = {.fd = options->control}};
    looking_open(&live->looking, options);
    live->looking.about.live = true;
    recorder_open(&live->recorder, options->record);
    live->stream = (struct stream){.greet = on_greet, .hear = on_message, .arg = live};
    live->server = (struct server){.stream = &live->stream, .page = options->page};
    server_open(&live->server, options->port);
    console_open(&live->console, options->console, options->terminal);
    qmp_begin(&live->qmp, options->qmp);
    server_add_file(&live->server, options->qmp, on_qmp, live);
    server_add_file(&live->server, options->console, on_console, live);
    server_add_file(&live->server, options->control, on_launcher, live);
    server_add_file(&live->server, STDIN_FILENO, on_terminal, live);
    server_after(&live->server, &live->look_timer, on_look_timer, LOOK_EVERY);
}

int live_run(const struct options *options)
{
    static struct live live;
    char line[64];

    open_all(&live, options);
    int length = snprintf(line, sizeof line, "ready %u\n", live.server.port);
    write_all(options->control, line, (size_t)length);
    server_run(&live.server);
    console_close(&live.console);
    recorder_close(&live.recorder);
    server_close(&live.server);
    return 0;
}
