// SPDX-License-Identifier: MIT
#include "replay.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "lines.h"
#include "server.h"

struct replay {
    struct server server;
    struct lines launcher;
};

static bool on_launcher(void *arg)
{
    struct replay *replay = arg;
    bool more = lines_read(&replay->launcher);

    if (!more)
        server_stop(&replay->server);
    return more;
}

int replay_run(const struct options *options)
{
    struct replay replay = {.server = {.page = options->page, .recording = options->replay}, .launcher = {.fd = options->control}};
    char line[32];

    signal(SIGINT, SIG_IGN); // the launcher decides when to stop
    server_open(&replay.server, options->port);
    server_add_file(&replay.server, options->control, on_launcher, &replay);
    int length = snprintf(line, sizeof line, "ready %u\n", replay.server.port);
    write_all(options->control, line, (size_t)length);
    server_run(&replay.server);
    server_close(&replay.server);
    text_free(&replay.launcher.text);
    return 0;
}
