// SPDX-License-Identifier: MIT
/*
 * names.h - strings that are kept once and for ever, so that equal ones have equal addresses.
 */
#ifndef WATCH_NAMES_H
#define WATCH_NAMES_H

const char *names_keep(const char *text);

#endif
