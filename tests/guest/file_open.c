// SPDX-License-Identifier: MIT
/*
 * file_open.c - what open does with each flag, and what it refuses.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static off_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_size : -1;
}

static bool creat_makes_an_empty_file_and_excl_only_a_new_one(void)
{
    int fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0600);

    CHECK(fd >= 0);
    CHECK_EQ(size_of("new"), 0);
    CHECK_FAILS(open("new", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    close(fd);
    fd = open("new", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK(symlink("nowhere", "dangling") == 0);
    CHECK_FAILS(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    return true;
}

static bool trunc_empties_and_only_when_asked(void)
{
    CHECK(file_put("full", "12345", 5, 0600));
    close(open("full", O_WRONLY));
    CHECK_EQ(size_of("full"), 5);
    close(open("full", O_WRONLY | O_TRUNC));
    CHECK_EQ(size_of("full"), 0);
    return true;
}

static bool access_mode_is_kept_to(void)
{
    char byte = 'x';

    CHECK(file_put("mode", "abc", 3, 0600));
    int fd = open("mode", O_RDONLY);
    CHECK_FAILS(write(fd, &byte, 1), EBADF);
    CHECK_EQ(read(fd, &byte, 1), 1);
    close(fd);
    fd = open("mode", O_WRONLY);
    CHECK_FAILS(read(fd, &byte, 1), EBADF);
    CHECK_EQ(write(fd, &byte, 1), 1);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
    close(fd);
    return true;
}

static bool append_writes_at_the_end_wherever_we_are(void)
{
    char text[16];

    CHECK(file_put("log", "one", 3, 0600));
    int fd = open("log", O_RDWR | O_APPEND), other = open("log", O_WRONLY | O_APPEND);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(write(fd, "two", 3), 3);
    CHECK_EQ(write(other, "three", 5), 5);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
    CHECK_EQ(write(fd, "!", 1), 1);
    CHECK_EQ(file_get("log", text, sizeof text), 12);
    CHECK(strcmp(text, "onetwothree!") == 0);
    close(fd);
    close(other);
    return true;
}

static bool directories_open_for_reading_only(void)
{
    char byte;

    CHECK(mkdir("folder", 0700) == 0);
    CHECK_FAILS(open("folder", O_RDWR), EISDIR);
    CHECK_FAILS(open("folder", O_WRONLY | O_CREAT, 0600), EISDIR);
    int fd = open("folder", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    CHECK_FAILS(read(fd, &byte, 1), EISDIR);
    close(fd);
    CHECK(file_put("plain", "x", 1, 0600));
    CHECK_FAILS(open("plain", O_RDONLY | O_DIRECTORY), ENOTDIR);
    return true;
}

static bool nofollow_refuses_a_link(void)
{
    CHECK(file_put("target", "x", 1, 0600));
    CHECK(symlink("target", "pointer") == 0);
    CHECK_FAILS(open("pointer", O_RDONLY | O_NOFOLLOW), ELOOP);
    int fd = open("pointer", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    return true;
}

static bool paths_that_lead_nowhere_say_how(void)
{
    char longer[300], longest[4200];

    CHECK(file_put("leaf", "x", 1, 0600));
    CHECK_FAILS(open("missing", O_RDONLY), ENOENT);
    CHECK_FAILS(open("missing/below", O_RDONLY), ENOENT);
    CHECK_FAILS(open("missing/below", O_WRONLY | O_CREAT, 0600), ENOENT);
    CHECK_FAILS(open("leaf/below", O_RDONLY), ENOTDIR);
    CHECK_FAILS(open("leaf/", O_RDONLY), ENOTDIR);
    CHECK_FAILS(open("", O_RDONLY), ENOENT);
    memset(longer, 'n', sizeof longer);
    longer[256] = 0;
    CHECK_FAILS(open(longer, O_WRONLY | O_CREAT, 0600), ENAMETOOLONG);
    longer[255] = 0;
    int fd = open(longer, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    memset(longest, '/', sizeof longest);
    longest[sizeof longest - 1] = 0;
    CHECK_FAILS(open(longest, O_RDONLY), ENAMETOOLONG);
    return true;
}

static bool dots_and_slashes_lead_home(void)
{
    CHECK(file_put("home", "x", 1, 0600));
    CHECK(mkdir("sub", 0700) == 0);
    CHECK_EQ(size_of("./home"), 1);
    CHECK_EQ(size_of("sub/../home"), 1);
    CHECK_EQ(size_of(".//sub///..//./home"), 1);
    CHECK_EQ(size_of("/../../tmp/../dev/../../dev/null"), 0);
    return true;
}

static bool lowest_free_descriptor_is_taken(void)
{
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = open("/dev/null", O_RDONLY);

    CHECK(b == a + 1 && c == b + 1);
    close(b);
    CHECK_EQ(open("/dev/null", O_RDONLY), b);
    close(a);
    close(b);
    close(c);
    CHECK_FAILS(close(c), EBADF);
    CHECK_FAILS(close(-1), EBADF);
    return true;
}

static bool few_descriptors_child(void)
{
    struct rlimit limit = {20, 20};
    int fd, last = -1;

    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(last, 19);
    int ends[2];
    CHECK_FAILS(pipe(ends), EMFILE);
    CHECK_FAILS(dup(0), EMFILE);
    close(last);
    CHECK_FAILS(pipe(ends), EMFILE);
    CHECK_EQ(dup(0), last);
    return true;
}

static bool descriptors_end_at_their_limit(void)
{
    CHECK_CHILD(few_descriptors_child);
    return true;
}

static bool hundreds_of_descriptors_work(void)
{
    static int fds[200];

    for (int i = 0; i < 200; i++) {
        fds[i] = open("/dev/zero", O_RDONLY);
        CHECK(fds[i] >= 0);
    }
    char byte = 1;
    CHECK(read(fds[199], &byte, 1) == 1 && byte == 0);
    for (int i = 0; i < 200; i++)
        CHECK(close(fds[i]) == 0);
    return true;
}

static bool umask_takes_permission_bits_away(void)
{
    struct stat status;
    mode_t old = umask(027);

    close(open("masked", O_WRONLY | O_CREAT, 0777));
    CHECK(mkdir("masked-folder", 0777) == 0);
    CHECK_EQ(umask(old), 027);
    CHECK(stat("masked", &status) == 0);
    CHECK_EQ(status.st_mode & 07777, 0750);
    CHECK(stat("masked-folder", &status) == 0);
    CHECK_EQ(status.st_mode & 0777, 0750);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(creat_makes_an_empty_file_and_excl_only_a_new_one);
    TEST(trunc_empties_and_only_when_asked);
    TEST(access_mode_is_kept_to);
    TEST(append_writes_at_the_end_wherever_we_are);
    TEST(directories_open_for_reading_only);
    TEST(nofollow_refuses_a_link);
    TEST(paths_that_lead_nowhere_say_how);
    TEST(dots_and_slashes_lead_home);
    TEST(lowest_free_descriptor_is_taken);
    TEST(descriptors_end_at_their_limit);
    TEST(hundreds_of_descriptors_work);
    TEST(umask_takes_permission_bits_away);
    return tap_done();
}
