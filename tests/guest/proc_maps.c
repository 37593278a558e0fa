// SPDX-License-Identifier: MIT
/*
 * proc_maps.c - /proc/PID/maps shows every region once, in order, with its rights.
 */
#include "touch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct region {
    unsigned long start, end;
    char rights[8];
    char name[128];
};

static struct region regions[64];
static int count;

static bool take_regions(void)
{
    static char text[16384];
    char *rest = text;

    count = 0;
    if (file_get("/proc/self/maps", text, sizeof text) <= 0)
        return false;
    for (char *line; (line = strsep(&rest, "\n")) && *line && count < 64; count++) {
        struct region *r = &regions[count];
        r->name[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %*x %*x:%*x %*u %127s", &r->start, &r->end, r->rights, r->name) < 3)
            return false;
    }
    return count > 0;
}

static const struct region *region_of(const void *address)
{
    unsigned long at = (unsigned long)address;

    for (int i = 0; i < count; i++) {
        if (at >= regions[i].start && at < regions[i].end)
            return &regions[i];
    }
    return NULL;
}

static bool has(const void *address, const char *rights)
{
    const struct region *region = region_of(address);

    if (region && !strcmp(region->rights, rights))
        return true;
    diag("%p has %s, expected %s", (void *)address, region ? region->rights : "no region", rights);
    return false;
}

static int initialised = 7;
static const int constant = 8;

static bool text_data_and_stack_have_their_rights(void)
{
    int local = 0;

    CHECK(take_regions());
    CHECK(has((void *)(uintptr_t)text_data_and_stack_have_their_rights, "r-xp"));
    CHECK(has(&initialised, "rw-p"));
    CHECK(has(&constant, "r--p"));
    CHECK(has(&local, "rw-p"));
    CHECK(strcmp(region_of(&local)->name, "[stack]") == 0);
    return true;
}

static bool program_regions_name_their_file(void)
{
    CHECK(take_regions());
    const struct region *text = region_of((void *)(uintptr_t)program_regions_name_their_file);
    CHECK(text && strstr(text->name, "/proc_maps"));
    return true;
}

static bool heap_is_named_and_grows(void)
{
    unsigned long end = syscall(SYS_brk, 0);

    CHECK_EQ(syscall(SYS_brk, end + 3 * PAGE), end + 3 * PAGE);
    CHECK(take_regions());
    const struct region *heap = region_of((void *)(end + PAGE));
    CHECK(heap && !strcmp(heap->name, "[heap]") && !strcmp(heap->rights, "rw-p"));
    CHECK_EQ(syscall(SYS_brk, end), end);
    CHECK(take_regions());
    CHECK(!region_of((void *)(end + 2 * PAGE)));
    return true;
}

static bool regions_are_sorted_and_apart(void)
{
    CHECK(take_regions());
    for (int i = 0; i < count; i++) {
        CHECK(regions[i].start < regions[i].end);
        CHECK(regions[i].start % PAGE == 0 && regions[i].end % PAGE == 0);
        CHECK(i == 0 || regions[i - 1].end <= regions[i].start);
    }
    return true;
}

static bool mapping_shows_with_its_rights(void)
{
    unsigned char *pages = pages_map(6);
    void *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(pages && shared != MAP_FAILED);
    CHECK(mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
    CHECK(mprotect(pages + 2 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(munmap(pages + 4 * PAGE, PAGE) == 0);
    CHECK(take_regions());
    CHECK(has(pages, "rw-p") && has(pages + PAGE, "---p") && has(pages + 2 * PAGE, "r--p"));
    CHECK(has(pages + 3 * PAGE, "r-xp") && has(pages + 5 * PAGE, "rw-p") && has(shared, "rw-s"));
    CHECK(!region_of(pages + 4 * PAGE));
    pages_unmap(pages, 6);
    munmap(shared, PAGE);
    CHECK(take_regions());
    CHECK(!region_of(pages) && !region_of(shared));
    return true;
}

/* ---- More text than is made at once ---- */

#define MANY 1500
#define TEXT_MAX (512 * 1024)

/* Regions of a page each, one after the other. */
static char *map_many(void)
{
    char *at = mmap(NULL, MANY * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 1; at != MAP_FAILED && i < MANY; i += 2)
        if (mprotect(at + i * PAGE, PAGE, PROT_NONE))
            return MAP_FAILED;
    return at;
}

/* The regions of a file of /proc that lie in [at, at + MANY pages), read by `size` bytes: all of them, in order? */
static bool tells_many(const char *name, const char *at, size_t size)
{
    static char line[256], buffer[4096];
    size_t used = 0, found = 0;
    int fd = open(name, O_RDONLY);
    ssize_t n;

    while ((n = read(fd, buffer, size)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            unsigned long start, end;
            line[used] = buffer[i] == '\n' ? 0 : buffer[i];
            if (line[used] || used == sizeof line - 1) {
                used += used < sizeof line - 1;
                continue;
            }
            used = 0;
            if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && found < MANY && start == (unsigned long)at + found * PAGE)
                found++;
        }
    close(fd);
    CHECK_EQ(found, MANY);
    return true;
}

static bool many_regions_are_told_however_they_are_read(void)
{
    char *at = map_many();

    CHECK(at != MAP_FAILED);
    bool good = tells_many("/proc/self/maps", at, 4096) && tells_many("/proc/self/maps", at, 333) && tells_many("/proc/self/smaps", at, 4096);
    munmap(at, MANY * PAGE);
    return good;
}

static bool a_long_text_is_the_same_at_any_place(void)
{
    static char part[100];
    char *text = mmap(NULL, TEXT_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at = map_many();
    int fd = open("/proc/self/maps", O_RDONLY);
    ssize_t size = 0, n;

    CHECK(text != MAP_FAILED && at != MAP_FAILED && fd >= 0);
    while ((n = read(fd, text + size, TEXT_MAX - (size_t)size)) > 0)
        size += n;
    CHECK(size > 64 * 1024);
    for (off_t offset = size - 1; offset >= 0; offset -= 7919) {
        n = pread(fd, part, sizeof part, offset);
        CHECK(n > 0);
        CHECK(memcmp(part, text + offset, (size_t)n) == 0);
    }
    CHECK_EQ(pread(fd, part, sizeof part, size), 0);
    close(fd);
    munmap(at, MANY * PAGE);
    munmap(text, TEXT_MAX);
    return true;
}

static bool child_has_the_same_regions(void)
{
    static struct region ours[64];
    int our_count = count;

    memcpy(ours, regions, sizeof ours);
    CHECK(take_regions());
    CHECK_EQ(count, our_count);
    for (int i = 0; i < count; i++)
        CHECK(regions[i].start == ours[i].start && !strcmp(regions[i].rights, ours[i].rights));
    return true;
}

static bool fork_keeps_the_regions(void)
{
    CHECK(take_regions());
    CHECK_CHILD(child_has_the_same_regions);
    return true;
}

int main(void)
{
    TEST(text_data_and_stack_have_their_rights);
    TEST(program_regions_name_their_file);
    TEST(heap_is_named_and_grows);
    TEST(regions_are_sorted_and_apart);
    TEST(mapping_shows_with_its_rights);
    TEST(fork_keeps_the_regions);
    TEST(many_regions_are_told_however_they_are_read);
    TEST(a_long_text_is_the_same_at_any_place);
    return tap_done();
}
