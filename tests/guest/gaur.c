// SPDX-License-Identifier: MIT
/*
 * gaur.c - readers of Gaur's own files in /proc.
 */
#include "gaur.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SETTLE_TRIES = 60 };

static char text[16384];
static int fault_fd = -1;

/* The value after `name` at the start of a line of `text`. */
static const char *value_of(const char *name)
{
    size_t length = strlen(name);

    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (!strncmp(line, name, length) && (line[length] == ' ' || line[length] == '\t'))
            return line + length + 1;
    }
    return NULL;
}

long counter(const char *name)
{
    if (file_get("/proc/vmstat", text, sizeof text) < 0)
        return -1;
    const char *value = value_of(name);
    return value ? strtol(value, NULL, 10) : -1;
}

static pid_t parent_of(pid_t pid)
{
    char path[32];
    int parent;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *name_end = file_get(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
    return name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

void ancestors_sleep(void)
{
    if (!on_gaur())
        return;
    for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
        if (!child_in_state(pid, 'S'))
            diag("process %d does not sleep; counters may tell of it too", (int)pid);
    }
}

long faults_taken(void)
{
    struct rusage usage;

    if (on_gaur())
        return counter("pgfault");
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* All that the caches of /proc/slabinfo have handed out; two lines of head come first. */
static long objects_in_use(void)
{
    long sum = 0, objects;

    if (file_get("/proc/slabinfo", text, sizeof text) < 0)
        return -1;
    for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        if (sscanf(line + 1, "%*s %ld", &objects) == 1)
            sum += objects;
    }
    return sum;
}

bool frames_take(struct frames *frames)
{
    frames->objects = objects_in_use();
    if (file_get("/proc/gaur/frames", text, sizeof text) < 0)
        return false;
    frames->kinds = 0;
    for (char *line = text; line && *line && frames->kinds < FRAME_KINDS;) {
        char *end = strchr(line, '\n'), *space = strpbrk(line, " \t");
        if (space && (!end || space < end)) {
            int length = space - line < 23 ? space - line : 23;
            memcpy(frames->kind[frames->kinds].name, line, length);
            frames->kind[frames->kinds].name[length] = 0;
            frames->kind[frames->kinds++].count = strtol(space, NULL, 10);
        }
        line = end ? end + 1 : NULL;
    }
    return frames->kinds > 0;
}

long frames_of(const struct frames *frames, const char *kind)
{
    for (int i = 0; i < frames->kinds; i++) {
        if (!strcmp(frames->kind[i].name, kind))
            return frames->kind[i].count;
    }
    return 0;
}

void caches_drop(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    if (fd < 0)
        return;
    if (write(fd, "3\n", 2) != 2)
        diag("drop_caches refuses: %s", strerror(errno));
    close(fd);
}

void own_memory_touch(void)
{
    extern char __bss_start[], _end[];
    volatile char stack[64 * 1024];

    for (volatile char *at = __bss_start; at < _end; at += 1024)
        *at = *at;
    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 0;
}

/* Slab frames and free ones count together if no object was lost. */
static bool same_frames(const struct frames *before, const struct frames *after)
{
    long more = 0;

    for (int i = 0; i < after->kinds; i++) {
        const char *kind = after->kind[i].name;
        long difference = after->kind[i].count - frames_of(before, kind);
        bool movable = before->objects == after->objects && (!strcmp(kind, "slab") || !strcmp(kind, "free"));
        if (difference && !movable)
            return false;
        more += difference;
    }
    return more == 0 && before->kinds == after->kinds;
}

static void tell_difference(const struct frames *before, const struct frames *after)
{
    if (before->objects != after->objects)
        diag("small objects: %ld before, %ld after", before->objects, after->objects);
    for (int i = 0; i < after->kinds; i++) {
        long was = frames_of(before, after->kind[i].name), is = after->kind[i].count;
        if (was != is)
            diag("frames of kind %s: %ld before, %ld after (%+ld)", after->kind[i].name, was, is, is - was);
    }
    for (int i = 0; i < before->kinds; i++) {
        if (before->kind[i].count && !frames_of(after, before->kind[i].name))
            diag("frames of kind %s: %ld before, none after", before->kind[i].name, before->kind[i].count);
    }
}

/* Who has ended a moment ago may still hold its stack: until two looks see the same. */
bool frames_settle(struct frames *frames)
{
    static struct frames earlier;

    for (int try = 0; try < SETTLE_TRIES; try++) {
        caches_drop();
        if (!frames_take(&earlier))
            return false;
        sleep_ms(10);
        caches_drop();
        if (!frames_take(frames) || same_frames(&earlier, frames))
            break;
    }
    return frames->kinds > 0;
}

bool frames_are_back(const struct frames *before)
{
    static struct frames after;

    for (int try = 0; try < SETTLE_TRIES; try++) {
        caches_drop();
        if (!frames_take(&after))
            return false;
        if (same_frames(before, &after))
            return true;
        sleep_ms(50);
    }
    tell_difference(before, &after);
    return false;
}

bool frames_are_not_lost(const struct frames *before)
{
    static struct frames after;

    for (int try = 0; try < SETTLE_TRIES; try++) {
        caches_drop();
        if (!frames_take(&after))
            return false;
        long more = frames_of(&after, "free") + frames_of(&after, "slab") - frames_of(before, "free") -
                    frames_of(before, "slab");
        if (more >= 0 && after.objects <= before->objects)
            return true;
        sleep_ms(50);
    }
    tell_difference(before, &after);
    return false;
}

bool verify_is_ok(void)
{
    ssize_t length = file_get("/proc/gaur/verify", text, sizeof text);

    if (length < 0) {
        diag("/proc/gaur/verify: %s", strerror(errno));
        return false;
    }
    if (length > 0 && text[length - 1] == '\n')
        text[--length] = 0;
    char *last = strrchr(text, '\n');
    if (!strcmp(last ? last + 1 : text, "verify: ok"))
        return true;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        diag("%s", line);
    return false;
}

bool fault_open(void)
{
    if (fault_fd >= 0)
        close(fault_fd);
    fault_fd = open("/proc/self/gaur/fault", O_RDONLY);
    return fault_fd >= 0;
}

static void copy_word(char *to, size_t size, const char *from, const char *stops)
{
    size_t length = from ? strcspn(from, stops) : 0;

    if (length > size - 1)
        length = size - 1;
    memcpy(to, from ? from : "", length);
    to[length] = 0;
}

bool fault_read(struct fault_record *record)
{
    ssize_t length = pread(fault_fd, text, sizeof text - 1, 0);

    if (length <= 0)
        return false;
    text[length] = 0;
    const char *address = value_of("address"), *code = value_of("code");
    record->address = address ? strtoul(address, NULL, 0) : 0;
    record->code = code ? strtoul(code, NULL, 0) : 0;
    copy_word(record->bits, sizeof record->bits, value_of("bits"), "\n");
    copy_word(record->cause, sizeof record->cause, value_of("cause"), " \n");
    copy_word(record->outcome, sizeof record->outcome, value_of("outcome"), " \n");
    return address && code;
}
