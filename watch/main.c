// SPDX-License-Identifier: MIT
/*
 * main.c - the host side of the viewer, which the launcher starts: it looks at a guest from outside. docs/watch.md tells what it sends.
 */
#include <string.h>

#include "check.h"
#include "files.h"
#include "live.h"
#include "options.h"
#include "replay.h"
#include "snapshot.h"

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} commands[] = {{"check", check_run}, {"live", live_run}, {"replay", replay_run}, {"snapshot", snapshot_run}};

int main(int count, char **arguments)
{
    struct options options;

    if (count < 2)
        fail("a command is wanted; ./gaur watch --help tells what a person can do");
    options_parse(&options, count - 2, arguments + 2);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, arguments[1]) == 0)
            return commands[i].run(&options);
    fail("%s: no such command", arguments[1]);
}
