// SPDX-License-Identifier: MIT
/*
 * exec_script.c - the first line of a script.
 *
 * As on Linux: blanks are spaces and tabs; a line longer than what is looked at is cut, unless that would
 * cut the interpreter's name.
 */
#include "proc/exec_script.h"

#include "lib/errno.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool script_is(const char *head, size_t size)
{
    return size >= 2 && head[0] == '#' && head[1] == '!';
}

/* The first blank or end of string from `at` on, or `end`. */
static char *word_end(char *at, const char *end)
{
    while (at < end && !is_blank(*at) && *at != '\0')
        at++;
    return at;
}

static char *skip_blanks(char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* The line's end: a newline, or the end of what is looked at. => NULL: the interpreter's name would be cut */
static char *line_end(char *head)
{
    char *limit = head + SCRIPT_HEAD - 1;
    char *at;

    for (at = head; at < limit; at++) {
        if (*at == '\n')
            return at;
    }
    return word_end(skip_blanks(head + 2, limit), limit) < limit ? limit : NULL;
}

int script_parse(char head[SCRIPT_HEAD], struct script_line *line)
{
    char *end = line_end(head);
    char *name, *name_end, *argument;

    if (end == NULL)
        return -ENOEXEC;
    while (end > head + 2 && is_blank(end[-1]))
        end--;
    *end = '\0';
    name = skip_blanks(head + 2, end);
    name_end = word_end(name, end);
    if (name_end == name)
        return -ENOEXEC;
    argument = skip_blanks(name_end, end);
    *name_end = '\0';
    line->interpreter = name;
    line->argument = argument < end && *argument != '\0' ? argument : NULL;
    return 0;
}
