// SPDX-License-Identifier: MIT
#include "qmp.h"

#include <jansson.h>
#include <string.h>

#include "files.h"

#define WAIT_MILLISECONDS 5000
#define LOOK_MILLISECONDS 10

static void send_line(struct qmp *qmp, const char *line)
{
    if (!qmp->lines.ended)
        write_all(qmp->lines.fd, line, strlen(line)); // a QEMU that has gone shows when it is read
}

void qmp_begin(struct qmp *qmp, int fd)
{
    *qmp = (struct qmp){.lines = {.fd = fd}};
    send_line(qmp, "{\"execute\":\"qmp_capabilities\"}\n");
}

void qmp_pause(struct qmp *qmp)
{
    send_line(qmp, "{\"execute\":\"stop\"}\n");
}

void qmp_go(struct qmp *qmp)
{
    send_line(qmp, "{\"execute\":\"cont\"}\n");
}

bool qmp_read(struct qmp *qmp)
{
    bool before = qmp->paused;

    lines_read(&qmp->lines);
    for (char *line; (line = lines_next(&qmp->lines));) {
        json_t *said = json_loads(line, 0, NULL);
        const char *event = json_string_value(json_object_get(said, "event"));
        if (event && strcmp(event, "STOP") == 0)
            qmp->paused = true;
        else if (event && strcmp(event, "RESUME") == 0)
            qmp->paused = false;
        json_decref(said);
    }
    return qmp->paused != before;
}

void qmp_pause_now(struct qmp *qmp)
{
    qmp_pause(qmp);
    for (int waited = 0; !qmp_read(qmp) && !qmp->lines.ended && waited < WAIT_MILLISECONDS; waited += LOOK_MILLISECONDS)
        lines_wait(&qmp->lines, LOOK_MILLISECONDS);
}
