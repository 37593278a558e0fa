// SPDX-License-Identifier: MIT
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"
#include "files.h"
#include "lines.h"
#include "looking.h"
#include "qmp.h"

#define LOOK_MICROSECONDS 2000000 // the guest stands still: there is time
#define PEEK_MICROSECONDS 20000
#define PEEK_MILLISECONDS 50
#define RESTS_WANTED 6            // looks in a row that find nothing running
#define EXIT_NO_MOMENT 3          // viewer.py knows it

/* ---- The moment ---- */

/* What has been seen of the guest while waiting. */
struct waiting {
    const char *moment;
    struct lines launcher;
    bool started, now, ended;
    unsigned rests;
};

static void hear(struct waiting *waiting)
{
    waiting->ended |= !lines_read(&waiting->launcher);
    for (char *line; (line = lines_next(&waiting->launcher));) {
        waiting->started |= strcmp(line, "start") == 0;
        waiting->now |= strcmp(line, "now") == 0;
        waiting->ended |= strncmp(line, "ended", 5) == 0;
    }
}

static bool any_in_state(const struct mirror_processes *processes, char state)
{
    for (size_t i = 0; i < processes->count; i++)
        if (processes->array[i].state == state)
            return true;
    return false;
}

static bool has_come(struct waiting *waiting, struct looking *looking)
{
    if (strcmp(waiting->moment, "now") == 0)
        return waiting->now;
    if (!waiting->started)
        return false;
    looking_look(looking, PEEK_MICROSECONDS);
    const struct mirror_processes *processes = &looking->picture.processes;
    if (strcmp(waiting->moment, "stop") == 0)
        return any_in_state(processes, 'T');
    waiting->rests = any_in_state(processes, 'R') ? 0 : waiting->rests + 1;
    return waiting->rests == RESTS_WANTED;
}

/* => false: the guest has ended before */
static bool wait_for_moment(const struct options *options, struct looking *looking)
{
    struct waiting waiting = {.moment = options->at, .launcher = {.fd = options->control}};

    do {
        lines_wait(&waiting.launcher, PEEK_MILLISECONDS);
        hear(&waiting);
        if (waiting.ended)
            return false;
    } while (!has_come(&waiting, looking));
    return true;
}

/* ---- The output ---- */

static void put_json(struct text *text, struct looking *looking)
{
    struct moment moment = {.number = 1, .full = true};

    message_hello(text, &looking->about);
    picture_whole(&looking->picture, &looking->change);
    message_picture(text, &looking->picture, &looking->change, &moment);
}

static void put_output(struct text *text, struct looking *looking, const struct options *options)
{
    const struct picture *picture = &looking->picture;
    bool svg = strcmp(options->format, "svg") == 0;

    if ((svg || options->pid) && !describe_process(picture, options->pid))
        fail(options->pid ? "there is no process %d with an address space" : "there is no process with an address space", options->pid);
    if (svg)
        describe_svg(text, &looking->about, picture, options->pid);
    else if (strcmp(options->format, "json") == 0)
        put_json(text, looking);
    else
        describe_text(text, &looking->about, picture, options->pid);
}

static void write_output(const struct options *options, const struct text *text)
{
    int fd = options->output ? open(options->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;

    if (fd < 0 || !write_all(fd, text->array, text->count) || (options->output && close(fd) != 0))
        fail("%s: %s", options->output ? options->output : "standard output", strerror(errno));
}

int snapshot_run(const struct options *options)
{
    struct looking looking;
    struct text text = {0};
    struct qmp qmp;

    looking_open(&looking, options);
    qmp_begin(&qmp, options->qmp);
    if (!wait_for_moment(options, &looking))
        return EXIT_NO_MOMENT;
    qmp_pause_now(&qmp);
    looking_look(&looking, LOOK_MICROSECONDS);
    if (!looking.begun)
        fail("the guest has not begun to manage its memory yet");
    put_output(&text, &looking, options);
    write_output(options, &text);
    text_free(&text);
    looking_close(&looking);
    return 0;
}
