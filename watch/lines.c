// SPDX-License-Identifier: MIT
#include "lines.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

bool lines_read(struct lines *lines)
{
    char piece[4096];
    ssize_t got;

    if (lines->taken > 0)
        memmove(lines->text.array, lines->text.array + lines->taken, lines->text.count - lines->taken);
    lines->text.count -= lines->taken;
    lines->taken = 0;
    while ((got = recv(lines->fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        text_put(&lines->text, piece, (size_t)got);
    lines->ended |= got == 0;
    return !lines->ended;
}

char *lines_next(struct lines *lines)
{
    char *start = lines->text.array + lines->taken;
    char *end = lines->text.count > lines->taken ? memchr(start, '\n', lines->text.count - lines->taken) : NULL;

    if (!end)
        return NULL;
    *end = '\0';
    lines->taken += (size_t)(end - start) + 1;
    return start;
}

void lines_wait(const struct lines *lines, int milliseconds)
{
    poll(&(struct pollfd){.fd = lines->fd, .events = POLLIN}, 1, milliseconds);
}
