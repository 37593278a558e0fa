// SPDX-License-Identifier: MIT
/*
 * lessons.h - what the page offers to run: texts in a folder, one file of Markdown each.
 *
 * NAME.md begins with a line "# Title" and one "program: /path/in/the/guest"; the rest is the text.
 */
#ifndef WATCH_LESSONS_H
#define WATCH_LESSONS_H

#include "json.h"

/* A JSON array of all lessons in a folder, in the order of their names. folder: NULL: there are none */
void lessons_put(struct text *text, const char *folder);

#endif
