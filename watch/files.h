// SPDX-License-Identifier: MIT
/*
 * files.h - whole files, and how the program says what is wrong.
 */
#ifndef WATCH_FILES_H
#define WATCH_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* A file's content, with a zero byte behind it, to be freed; NULL: it cannot be read (errno). */
char *file_read(const char *path, size_t *length);

/* Write all of it. => false: it could not be (errno) */
bool write_all(int fd, const char *bytes, size_t length);

#define EXIT_USAGE 2
#define EXIT_GUEST 125

/* One line on standard error, beginning with "gaur: "; and the end of the program. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
