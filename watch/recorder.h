// SPDX-License-Identifier: MIT
/*
 * recorder.h - a file with all that a page would have been sent.
 */
#ifndef WATCH_RECORDER_H
#define WATCH_RECORDER_H

#include "json.h"

struct recorder {
    const char *path; // NULL: nothing is recorded
    int fd;
};

/* Ends the program if the file cannot be made. */
void recorder_open(struct recorder *recorder, const char *path);

/* Whole lines. A file that cannot be written to any more is told once, and given up. */
void recorder_add(struct recorder *recorder, const struct text *text);
void recorder_close(struct recorder *recorder);

#endif
