// SPDX-License-Identifier: MIT
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vector.h"

char *file_read(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0, capacity = 0;
    ssize_t got = 0;
    char *content = NULL;

    if (fd < 0)
        return NULL;
    do {
        size += (size_t)got;
        while (capacity - size < 65536)
            content = vector_grow(content, capacity, &capacity, 1);
        got = read(fd, content + size, capacity - size - 1);
    } while (got > 0);
    close(fd);
    if (got < 0) {
        free(content);
        return NULL;
    }
    content[size] = '\0';
    if (length)
        *length = size;
    return content;
}

bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            length -= (size_t)done;
        }
    }
    return true;
}

static void say_line(const char *format, va_list arguments)
{
    char line[1024];

    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "gaur: %s\n", line);
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
}

void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
    exit(EXIT_GUEST);
}
