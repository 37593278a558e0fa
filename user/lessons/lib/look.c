// SPDX-License-Identifier: MIT
/*
 * look.c - what a process can know of its own memory: pages, regions, frames, from /proc.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lesson.h"

#define ZERO_PAGE 24 // a bit of /proc/kpageflags

static char text[4096];

static const char *file_text(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t n;

    while (fd >= 0 && length < sizeof text - 1 && (n = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += n;
    if (fd >= 0)
        close(fd);
    text[length] = '\0';
    return text;
}

/* Word `index` of a file of words of 64 bits; false if it cannot be read. */
static bool word_read(const char *path, uint64_t index, uint64_t *word)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool read = fd >= 0 && pread(fd, word, sizeof *word, (off_t)(index * sizeof *word)) == sizeof *word;

    if (fd >= 0)
        close(fd);
    return read;
}

/* ---- pages ---- */

unsigned char *arena_map(size_t pages, int flags)
{
    void *at = mmap(ARENA, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (at != ARENA)
        broken("mmap");
    return at;
}

struct page page_look(const volatile void *address)
{
    struct page page = {.references = -1};
    uint64_t word, count, flags;

    if (!word_read("/proc/self/pagemap", (uintptr_t)address / PAGE, &word))
        broken("/proc/self/pagemap");
    page.present = word >> 63;
    page.swapped = word >> 62 & 1;
    page.alone = word >> 56 & 1;
    word &= (UINT64_C(1) << 55) - 1;
    if (page.swapped)
        page.slot = word >> 5;
    else if (page.present)
        page.frame = word;
    if (page.frame && word_read("/proc/kpagecount", page.frame, &count))
        page.references = (long)count;
    if (page.frame && word_read("/proc/kpageflags", page.frame, &flags))
        page.zero = flags >> ZERO_PAGE & 1;
    return page;
}

struct page page_tell(const volatile void *address)
{
    struct page page = page_look(address);

    if (page.swapped)
        tell("page %p: in swap, slot %lu", address, page.slot);
    else if (!page.present)
        tell("page %p: no frame", address);
    else if (page.zero)
        tell("page %p: the zero frame, %lu", address, page.frame);
    else if (page.frame)
        tell("page %p: frame %lu, references %ld, %s", address, page.frame, page.references, page.alone ? "mine alone" : "shared");
    else
        tell("page %p: in a frame", address);
    return page;
}

bool same_frame(struct page a, struct page b)
{
    return a.present && b.present && a.frame == b.frame;
}

bool other_frame(struct page a, struct page b)
{
    return a.present && b.present && (a.frame != b.frame || !a.frame);
}

size_t pages_present(const volatile void *start, size_t pages)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    size_t count = 0;
    uint64_t word;

    for (size_t i = 0; i < pages; i++)
        if (pread(fd, &word, sizeof word, (off_t)(((uintptr_t)start / PAGE + i) * sizeof word)) == sizeof word)
            count += word >> 63;
    close(fd);
    return count;
}

/* ---- regions ---- */

/* A line of maps without what the lessons do not need: range, rights, what is behind it. */
static void region_say(struct region *region, const char *line)
{
    size_t length = strcspn(line, "\n"), range = strcspn(line, " ");
    const char *name = line;

    // The name is the sixth word, if there are so many.
    for (int word = 1; word < 6; word++) {
        name += strcspn(name, " \n");
        name += strspn(name, " ");
    }
    snprintf(region->line, sizeof region->line, "%.*s%s%.*s", (int)range + 5, line, *name == '\n' ? "" : " ",
             (int)(line + length - name), name);
}

bool region_of(const volatile void *address, struct region *region)
{
    for (const char *at = file_text("/proc/self/maps"); *at; at += strcspn(at, "\n"), at += *at == '\n') {
        char *dash;
        region->start = strtoul(at, &dash, 16);
        region->end = strtoul(dash + 1, NULL, 16);
        if (region->start <= (uintptr_t)address && (uintptr_t)address < region->end) {
            region_say(region, at);
            return true;
        }
    }
    return false;
}

bool region_tell(const volatile void *address)
{
    struct region region;
    bool found = region_of(address, &region);

    if (found)
        tell("%p is in the region %s", address, region.line);
    else
        tell("%p is in no region", address);
    return found;
}

/* ---- the machine ---- */

/* The number after `name` at the beginning of a line. */
static long value_of(const char *lines, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, name, length) == 0 && at[length] == ' ')
            return strtol(at + length, NULL, 10);
    return 0;
}

static struct frames frames_read(void)
{
    const char *lines = file_text("/proc/gaur/frames");

    return (struct frames){
        .anonymous = value_of(lines, "anonymous"),
        .node = value_of(lines, "node"),
        .file = value_of(lines, "file"),
        .swap = value_of(lines, "swap"),
        .free = value_of(lines, "free"),
    };
}

/* Who has started us, or has ended a moment ago, may still be at work on another processor: until two looks see the same. */
struct frames frames_now(void)
{
    struct frames frames = frames_read(), earlier;

    for (int try = 0; try < 50; try++) {
        earlier = frames;
        usleep(2000);
        frames = frames_read();
        if (memcmp(&earlier, &frames, sizeof frames) == 0)
            break;
    }
    return frames;
}

long counter(const char *name)
{
    return value_of(file_text("/proc/vmstat"), name);
}
