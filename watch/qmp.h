// SPDX-License-Identifier: MIT
/*
 * qmp.h - QEMU's monitor: letting the machine stand still and go on.
 */
#ifndef WATCH_QMP_H
#define WATCH_QMP_H

#include "lines.h"

struct qmp {
    struct lines lines;
    bool paused; // as QEMU has told
};

void qmp_begin(struct qmp *qmp, int fd);

/* Ask for it; qmp->paused follows when it is done. */
void qmp_pause(struct qmp *qmp);
void qmp_go(struct qmp *qmp);

/* Take in what QEMU says. => whether qmp->paused has changed */
bool qmp_read(struct qmp *qmp);

/* Ask, and wait until it is so, or QEMU has gone, or does not answer for too long. */
void qmp_pause_now(struct qmp *qmp);

#endif
