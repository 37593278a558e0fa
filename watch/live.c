// SPDX-License-Identifier: MIT
/*
 * live.c - the loop around a guest that runs: look ten times a second, tell what is new, carry the console.
 *
 * Theory      Without a page and a recording nobody sees what is looked for: then the guest is only carried. When it has done nothing since
 *             the last look, the next one is put off, but for one a second: the processor marks entries as used, which nobody counts.
 *             The kernel's rings of events are emptied more often, since they are small.
 * The end     The guest is gone, its memory is still there: a last look at it is what pages keep. Who looks at a page may go on with that;
 *             when the last page is closed, or there was none, so does this program.
 */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "files.h"

/* All in microseconds. */
#define LOOK_EVERY    100000
#define LOOK_FOR      10000 // at most
#define RING_EVERY    20000
#define CONSOLE_EVERY 20000
#define LINGER        300000

#define LOOK_ANYWAY 10 // looks are put off before one is made all the same

/* ---- Telling ---- */

/* Send what is in live->text to all, and record it. `events`: how many it tells of */
static void tell_all(struct live *live, unsigned events)
{
    stream_send_all(&live->stream, &live->text, events);
    if (live->recording)
        recorder_add(&live->recorder, &live->text);
    text_clear(&live->text);
}

void live_put_state(const struct live *live, struct text *text)
{
    const char *run = live->ended ? "ended" : live->qmp.paused ? "paused" : live->stepping ? "stepping" : "running";

    message_state(text, run, live->holds && !live->ended ? &live->held : NULL, live->reason);
}

void live_tell_state(struct live *live)
{
    live_put_state(live, &live->text);
    tell_all(live, 0);
}

struct moment live_moment(const struct live *live, bool full)
{
    return (struct moment){.number = live->looking.number, .ticks = live->events.last_time, .full = full};
}

/* ---- Looking ---- */

static bool is_watched(const struct live *live)
{
    return live->stream.clients || live->recorder.path;
}

/* There is a first picture: who has waited for it gets everything, and so does the recording. */
static void begin(struct live *live)
{
    struct text text = {0};

    stream_greet_all(&live->stream);
    live_put_whole(live, &text);
    recorder_add(&live->recorder, &text);
    live->recording = true;
    text_free(&text);
}

static void tell_events(struct live *live)
{
    events_take(&live->events);
    unsigned count = events_put(&live->events, &live->text);
    tell_all(live, count);
}

void live_look(struct live *live)
{
    struct looking *looking = &live->looking;
    bool begun = looking->begun;

    tell_events(live);
    if (!looking_look(looking, LOOK_FOR))
        return;
    if (!begun)
        return begin(live);
    struct moment moment = live_moment(live, false);
    message_picture(&live->text, &looking->picture, &looking->change, &moment);
    tell_all(live, 0);
}

static void look_if_stale(struct live *live)
{
    bool stale = !live->looking.begun || live->looking.torn || live->events.count > 0 || mirror_is_stale(&live->looking.mirror);

    if (!is_watched(live) || (!stale && ++live->put_off < LOOK_ANYWAY))
        return;
    live->put_off = 0;
    live_look(live);
}

static void on_look_timer(lws_sorted_usec_list_t *timer)
{
    struct live *live = lws_container_of(timer, struct live, look_timer);

    look_if_stale(live);
    server_after(&live->server, timer, on_look_timer, LOOK_EVERY);
}

/* Another fault waits than before, or none any more: tell at once what that is in the middle of. */
static void look_at_held(struct live *live)
{
    struct held held = {0};
    bool holds = control_held(&live->looking.guest, &held);

    if (holds == live->holds && memcmp(&held, &live->held, sizeof held) == 0)
        return;
    live->holds = holds;
    live->held = held;
    live_look(live);
    live_tell_state(live);
}

static void on_ring_timer(lws_sorted_usec_list_t *timer)
{
    struct live *live = lws_container_of(timer, struct live, ring_timer);

    console_flush(&live->console);
    if (is_watched(live))
        events_take(&live->events);
    if (live->stepping)
        look_at_held(live);
    server_after(&live->server, timer, on_ring_timer, RING_EVERY);
}

/* ---- The console ---- */

/* Tell what it said, but for a character that is still to be completed. */
static void tell_console(struct live *live, bool all)
{
    struct text *said = &live->said;
    size_t length = all ? said->count : text_whole(said->array, said->count);

    if (length == 0)
        return;
    message_console(&live->text, said->array, length);
    tell_all(live, 0);
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

static bool on_terminal(void *arg)
{
    struct live *live = arg;
    bool quit, more = console_read_terminal(&live->console, &quit);

    if (quit)
        write_all(live->launcher.fd, "quit\n", 5);
    return more;
}

/* ---- The end ---- */

static void on_end_timer(lws_sorted_usec_list_t *timer)
{
    struct live *live = lws_container_of(timer, struct live, end_timer);

    if (live->stream.clients)
        server_after(&live->server, timer, on_end_timer, LINGER);
    else
        server_stop(&live->server);
}

static void end(struct live *live, const char *reason)
{
    if (live->ended)
        return;
    lws_sul_cancel(&live->look_timer);
    lws_sul_cancel(&live->ring_timer);
    tell_console(live, true);
    if (is_watched(live))
        live_look(live);
    live->ended = true;
    snprintf(live->reason, sizeof live->reason, "%s", reason);
    live_tell_state(live);
    console_close(&live->console);
    if (live->stream.clients)
        say("the guest has ended: %s; this ends when the page is closed, or with Ctrl-C", reason);
    server_after(&live->server, &live->end_timer, on_end_timer, LINGER);
}

static bool on_launcher(void *arg)
{
    struct live *live = arg;
    bool more = lines_read(&live->launcher);

    for (char *line; (line = lines_next(&live->launcher));)
        if (strncmp(line, "ended ", 6) == 0)
            end(live, line + 6);
    if (!more) { // we are to stop: nobody would say so later
        end(live, "it was interrupted");
        server_stop(&live->server);
    }
    return more;
}

/* ---- All ---- */

static bool on_qmp(void *arg)
{
    struct live *live = arg;

    if (qmp_read(&live->qmp) && !live->ended) {
        look_if_stale(live);
        live_tell_state(live);
    }
    return !live->qmp.lines.ended;
}

static void open_all(struct live *live, const struct options *options)
{
    *live = (struct live){.launcher = {.fd = options->control}};
    looking_open(&live->looking, options);
    live->looking.about.live = true;
    events_begin(&live->events, &live->looking.guest, options->icount);
    live->stream = (struct stream){.greet = live_greet, .hear = live_hear, .arg = live};
    live->server = (struct server){.stream = &live->stream, .page = options->page};
    server_open(&live->server, options->port);
    recorder_open(&live->recorder, options->record);
    console_open(&live->console, options->console, options->terminal);
    qmp_begin(&live->qmp, options->qmp);
    server_add_file(&live->server, options->qmp, on_qmp, live);
    server_add_file(&live->server, options->console, on_console, live);
    server_add_file(&live->server, options->control, on_launcher, live);
    server_add_file(&live->server, STDIN_FILENO, on_terminal, live);
    server_after(&live->server, &live->look_timer, on_look_timer, LOOK_EVERY);
    server_after(&live->server, &live->ring_timer, on_ring_timer, RING_EVERY);
}

/* The launcher decides when to stop; a Ctrl-C on the terminal comes to it as well. */
static void leave_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

int live_run(const struct options *options)
{
    static struct live live;
    char line[32];

    leave_signals();
    open_all(&live, options);
    int length = snprintf(line, sizeof line, "ready %u\n", live.server.port);
    write_all(options->control, line, (size_t)length);
    server_run(&live.server);
    console_close(&live.console);
    recorder_close(&live.recorder);
    server_close(&live.server);
    return 0;
}
