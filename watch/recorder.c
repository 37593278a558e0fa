// SPDX-License-Identifier: MIT
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

void recorder_open(struct recorder *recorder, const char *path)
{
    *recorder = (struct recorder){.path = path, .fd = -1};
    if (!path)
        return;
    recorder->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (recorder->fd < 0)
        fail("%s: %s", path, strerror(errno));
}

void recorder_add(struct recorder *recorder, const struct text *text)
{
    if (!recorder->path || write_all(recorder->fd, text->array, text->count))
        return;
    say("%s: %s; the recording ends here", recorder->path, strerror(errno));
    recorder_close(recorder);
}

void recorder_close(struct recorder *recorder)
{
    if (recorder->path)
        close(recorder->fd);
    recorder->path = NULL;
}
