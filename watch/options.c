// SPDX-License-Identifier: MIT
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"

/* The option's place: a number or a string, whichever is not NULL. */
struct place {
    const char *name;
    int *number;
    const char **string;
};

static int to_number(const char *name, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < -1 || number > 0x7fffffff)
        fail("--%s %s: no number", name, text);
    return (int)number;
}

static void take(const struct place *places, const char *name, const char *text)
{
    for (; places->name; places++) {
        if (strcmp(places->name, name) != 0)
            continue;
        if (places->number)
            *places->number = to_number(name, text);
        else
            *places->string = text;
        return;
    }
    fail("--%s: no such option", name);
}

void options_parse(struct options *options, int count, char **arguments)
{
    int cpus = 1, port = 0, terminal = 0, icount = 0;
    *options = (struct options){.memory = -1, .qmp = -1, .console = -1, .control = -1, .machine = "q35", .format = "text",
                                 .at = "now"};
    const struct place places[] = {
        {"memory", &options->memory, NULL},   {"qmp", &options->qmp, NULL},         {"console", &options->console, NULL},
        {"control", &options->control, NULL}, {"terminal", &terminal, NULL},        {"icount", &icount, NULL},
        {"cpus", &cpus, NULL},                {"port", &port, NULL},                {"pid", &options->pid, NULL},
        {"kernel", NULL, &options->kernel},   {"machine", NULL, &options->machine}, {"page", NULL, &options->page},
        {"lessons", NULL, &options->lessons}, {"record", NULL, &options->record},   {"replay", NULL, &options->replay},
        {"output", NULL, &options->output},   {"format", NULL, &options->format},   {"at", NULL, &options->at},
        {NULL, NULL, NULL},
    };

    for (int i = 0; i + 1 < count; i += 2) {
        if (strncmp(arguments[i], "--", 2) != 0)
            fail("%s: no such option", arguments[i]);
        take(places, arguments[i] + 2, arguments[i + 1]);
    }
    if (count % 2)
        fail("%s: a value is wanted", arguments[count - 1]);
    options->cpus = (unsigned)cpus;
    options->port = (unsigned)port;
    options->terminal = terminal;
    options->icount = icount;
}
