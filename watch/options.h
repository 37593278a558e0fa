// SPDX-License-Identifier: MIT
/*
 * options.h - what the launcher tells this program on its command line: tools/launcher/watch.py and snapshot.py are its only callers.
 */
#ifndef WATCH_OPTIONS_H
#define WATCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Descriptors are numbers of open files; -1: none. */
struct options {
    int memory;          // the guest's memory
    int qmp;             // QEMU's monitor, a socket
    int console;         // the guest's console, a socket
    int control;         // the launcher, a socket: lines both ways (control.h)
    bool terminal;       // standard input and output are a terminal, to be the guest's
    bool icount;
    const char *kernel;  // its ELF
    const char *machine;
    unsigned cpus;
    unsigned port;
    const char *page;    // folder of the built page
    const char *lessons; // folder of the lessons, or NULL
    const char *record, *replay, *output;
    const char *format;  // of a snapshot: text, json, svg
    const char *at;      // its moment: rest, stop, now (when the launcher says so)
    int pid;             // 0: any
};

/* Ends the program if there is a mistake in them. */
void options_parse(struct options *options, int count, char **arguments);

#endif
