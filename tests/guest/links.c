// SPDX-License-Identifier: MIT
/*
 * links.c - hard and symbolic links.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool hard_links_are_one_file(void)
{
    struct stat a, b;

    CHECK(file_put("one", "abc", 3, 0600));
    CHECK(link("one", "two") == 0);
    CHECK(stat("one", &a) == 0 && stat("two", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
    CHECK(truncate("two", 1) == 0);
    CHECK(stat("one", &a) == 0 && a.st_size == 1);
    CHECK(unlink("one") == 0);
    CHECK(stat("two", &b) == 0 && b.st_nlink == 1 && b.st_size == 1);
    CHECK_FAILS(link("missing", "x"), ENOENT);
    CHECK_FAILS(link("two", "two"), EEXIST);
    CHECK_FAILS(link(".", "folder"), EPERM);
    return true;
}

static bool symbolic_links_are_followed_and_read(void)
{
    struct stat status;
    char target[64];

    CHECK(file_put("real", "12345", 5, 0600));
    CHECK(symlink("real", "pointer") == 0);
    CHECK(stat("pointer", &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 5);
    CHECK(lstat("pointer", &status) == 0 && S_ISLNK(status.st_mode) && status.st_size == 4);
    CHECK_EQ(readlink("pointer", target, sizeof target), 4);
    CHECK(memcmp(target, "real", 4) == 0);
    CHECK_EQ(readlink("pointer", target, 2), 2);
    CHECK_FAILS(readlink("real", target, sizeof target), EINVAL);
    CHECK_FAILS(readlink("missing", target, sizeof target), ENOENT);
    CHECK_FAILS(symlink("x", "pointer"), EEXIST);
    CHECK_FAILS(symlink("", "blank"), ENOENT);
    return true;
}

static bool links_lead_through_folders(void)
{
    char text[8];

    CHECK(mkdir("folder", 0700) == 0 && mkdir("folder/sub", 0700) == 0);
    CHECK(file_put("folder/sub/leaf", "x", 1, 0600));
    CHECK(symlink("folder/sub", "way") == 0);
    CHECK_EQ(file_get("way/leaf", text, sizeof text), 1);
    CHECK(symlink("../..", "folder/sub/up") == 0);
    CHECK_EQ(file_get("way/up/folder/sub/leaf", text, sizeof text), 1);
    CHECK_EQ(file_get("way/../sub/leaf", text, sizeof text), 1);
    CHECK(symlink("/dev/null", "absolute") == 0);
    CHECK_EQ(file_get("absolute", text, sizeof text), 0);
    CHECK_FAILS(rmdir("way"), ENOTDIR);
    CHECK(unlink("way") == 0 && access("folder/sub/leaf", F_OK) == 0);
    return true;
}

static bool dangling_link_creates_its_target(void)
{
    CHECK(symlink("made", "maker") == 0);
    CHECK_FAILS(open("maker", O_RDONLY), ENOENT);
    int fd = open("maker", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK(access("made", F_OK) == 0);
    return true;
}

static bool loops_are_eloop(void)
{
    struct stat status;

    CHECK(symlink("b", "a") == 0 && symlink("a", "b") == 0);
    CHECK_FAILS(open("a", O_RDONLY), ELOOP);
    CHECK_FAILS(stat("a/x", &status), ELOOP);
    CHECK(lstat("a", &status) == 0);
    return true;
}

static bool forty_links_are_too_many_and_ten_are_not(void)
{
    char from[16], to[16];

    CHECK(file_put("l0", "x", 1, 0600));
    for (int i = 1; i <= 45; i++) {
        snprintf(from, sizeof from, "l%d", i - 1);
        snprintf(to, sizeof to, "l%d", i);
        CHECK(symlink(from, to) == 0);
    }
    CHECK(access("l10", F_OK) == 0);
    CHECK(access("l40", F_OK) == 0);
    CHECK_FAILS(access("l45", F_OK), ELOOP);
    return true;
}

static bool unlink_and_rename_take_the_link_itself(void)
{
    struct stat status;

    CHECK(file_put("kept", "x", 1, 0600) && symlink("kept", "moved") == 0);
    CHECK(rename("moved", "renamed") == 0);
    CHECK(lstat("renamed", &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(unlink("renamed") == 0);
    CHECK(access("kept", F_OK) == 0);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(hard_links_are_one_file);
    TEST(symbolic_links_are_followed_and_read);
    TEST(links_lead_through_folders);
    TEST(dangling_link_creates_its_target);
    TEST(loops_are_eloop);
    TEST(forty_links_are_too_many_and_ten_are_not);
    TEST(unlink_and_rename_take_the_link_itself);
    return tap_done();
}
