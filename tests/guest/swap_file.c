// SPDX-License-Identifier: MIT
/*
 * swap_file.c - a file of ext2 as swap: which are taken, what may not be done to one meanwhile, and that pages come back from it.
 *
 * Needs /dev/vda with an ext2 that nobody has mounted (./gaur run --disk IMAGE) and the right to mount it; else all of it is skipped. On a disk with
 * blocks of 1 KiB the file has parts that do not lie at a multiple of a page.
 */
#include "swapped.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK "/dev/vda"
#define AREA_PAGES 512u
#define PAGES 256u

/* Page 0, as mkswap writes it. */
struct header {
    unsigned char boot[1024];
    uint32_t version, last_page, bad_count;
    unsigned char uuid[16], label[16];
    uint32_t padding[117];
    uint32_t bad[637];
    unsigned char unused[2];
    char magic[10];
};

_Static_assert(sizeof(struct header) == PAGE, "a page");

static struct header whole(void)
{
    struct header header = {.version = 1, .last_page = AREA_PAGES - 1};

    memcpy(header.magic, "SWAPSPACE2", 10);
    return header;
}

/* A file of whole pages, all written. */
static bool make(const char *name, const struct header *header, unsigned pages)
{
    static unsigned char zeros[PAGE];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0 && (!header || write(fd, header, sizeof *header) == sizeof *header);

    for (unsigned i = header ? 1 : 0; good && i < pages; i++)
        good = write(fd, zeros, sizeof zeros) == sizeof zeros;
    return (fd < 0 || close(fd) == 0) && good;
}

static bool make_area(const char *name)
{
    struct header header = whole();

    return make(name, &header, AREA_PAGES);
}

/* ---- Which are taken ---- */

static bool what_is_no_area_is_refused(void)
{
    struct header header = whole();

    CHECK(make("x/none", NULL, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    CHECK(make("x/none", NULL, 0));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    header.version = 2;
    CHECK(make("x/none", &header, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    header = whole();
    header.last_page = AREA_PAGES;
    CHECK(make("x/none", &header, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    header.last_page = 0;
    CHECK(make("x/none", &header, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    header = whole();
    header.bad_count = 1;
    header.bad[0] = 7;
    CHECK(make("x/none", &header, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    header = whole();
    memset(header.magic, 0, 10);
    memcpy((char *)&header + 2048 - 10, "SWAPSPACE2", 10); // where a page of another size ends
    CHECK(make("x/none", &header, AREA_PAGES));
    CHECK_FAILS(swapon("x/none", 0), EINVAL);
    return unlink("x/none") == 0;
}

static bool a_file_with_a_hole_is_refused(void)
{
    struct header header = whole();

    CHECK(make("x/hole", &header, 10));
    CHECK_EQ(truncate("x/hole", AREA_PAGES * PAGE), 0);
    CHECK_FAILS(swapon("x/hole", 0), EINVAL);
    CHECK_EQ(unlink("x/hole"), 0); // and it is nobody's
    return true;
}

static bool other_kinds_are_refused(void)
{
    CHECK_EQ(mkdir("t", 0700), 0);
    CHECK_EQ(mount("none", "t", "tmpfs", 0, NULL), 0);
    CHECK(make_area("t/area"));
    CHECK_FAILS(swapon("t/area", 0), EINVAL);
    CHECK_EQ(umount("t"), 0);
    CHECK_FAILS(swapon("x", 0), EISDIR);
    CHECK_FAILS(swapon("/dev/null", 0), EINVAL);
    CHECK_FAILS(swapon("x/missing", 0), ENOENT);
    CHECK_FAILS(swapon(DISK, 0), EBUSY); // mounted
    CHECK_FAILS(swapoff(DISK), EINVAL);
    CHECK_FAILS(swapoff("x"), EISDIR);
    CHECK_FAILS(swapoff("x/missing"), ENOENT);
    CHECK(make_area("x/area"));
    CHECK_FAILS(swapoff("x/area"), EINVAL);
    CHECK_FAILS(swapon("x/area", 0x80000), EINVAL);
    return true;
}

static bool unprivileged(void)
{
    CHECK_EQ(setresuid(1000, 1000, 1000), 0);
    CHECK_FAILS(swapon("x/area", 0), EPERM);
    CHECK_FAILS(swapoff("x/area"), EPERM);
    return true;
}

static bool only_root_may(void)
{
    CHECK_CHILD(unprivileged);
    return true;
}

static bool a_mount_to_be_read_only_has_none(void)
{
    CHECK_EQ(mount(NULL, "x", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    CHECK_FAILS(swapon("x/area", 0), EROFS);
    CHECK_EQ(mount(NULL, "x", NULL, MS_REMOUNT, NULL), 0);
    return true;
}

/* ---- In use ---- */

/* What /proc/swaps says of an area whose path ends so, in kilobytes. */
struct area {
    long size, used, priority;
};

static struct area area_of(const char *end)
{
    FILE *file = fopen("/proc/swaps", "re");
    struct area area, found = {-1, -1, 0};
    char line[1000], name[400];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%399s %*s %ld %ld %ld", name, &area.size, &area.used, &area.priority) == 4 && strlen(name) > strlen(end) &&
            !strcmp(name + strlen(name) - strlen(end), end))
            found = area;
    if (file)
        fclose(file);
    return found;
}

static long used(const char *end)
{
    return area_of(end).used;
}

static void expect_line(char line[1000], const char *folder, const char *name, int priority)
{
    int width = 40 - (int)strlen(folder) - (int)strlen(name);

    snprintf(line, 1000, "%s%s%*sfile\t\t%ld\t\t0\t\t%d\n", folder, name, width < 1 ? 1 : width, " ", area_of(name).size, priority);
}

/* All of the file, but for what does not lie at a multiple of a page: there may be such parts where blocks are smaller. */
static bool size_is_right(const char *name)
{
    struct statfs fs;
    long pages = area_of(name).size / 4;

    CHECK_EQ(statfs("x", &fs), 0);
    if (fs.f_bsize == PAGE)
        CHECK_EQ(pages, AREA_PAGES - 1);
    CHECK(pages < AREA_PAGES && pages >= (long)AREA_PAGES - 30);
    return true;
}

static bool what_proc_swaps_says(void)
{
    char text[1000], expected[1000], folder[300];
    struct header header = whole();

    CHECK(make("x/two words", &header, AREA_PAGES));
    CHECK(getcwd(folder, sizeof folder));
    CHECK_EQ(swapon("x/area", 0), 0);
    CHECK_EQ(swapon("x/two words", SWAP_FLAG_PREFER | 5 | SWAP_FLAG_DISCARD), 0);
    CHECK(file_get("/proc/swaps", text, sizeof text) > 0);
    CHECK(strstr(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n") == text);
    expect_line(expected, folder, "/x/area", -2);
    CHECK(strstr(text, expected));
    CHECK(size_is_right("/x/area"));
    expect_line(expected, folder, "/x/two\\040words", 5);
    CHECK(strstr(text, expected));
    CHECK_EQ(swapoff("x/two words"), 0);
    CHECK_EQ(unlink("x/two words"), 0);
    CHECK_FAILS(swapon("x/area", 0), EBUSY);
    return true;
}

static bool nobody_writes_to_it(void)
{
    char byte = 1;
    int fd = open("x/area", O_RDWR), other = open("x/other", O_RDWR | O_CREAT, 0600);

    CHECK(fd >= 0 && other >= 0);
    CHECK_FAILS(write(fd, &byte, 1), ETXTBSY);
    CHECK_FAILS(pwrite(fd, &byte, 1, AREA_PAGES * PAGE), ETXTBSY);
    CHECK_FAILS(ftruncate(fd, 0), ETXTBSY);
    CHECK_FAILS(ftruncate(fd, AREA_PAGES * PAGE), ETXTBSY);
    CHECK_FAILS(truncate("x/area", PAGE), ETXTBSY);
    CHECK_FAILS(fallocate(fd, 0, 0, PAGE), ETXTBSY);
    CHECK_FAILS(open("x/area", O_WRONLY | O_TRUNC), ETXTBSY);
    CHECK_FAILS(copy_file_range(other, NULL, fd, NULL, 10, 0), ETXTBSY);
    CHECK_EQ(write(other, "0123456789", 10), 10);
    CHECK_FAILS(copy_file_range(fd, NULL, other, NULL, 10, 0), ETXTBSY);
    CHECK_EQ(pread(fd, &byte, 1, 0), 1);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ETXTBSY);
    void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK_EQ(munmap(at, PAGE), 0);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED);
    *(char *)at = 1;
    CHECK_EQ(munmap(at, PAGE), 0);
    CHECK_EQ(ftruncate(fd, AREA_PAGES * PAGE + 1), 0); // growth is no harm
    return close(fd) == 0 && close(other) == 0;
}

static bool its_names_stay(void)
{
    CHECK_FAILS(unlink("x/area"), EPERM);
    CHECK_FAILS(rename("x/area", "x/moved"), EPERM);
    CHECK_FAILS(rename("x/other", "x/area"), EPERM);
    CHECK_EQ(link("x/area", "x/second"), 0);
    CHECK_FAILS(unlink("x/second"), EPERM);
    CHECK_EQ(chmod("x/area", 0640), 0);
    return true;
}

static bool its_file_system_stays(void)
{
    CHECK_FAILS(umount("x"), EBUSY);
    CHECK_FAILS(mount(NULL, "x", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
    return true;
}

static unsigned char *filled(unsigned pages)
{
    unsigned char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (unsigned i = 0; memory != MAP_FAILED && i < pages; i++)
        fill(memory, i, 3);
    return memory;
}

static bool pages_leave_and_come_back(void)
{
    unsigned char *memory = filled(PAGES);

    CHECK(memory != MAP_FAILED);
    CHECK_EQ(madvise(memory, PAGES * PAGE, MADV_PAGEOUT), 0);
    for (int i = 0; i < 200 && used("/x/area") < (long)PAGES * 3; i++)
        sleep_ms(10);
    CHECK(used("/x/area") >= (long)PAGES * 3);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, (i * 77) % PAGES, 3));
    CHECK_EQ(madvise(memory, PAGES * PAGE, MADV_PAGEOUT), 0);
    CHECK_EQ(swapoff("x/area"), 0);
    CHECK_EQ(used("/x/area"), -1);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 3));
    return munmap(memory, PAGES * PAGE) == 0;
}

static bool afterwards_it_is_a_file_again(void)
{
    char byte = 1;
    int fd = open("x/area", O_RDWR);

    CHECK(fd >= 0);
    CHECK_EQ(pwrite(fd, &byte, 1, 3 * PAGE), 1);
    CHECK_EQ(ftruncate(fd, PAGE), 0);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(unlink("x/second"), 0);
    CHECK_EQ(unlink("x/area"), 0);
    return unlink("x/other") == 0;
}

/* ---- Several ---- */

static bool where_the_priority_is_the_same_they_take_turns(void)
{
    CHECK(make_area("x/low") && make_area("x/one") && make_area("x/two"));
    CHECK_EQ(swapon("x/low", 0), 0);
    CHECK_EQ(swapon("x/one", SWAP_FLAG_PREFER | 9), 0);
    CHECK_EQ(swapon("x/two", SWAP_FLAG_PREFER | 9), 0);
    unsigned char *memory = filled(PAGES);
    CHECK(memory != MAP_FAILED);
    CHECK_EQ(madvise(memory, PAGES * PAGE, MADV_PAGEOUT), 0);
    for (int i = 0; i < 200 && used("/x/one") + used("/x/two") < (long)PAGES * 3; i++)
        sleep_ms(10);
    CHECK(used("/x/one") >= (long)PAGES);
    CHECK(used("/x/two") >= (long)PAGES);
    CHECK_EQ(used("/x/low"), 0);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 3));
    CHECK_EQ(swapoff("x/one"), 0);
    CHECK_EQ(swapoff("x/two"), 0);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 3));
    CHECK_EQ(swapoff("x/low"), 0);
    return munmap(memory, PAGES * PAGE) == 0;
}

static long priority_of(const char *end)
{
    return area_of(end).priority;
}

static bool those_without_a_priority_come_one_after_the_other(void)
{
    CHECK_EQ(swapon("x/one", 0), 0);
    CHECK_EQ(swapon("x/two", 0), 0);
    CHECK_EQ(swapon("x/low", 0), 0);
    CHECK_EQ(priority_of("/x/one"), -2);
    CHECK_EQ(priority_of("/x/two"), -3);
    CHECK_EQ(priority_of("/x/low"), -4);
    CHECK_EQ(swapoff("x/two"), 0);
    CHECK_EQ(priority_of("/x/one"), -2);
    CHECK_EQ(priority_of("/x/low"), -3);
    CHECK_EQ(swapoff("x/one"), 0);
    CHECK_EQ(swapoff("x/low"), 0);
    return unlink("x/one") == 0 && unlink("x/two") == 0 && unlink("x/low") == 0;
}

static bool then_it_can_be_unmounted(void)
{
    return umount("x") == 0;
}

/* Why there is nothing to test here; NULL: the disk is at "x". */
static const char *mounted(void)
{
    char text[4000];

    if (file_get("/proc/mounts", text, sizeof text) > 0 && strstr(text, DISK " "))
        return "the disk is in use";
    if (!scratch_enter() || mkdir("x", 0700))
        return "no scratch folder";
    if (file_get("/proc/swaps", text, sizeof text) > 0 && strchr(text, '\n') && strchr(text, '\n')[1])
        return "there is other swap";
    return mount(DISK, "x", "ext2", 0, NULL) ? "no disk with an ext2, or no right to mount it" : NULL;
}

int main(void)
{
    const char *why = mounted();

    if (why) {
        skip(why, "swap in a file");
        return tap_done();
    }
    TEST(what_is_no_area_is_refused);
    TEST(a_file_with_a_hole_is_refused);
    TEST(other_kinds_are_refused);
    TEST(only_root_may);
    TEST(a_mount_to_be_read_only_has_none);
    TEST(what_proc_swaps_says);
    TEST(nobody_writes_to_it);
    TEST(its_names_stay);
    TEST(its_file_system_stays);
    TEST(pages_leave_and_come_back);
    TEST(afterwards_it_is_a_file_again);
    TEST(where_the_priority_is_the_same_they_take_turns);
    TEST(those_without_a_priority_come_one_after_the_other);
    TEST(then_it_can_be_unmounted);
    return tap_done();
}
