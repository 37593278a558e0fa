// SPDX-License-Identifier: MIT
/*
 * permissions.c - mode bits and owners, as root sets them and as another user meets them.
 */
#include "tap.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHER = 65534 };

static mode_t mode_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0177777;
}

static bool chmod_sets_all_twelve_bits(void)
{
    CHECK(file_put("file", "", 0, 0600));
    static const mode_t modes[] = {0, 0777, 0644, 04755, 02755, 01777, 0400};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        CHECK(chmod("file", modes[i]) == 0);
        CHECK_EQ(mode_of("file"), modes[i]);
    }
    int fd = open("file", O_RDONLY);
    CHECK(fchmod(fd, 0640) == 0);
    CHECK_EQ(mode_of("file"), 0640);
    close(fd);
    CHECK_FAILS(chmod("missing", 0), ENOENT);
    return true;
}

static bool chown_sets_one_or_both(void)
{
    struct stat status;

    CHECK(file_put("owned", "", 0, 0600));
    CHECK(chown("owned", 10, 20) == 0);
    CHECK(chown("owned", -1, 30) == 0);
    CHECK(stat("owned", &status) == 0 && status.st_uid == 10 && status.st_gid == 30);
    CHECK(symlink("owned", "link") == 0 && lchown("link", 40, 40) == 0);
    CHECK(stat("owned", &status) == 0 && status.st_uid == 10);
    CHECK(lstat("link", &status) == 0 && status.st_uid == 40);
    return true;
}

static bool root_may_read_all_and_run_only_what_is_executable(void)
{
    CHECK(file_put("closed", "x", 1, 0));
    CHECK(access("closed", R_OK | W_OK) == 0);
    CHECK_FAILS(access("closed", X_OK), EACCES);
    int fd = open("closed", O_RDWR);
    CHECK(fd >= 0);
    close(fd);
    return true;
}

static bool become_other(void)
{
    gid_t none = OTHER;

    return setgroups(1, &none) == 0 && setgid(OTHER) == 0 && setuid(OTHER) == 0 && getuid() == OTHER;
}

static bool other_child(void)
{
    CHECK(become_other());
    CHECK_FAILS(open("private", O_RDONLY), EACCES);
    int fd = open("readable", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    CHECK_FAILS(open("readable", O_WRONLY), EACCES);
    CHECK_FAILS(access("private", R_OK), EACCES);
    CHECK(access("readable", R_OK) == 0);
    CHECK_FAILS(chmod("readable", 0777), EPERM);
    CHECK_FAILS(chown("readable", OTHER, OTHER), EPERM);
    CHECK_FAILS(open("new", O_WRONLY | O_CREAT, 0600), EACCES);
    CHECK_FAILS(unlink("readable"), EACCES);
    CHECK_FAILS(mkdir("dir", 0700), EACCES);
    return true;
}

static bool mode_bits_bind_other_users(void)
{
    CHECK(file_put("private", "x", 1, 0600) && file_put("readable", "x", 1, 0644));
    CHECK_CHILD(other_child);
    return true;
}

static bool owner_child(void)
{
    CHECK(become_other());
    CHECK_FAILS(open("mine-unreadable", O_RDONLY), EACCES);
    CHECK(chmod("mine-unreadable", 0600) == 0);
    int fd = open("mine-unreadable", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    CHECK_FAILS(open("group-only", O_WRONLY), EACCES);
    fd = open("group-only", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    return true;
}

/* The first class that fits decides: an owner without the right has not got it as one of the others. */
static bool owner_and_group_classes_decide_in_order(void)
{
    CHECK(file_put("mine-unreadable", "x", 1, 0600) && file_put("group-only", "x", 1, 0600));
    CHECK(chown("mine-unreadable", OTHER, OTHER) == 0 && chmod("mine-unreadable", 0077) == 0);
    CHECK(chown("group-only", 0, OTHER) == 0 && chmod("group-only", 0646) == 0);
    CHECK_CHILD(owner_child);
    return true;
}

static bool folder_child(void)
{
    CHECK(become_other());
    CHECK_FAILS(open("no-search/file", O_RDONLY), EACCES);
    CHECK_FAILS(chdir("no-search"), EACCES);
    CHECK_FAILS(open("no-list", O_RDONLY | O_DIRECTORY), EACCES);
    int fd = open("no-list/file", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    return true;
}

static bool search_and_list_are_two_rights(void)
{
    CHECK(mkdir("no-search", 0700) == 0 && mkdir("no-list", 0700) == 0);
    CHECK(file_put("no-search/file", "x", 1, 0644) && file_put("no-list/file", "x", 1, 0644));
    CHECK(chmod("no-search", 0744) == 0 && chmod("no-list", 0711) == 0);
    CHECK_CHILD(folder_child);
    return true;
}

static bool sticky_child(void)
{
    CHECK(become_other());
    CHECK_FAILS(unlink("sticky/roots"), EPERM);
    CHECK_FAILS(rename("sticky/roots", "sticky/x"), EPERM);
    CHECK(file_put("sticky/mine", "x", 1, 0600));
    CHECK(unlink("sticky/mine") == 0);
    return true;
}

static bool sticky_folder_keeps_others_files(void)
{
    CHECK(mkdir("sticky", 0700) == 0 && chmod("sticky", 01777) == 0);
    CHECK(file_put("sticky/roots", "x", 1, 0666));
    CHECK_CHILD(sticky_child);
    return true;
}

static bool created_child(void)
{
    struct stat status;

    CHECK(become_other());
    CHECK(file_put("open-folder/made", "x", 1, 0600));
    CHECK(stat("open-folder/made", &status) == 0);
    CHECK(status.st_uid == OTHER && status.st_gid == OTHER);
    return true;
}

static bool files_belong_to_their_maker(void)
{
    CHECK(mkdir("open-folder", 0700) == 0 && chmod("open-folder", 0777) == 0);
    CHECK_CHILD(created_child);
    return true;
}

static bool dropping_child(void)
{
    CHECK(setresuid(OTHER, OTHER, OTHER) == 0);
    CHECK_FAILS(setuid(0), EPERM);
    CHECK_FAILS(seteuid(0), EPERM);
    CHECK_EQ(geteuid(), OTHER);
    return true;
}

static bool dropped_rights_do_not_come_back(void)
{
    CHECK_CHILD(dropping_child);
    return true;
}

int main(void)
{
    if (getuid() != 0) {
        skip("needs to be root", "mode_bits_bind_other_users");
        return tap_done();
    }
    if (!scratch_enter())
        return tap_done();
    TEST(chmod_sets_all_twelve_bits);
    TEST(chown_sets_one_or_both);
    TEST(root_may_read_all_and_run_only_what_is_executable);
    TEST(mode_bits_bind_other_users);
    TEST(owner_and_group_classes_decide_in_order);
    TEST(search_and_list_are_two_rights);
    TEST(sticky_folder_keeps_others_files);
    TEST(files_belong_to_their_maker);
    TEST(dropped_rights_do_not_come_back);
    return tap_done();
}
