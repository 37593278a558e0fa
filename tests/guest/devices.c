// SPDX-License-Identifier: MIT
/*
 * devices.c - the files in /dev that are not files.
 */
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static unsigned char buffer[3 * PAGE];

static bool null_swallows_and_ends(void)
{
    int fd = open("/dev/null", O_RDWR);

    CHECK(fd >= 0);
    CHECK_EQ(write(fd, buffer, sizeof buffer), sizeof buffer);
    CHECK_EQ(read(fd, buffer, 10), 0);
    CHECK(lseek(fd, 5, SEEK_SET) >= 0);
    close(fd);
    return true;
}

static bool zero_gives_zeros_without_end(void)
{
    int fd = open("/dev/zero", O_RDWR);

    CHECK(fd >= 0);
    memset(buffer, 1, sizeof buffer);
    CHECK_EQ(read(fd, buffer, sizeof buffer), sizeof buffer);
    for (size_t i = 0; i < sizeof buffer; i++)
        CHECK_EQ(buffer[i], 0);
    CHECK_EQ(write(fd, buffer, 100), 100);
    close(fd);
    return true;
}

static bool full_is_full(void)
{
    int fd = open("/dev/full", O_RDWR);

    CHECK(fd >= 0);
    CHECK_FAILS(write(fd, "x", 1), ENOSPC);
    buffer[0] = 1;
    CHECK_EQ(read(fd, buffer, 1), 1);
    CHECK_EQ(buffer[0], 0);
    close(fd);
    return true;
}

static bool random_bytes_from(const char *path)
{
    unsigned char more[64];
    int fd = open(path, O_RDONLY), different = 0;

    CHECK(fd >= 0);
    CHECK_EQ(read(fd, buffer, 64), 64);
    CHECK_EQ(read(fd, more, 64), 64);
    close(fd);
    CHECK(memcmp(buffer, more, 64) != 0);
    for (int i = 1; i < 64; i++)
        different += more[i] != more[0];
    CHECK(different > 30);
    return true;
}

static bool random_and_urandom_differ_each_time(void)
{
    return random_bytes_from("/dev/random") && random_bytes_from("/dev/urandom");
}

static bool numbers_are_those_of_linux(void)
{
    static const struct { const char *path; int major, minor; } devices[] = {
        {"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9},
        {"/dev/tty", 5, 0},
    };
    struct stat status;

    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        CHECK(stat(devices[i].path, &status) == 0);
        CHECK(S_ISCHR(status.st_mode));
        CHECK_EQ(status.st_rdev, makedev(devices[i].major, devices[i].minor));
    }
    return true;
}

static bool plain_files_and_devices_are_no_terminals(void)
{
    int fd = open("/dev/null", O_RDONLY);

    CHECK(!isatty(fd));
    CHECK_EQ(errno, ENOTTY);
    close(fd);
    CHECK(!isatty(999));
    CHECK_EQ(errno, EBADF);
    return true;
}

int main(void)
{
    TEST(null_swallows_and_ends);
    TEST(zero_gives_zeros_without_end);
    TEST(full_is_full);
    TEST(random_and_urandom_differ_each_time);
    TEST(numbers_are_those_of_linux);
    TEST(plain_files_and_devices_are_no_terminals);
    return tap_done();
}
