// SPDX-License-Identifier: MIT
/*
 * directories.c - making, listing, renaming and removing folders, and where we are.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static nlink_t links_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_nlink : 0;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool mkdir_and_rmdir_pair(void)
{
    struct stat status;

    CHECK(mkdir("a", 0700) == 0);
    CHECK(stat("a", &status) == 0 && S_ISDIR(status.st_mode));
    CHECK_FAILS(mkdir("a", 0700), EEXIST);
    CHECK_FAILS(mkdir("missing/a", 0700), ENOENT);
    CHECK(mkdir("a/b/", 0700) == 0);
    CHECK_FAILS(rmdir("a"), ENOTEMPTY);
    CHECK(rmdir("a/b") == 0);
    CHECK(rmdir("a") == 0);
    CHECK_FAILS(rmdir("a"), ENOENT);
    CHECK(file_put("file", "", 0, 0600));
    CHECK_FAILS(rmdir("file"), ENOTDIR);
    CHECK_FAILS(unlink("."), EISDIR);
    CHECK_FAILS(rmdir("."), EINVAL);
    CHECK_FAILS(rmdir("/"), EBUSY);
    return true;
}

/* Some file systems do not count subfolders; then both are 1. */
static bool subfolders_are_links(void)
{
    CHECK(mkdir("links", 0700) == 0);
    nlink_t before = links_of("links");
    CHECK(mkdir("links/sub", 0700) == 0);
    if (before == 2)
        CHECK_EQ(links_of("links"), 3);
    CHECK(rmdir("links/sub") == 0);
    CHECK_EQ(links_of("links"), before);
    CHECK(rmdir("links") == 0);
    return true;
}

/* How often each of the names f0 .. f99 is listed, `.` and `..` too. */
static bool listing_has_each_name_once(void)
{
    static int seen[100];
    int dots = 0, others = 0, number;
    char name[16];

    memset(seen, 0, sizeof seen);
    CHECK(mkdir("many", 0700) == 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "many/f%d", i);
        CHECK(file_put(name, "", 0, 0600));
    }
    DIR *folder = opendir("many");
    CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (sscanf(entry->d_name, "f%d", &number) == 1 && number >= 0 && number < 100)
            seen[number]++;
        else if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            dots++;
        else
            others++;
        CHECK(entry->d_type == DT_UNKNOWN || (entry->d_type == DT_REG) == (entry->d_name[0] == 'f'));
    }
    closedir(folder);
    CHECK(dots == 2 && others == 0);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(seen[i], 1);
        snprintf(name, sizeof name, "many/f%d", i);
        CHECK(unlink(name) == 0);
    }
    CHECK(rmdir("many") == 0);
    return true;
}

static bool small_buffer_lists_in_pieces(void)
{
    struct { uint64_t inode; int64_t offset; uint16_t length; uint8_t type; char name[]; } *entry;
    char buffer[64];
    int entries = 0, fd;

    CHECK(mkdir("pieces", 0700) == 0);
    for (int i = 0; i < 10; i++) {
        char name[] = "pieces/x0";
        name[8] += i;
        CHECK(file_put(name, "", 0, 0600));
    }
    CHECK((fd = open("pieces", O_RDONLY | O_DIRECTORY)) >= 0);
    for (long got; (got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) != 0;) {
        CHECK(got > 0);
        for (long at = 0; at < got; at += entry->length, entries++) {
            entry = (void *)(buffer + at);
            CHECK(entry->length >= 20 && entry->length % 8 == 0);
        }
    }
    CHECK_EQ(entries, 12);
    close(fd);
    return true;
}

static bool buffer_too_small_for_a_name_is_einval(void)
{
    char buffer[8];
    int fd = open(".", O_RDONLY | O_DIRECTORY), file = open("notdir", O_RDONLY | O_CREAT, 0600);

    CHECK_FAILS(syscall(SYS_getdents64, fd, buffer, sizeof buffer), EINVAL);
    CHECK_FAILS(syscall(SYS_getdents64, file, buffer, sizeof buffer), ENOTDIR);
    close(fd);
    close(file);
    return true;
}

static bool rename_moves_and_replaces(void)
{
    char text[8];

    CHECK(file_put("from", "new", 3, 0600) && file_put("to", "old!", 4, 0600));
    CHECK(rename("from", "to") == 0);
    CHECK(!exists("from"));
    CHECK_EQ(file_get("to", text, sizeof text), 3);
    CHECK(mkdir("place", 0700) == 0);
    CHECK(rename("to", "place/to") == 0);
    CHECK(exists("place/to") && !exists("to"));
    CHECK(rename("place/to", "place/to") == 0);
    CHECK_FAILS(rename("missing", "x"), ENOENT);
    CHECK(unlink("place/to") == 0 && rmdir("place") == 0);
    return true;
}

static bool rename_of_two_links_to_one_file_does_nothing(void)
{
    CHECK(file_put("first", "x", 1, 0600));
    CHECK(link("first", "second") == 0);
    CHECK(rename("first", "second") == 0);
    CHECK(exists("first") && exists("second"));
    unlink("first");
    unlink("second");
    return true;
}

static bool folders_are_renamed_with_all_below(void)
{
    struct stat before, after;

    CHECK(mkdir("tree", 0700) == 0 && mkdir("tree/sub", 0700) == 0 && mkdir("other", 0700) == 0);
    CHECK(file_put("tree/sub/leaf", "x", 1, 0600));
    CHECK(rename("tree", "other/tree") == 0);
    CHECK(exists("other/tree/sub/leaf") && !exists("tree"));
    CHECK(stat("other", &before) == 0 && stat("other/tree/..", &after) == 0);
    CHECK_EQ(before.st_ino, after.st_ino);
    CHECK_FAILS(rename("other", "other/tree/sub/x"), EINVAL);
    CHECK(mkdir("empty", 0700) == 0);
    CHECK(rename("other/tree", "empty") == 0);
    CHECK(exists("empty/sub/leaf"));
    CHECK(mkdir("empty2", 0700) == 0);
    CHECK_FAILS(rename("empty2", "empty"), ENOTEMPTY);
    CHECK(file_put("plain", "", 0, 0600));
    CHECK_FAILS(rename("plain", "empty2"), EISDIR);
    CHECK_FAILS(rename("empty2", "plain"), ENOTDIR);
    return true;
}

static bool current_folder_follows_chdir_and_rename(void)
{
    char before[PATH_MAX], now[PATH_MAX], want[PATH_MAX];

    CHECK(getcwd(before, sizeof before - 16));
    CHECK(mkdir("here", 0700) == 0 && chdir("here") == 0);
    CHECK(getcwd(now, sizeof now));
    snprintf(want, sizeof want, "%.4000s/here", before);
    CHECK(strcmp(now, want) == 0);
    CHECK(rename("../here", "../there") == 0);
    CHECK(getcwd(now, sizeof now));
    snprintf(want, sizeof want, "%.4000s/there", before);
    CHECK(strcmp(now, want) == 0);
    CHECK_FAILS(getcwd(now, 5) ? 0 : -1, ERANGE);
    CHECK(chdir("..") == 0 && rmdir("there") == 0);
    CHECK_FAILS(chdir("missing"), ENOENT);
    CHECK(file_put("notdir", "", 0, 0600));
    CHECK_FAILS(chdir("notdir"), ENOTDIR);
    return true;
}

static bool fchdir_goes_to_an_open_folder(void)
{
    char before[PATH_MAX], after[PATH_MAX];
    int here = open(".", O_RDONLY | O_DIRECTORY);

    CHECK(getcwd(before, sizeof before));
    CHECK(chdir("/") == 0);
    CHECK(getcwd(after, sizeof after) && !strcmp(after, "/"));
    CHECK(fchdir(here) == 0);
    CHECK(getcwd(after, sizeof after) && !strcmp(after, before));
    close(here);
    CHECK_FAILS(fchdir(here), EBADF);
    return true;
}

static bool in_removed_folder(void)
{
    char path[PATH_MAX];

    CHECK(mkdir("doomed", 0700) == 0 && chdir("doomed") == 0);
    CHECK(rmdir("../doomed") == 0);
    CHECK_FAILS(getcwd(path, sizeof path) ? 0 : -1, ENOENT);
    CHECK_FAILS(open("new", O_WRONLY | O_CREAT, 0600), ENOENT);
    CHECK_FAILS(mkdir("new", 0700), ENOENT);
    CHECK(chdir("..") == 0);
    return true;
}

static bool removed_folder_takes_nothing_new(void)
{
    CHECK_CHILD(in_removed_folder);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(mkdir_and_rmdir_pair);
    TEST(subfolders_are_links);
    TEST(listing_has_each_name_once);
    TEST(small_buffer_lists_in_pieces);
    TEST(buffer_too_small_for_a_name_is_einval);
    TEST(rename_moves_and_replaces);
    TEST(rename_of_two_links_to_one_file_does_nothing);
    TEST(folders_are_renamed_with_all_below);
    TEST(current_folder_follows_chdir_and_rename);
    TEST(fchdir_goes_to_an_open_folder);
    TEST(removed_folder_takes_nothing_new);
    return tap_done();
}
