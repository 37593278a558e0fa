// SPDX-License-Identifier: MIT
/*
 * events.c - /proc/gaur/events tells what happens in memory: what, where, why, in order; and what was lost.
 *
 * Linux has no such file: all claims are about Gaur alone.
 */
#include "gaur.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS "/proc/gaur/events"

enum { PAGE_BYTES = 4096, LOG_SIZE = 1 << 20 };

/* A line of the file, by its columns. */
struct line {
    unsigned long number, time, address, ip, frame, extra;
    int cpu, pid, tid;
    char type[16], code[16], cause[32], outcome[32], cost[16];
};

static char text[LOG_SIZE];
static size_t text_size;

static int events_open(void)
{
    return open(EVENTS, O_RDONLY | O_NONBLOCK);
}

/* Everything that is there to be read, up to the size of the buffer, behind what `text` has. => false: reading failed */
static bool events_collect(int fd)
{
    ssize_t got;

    while ((got = read(fd, text + text_size, LOG_SIZE - 1 - text_size)) > 0)
        text_size += (size_t)got;
    text[text_size] = '\0';
    return got < 0 ? errno == EAGAIN : true;
}

static bool parse(const char *from, struct line *line)
{
    char address[32];

    *line = (struct line){0};
    int columns = sscanf(from, "%lu %lu %d %15s %d %d %31s %lx %15s %31s %31s %lu %15s %lu", &line->number, &line->time, &line->cpu,
                         line->type, &line->pid, &line->tid, address, &line->ip, line->code, line->cause, line->outcome,
                         &line->frame, line->cost, &line->extra);
    line->address = strtoul(address, NULL, 16);
    return columns == 14;
}

/* The first line from *position on of that type and process; *position moves behind it. => false: there is none */
static bool find(const char **position, const char *type, int pid, struct line *line)
{
    while (**position) {
        const char *from = *position;

        *position = strchr(from, '\n') ? strchr(from, '\n') + 1 : from + strlen(from);
        if (parse(from, line) && line->pid == pid && strcmp(line->type, type) == 0)
            return true;
    }
    return false;
}

/* The same for a fault on the page at `address`. */
static bool find_fault(const char **position, int pid, const void *address, struct line *line)
{
    while (find(position, "fault", pid, line))
        if (line->address / PAGE_BYTES == (unsigned long)address / PAGE_BYTES)
            return true;
    return false;
}

static volatile char *map_pages(size_t pages)
{
    void *map = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return map == MAP_FAILED ? NULL : map;
}

static bool faults_appear_in_order_with_address_code_and_cause(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    int fd = events_open();
    CHECK(fd >= 0);
    volatile char *map = map_pages(2);
    CHECK(map);
    text_size = 0;
    (void)*map;
    *map = 1;
    map[PAGE_BYTES + 5] = 1;
    CHECK(events_collect(fd));
    CHECK(find_fault(&at, getpid(), (char *)map, &line));
    CHECK(line.address == (unsigned long)map && strcmp(line.code, "U") == 0 && strcmp(line.cause, "anonymous_read") == 0);
    CHECK(find_fault(&at, getpid(), (char *)map, &line));
    CHECK(strcmp(line.code, "PWU") == 0 && strcmp(line.cause, "zero_frame_write") == 0 && line.frame > 0);
    CHECK(find_fault(&at, getpid(), (char *)map + PAGE_BYTES, &line));
    CHECK(line.address == (unsigned long)map + PAGE_BYTES + 5 && strcmp(line.code, "WU") == 0);
    CHECK(strcmp(line.cause, "anonymous_write") == 0 && strcmp(line.outcome, "resolved") == 0 && atol(line.cost) > 0);
    CHECK(line.tid == getpid() && line.ip > 0);
    munmap((char *)map, 2 * PAGE_BYTES);
    close(fd);
    return true;
}

static bool faults_of_the_kernel_for_a_program_have_no_u(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    int fd = events_open(), zero = open("/dev/zero", O_RDONLY);
    volatile char *map = map_pages(1);
    CHECK(fd >= 0 && zero >= 0 && map);
    text_size = 0;
    CHECK_EQ(read(zero, (char *)map, 10), 10);
    CHECK(events_collect(fd));
    CHECK(find_fault(&at, getpid(), (char *)map, &line));
    CHECK(strcmp(line.code, "W") == 0 && strcmp(line.cause, "anonymous_write") == 0);
    munmap((char *)map, PAGE_BYTES);
    close(zero);
    close(fd);
    return true;
}

static bool mapping_protecting_discarding_and_unmapping_are_told_with_pages(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    int fd = events_open();
    CHECK(fd >= 0);
    text_size = 0;
    volatile char *map = map_pages(3);
    CHECK(map);
    *map = 1;
    CHECK_EQ(mprotect((char *)map, PAGE_BYTES, PROT_READ), 0);
    CHECK_EQ(madvise((char *)map, 2 * PAGE_BYTES, MADV_DONTNEED), 0);
    CHECK_EQ(munmap((char *)map, 3 * PAGE_BYTES), 0);
    CHECK(events_collect(fd));
    CHECK(find(&at, "map", getpid(), &line));
    CHECK(line.address == (unsigned long)map && line.extra == 3 && strcmp(line.code, "rw-") == 0);
    CHECK(find(&at, "protect", getpid(), &line));
    CHECK(line.address == (unsigned long)map && line.extra == 1 && strcmp(line.code, "r--") == 0);
    CHECK(find(&at, "flush", getpid(), &line));
    CHECK(line.address == (unsigned long)map && line.extra == 1);
    CHECK(find(&at, "discard", getpid(), &line));
    CHECK(line.address == (unsigned long)map);
    CHECK(find(&at, "unmap", getpid(), &line));
    CHECK(line.address == (unsigned long)map && line.extra == 3);
    close(fd);
    return true;
}

static bool exits_with_three(void)
{
    _exit(3);
}

static bool a_child_is_forked_faults_and_exits(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    int fd = events_open();
    CHECK(fd >= 0);
    text_size = 0;
    pid_t child = child_start(exits_with_three);
    CHECK(child > 0);
    CHECK_EQ(child_wait(child), 3 << 8);
    CHECK(events_collect(fd));
    CHECK(find(&at, "fork", getpid(), &line));
    CHECK_EQ(line.extra, child);
    CHECK(find(&at, "fault", child, &line));
    CHECK(strcmp(line.cause, "shared_node_write") == 0 || strcmp(line.cause, "cow_write") == 0);
    CHECK(find(&at, "exit", child, &line));
    CHECK_EQ(line.extra, 3 << 8);
    close(fd);
    return true;
}

static bool two_who_open_it_see_the_same_each_from_its_own_beginning(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    volatile char *map = map_pages(2);
    int early = events_open();
    CHECK(early >= 0 && map);
    *map = 1;
    int late = events_open();
    CHECK(late >= 0);
    map[PAGE_BYTES] = 1;
    text_size = 0;
    CHECK(events_collect(late));
    CHECK(!find_fault(&at, getpid(), (char *)map, &line));
    at = text;
    CHECK(find_fault(&at, getpid(), (char *)map + PAGE_BYTES, &line));
    text_size = 0;
    at = text;
    CHECK(events_collect(early));
    CHECK(find_fault(&at, getpid(), (char *)map, &line));
    CHECK(find_fault(&at, getpid(), (char *)map + PAGE_BYTES, &line));
    munmap((char *)map, 2 * PAGE_BYTES);
    close(early);
    close(late);
    return true;
}

/* Events that make rings overflow, whichever CPU we run on. */
static bool make_many(volatile char *map, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        *map = 1;
        if (madvise((char *)map, PAGE_BYTES, MADV_DONTNEED) != 0)
            return false;
    }
    return true;
}

static bool events_that_nobody_read_in_time_are_counted_as_lost(void)
{
    NEEDS_GAUR();
    unsigned long lost = 0, seen = 0, first = 0, last = 0;
    struct line line;
    volatile char *map = map_pages(1);
    int fd = events_open();
    CHECK(fd >= 0 && map);
    CHECK(make_many(map, 20000));
    text_size = 0;
    CHECK(events_collect(fd));
    for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
        unsigned long n;
        if (sscanf(at, "lost %lu", &n) == 1)
            lost += n;
        else if (parse(at, &line) && line.pid == getpid() && ++seen)
            first = first ? first : line.number, last = line.number;
    }
    CHECK(seen > 100);
    CHECK(lost + seen > 40000); // a fault and a discard each time, and flushes
    CHECK(last > first);
    munmap((char *)map, PAGE_BYTES);
    close(fd);
    return true;
}

static bool an_empty_file_blocks_or_says_eagain(void)
{
    NEEDS_GAUR();
    char byte;
    int fd = events_open();
    CHECK(fd >= 0);
    do // others may be at work
        text_size = 0;
    while (read(fd, text, LOG_SIZE) > 0);
    CHECK(errno == EAGAIN);
    CHECK_EQ(read(fd, &byte, 0), 0);
    close(fd);
    return true;
}

/* Maps a page a little later, while its parent waits. */
static bool maps_later(void)
{
    usleep(50000);
    volatile char *map = map_pages(1);

    return map && (*map = 1) == 1;
}

static bool poll_and_read_wait_until_something_happens(void)
{
    NEEDS_GAUR();
    struct line line;
    int fd = events_open();
    CHECK(fd >= 0);
    pid_t child = child_start(maps_later);
    CHECK(child > 0);
    const char *at;
    text_size = 0;
    for (bool found = false; !found;) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        CHECK_EQ(poll(&wanted, 1, 60000), 1);
        CHECK(wanted.revents & POLLIN);
        CHECK(events_collect(fd));
        at = text;
        found = find(&at, "exit", child, &line);
    }
    CHECK_EQ(child_wait(child), 0);
    CHECK_EQ(fcntl(fd, F_SETFL, 0), 0); // now it blocks
    child = child_start(maps_later);
    CHECK(child > 0);
    text_size = 0;
    for (bool found = false; !found;) {
        ssize_t got = read(fd, text + text_size, LOG_SIZE - 1 - text_size);
        CHECK(got > 0);
        text_size += (size_t)got;
        text[text_size] = '\0';
        at = text;
        found = find(&at, "exit", child, &line);
    }
    CHECK_EQ(child_wait(child), 0);
    close(fd);
    return true;
}

static bool lines_may_be_read_byte_by_byte(void)
{
    NEEDS_GAUR();
    const char *at = text;
    struct line line;
    volatile char *map = map_pages(1);
    int fd = events_open();
    CHECK(fd >= 0 && map);
    *map = 1;
    text_size = 0;
    while (text_size < 100000 && read(fd, text + text_size, 1) == 1)
        text_size++;
    text[text_size] = '\0';
    CHECK(find_fault(&at, getpid(), (char *)map, &line));
    munmap((char *)map, PAGE_BYTES);
    close(fd);
    return true;
}

static bool only_the_superuser_may_look(void)
{
    NEEDS_GAUR();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(setuid(1000) == 0 && open(EVENTS, O_RDONLY) < 0 && errno == EACCES ? 0 : 1);
    CHECK_EQ(child_wait(child), 0);
    int fd = open(EVENTS, O_RDWR);
    CHECK(fd >= 0);
    CHECK_FAILS(write(fd, "x", 1), EINVAL);
    close(fd);
    return true;
}

static bool nothing_is_kept_when_nobody_looks_any_more(void)
{
    NEEDS_GAUR();
    static struct frames before;
    own_memory_touch();
    CHECK(frames_settle(&before));
    int first = events_open(), second = events_open();
    CHECK(first >= 0 && second >= 0);
    close(first);
    close(second);
    return frames_are_back(&before);
}

int main(void)
{
    TEST(faults_appear_in_order_with_address_code_and_cause);
    TEST(faults_of_the_kernel_for_a_program_have_no_u);
    TEST(mapping_protecting_discarding_and_unmapping_are_told_with_pages);
    TEST(a_child_is_forked_faults_and_exits);
    TEST(two_who_open_it_see_the_same_each_from_its_own_beginning);
    TEST(events_that_nobody_read_in_time_are_counted_as_lost);
    TEST(an_empty_file_blocks_or_says_eagain);
    TEST(poll_and_read_wait_until_something_happens);
    TEST(lines_may_be_read_byte_by_byte);
    TEST(only_the_superuser_may_look);
    TEST(nothing_is_kept_when_nobody_looks_any_more);
    return tap_done();
}
