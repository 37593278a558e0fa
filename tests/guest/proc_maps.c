// SPDX-License-Identifier: MIT
/*
 * proc_maps.c - /proc/PID/maps shows every region once, in order, with its rights.
 */
#include "touch.h"

#include <fcntl.h>
#include <stdio.h>
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
    return tap_done();
}
