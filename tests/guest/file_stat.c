// SPDX-License-Identifier: MIT
/*
 * file_stat.c - what stat, statfs and the times of a file tell.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static struct stat status;

static bool types_are_told(void)
{
    int ends[2];

    CHECK(file_put("file", "x", 1, 0600) && mkdir("folder", 0700) == 0 && symlink("file", "link") == 0);
    CHECK(stat("file", &status) == 0 && S_ISREG(status.st_mode));
    CHECK(stat("folder", &status) == 0 && S_ISDIR(status.st_mode));
    CHECK(lstat("link", &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
    CHECK(status.st_rdev == makedev(1, 3));
    CHECK(pipe(ends) == 0);
    CHECK(fstat(ends[0], &status) == 0 && S_ISFIFO(status.st_mode));
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool size_links_and_blocks_are_told(void)
{
    static char page[3 * PAGE];

    CHECK(file_put("sized", page, sizeof page, 0600));
    CHECK(link("sized", "linked") == 0);
    int fd = open("sized", O_RDONLY);
    fsync(fd);
    CHECK(fstat(fd, &status) == 0);
    close(fd);
    CHECK_EQ(status.st_size, sizeof page);
    CHECK_EQ(status.st_nlink, 2);
    CHECK_EQ(status.st_blocks, 24);
    CHECK(status.st_blksize >= 512);
    CHECK(status.st_ino != 0);
    return true;
}

static bool inodes_differ(void)
{
    CHECK(file_put("a", "", 0, 0600) && file_put("b", "", 0, 0600));
    CHECK(stat("a", &status) == 0);
    ino_t first = status.st_ino;
    CHECK(stat("b", &status) == 0);
    CHECK(first != status.st_ino);
    return true;
}

static bool times_can_be_set(void)
{
    struct timespec times[2] = {{1000000000, 123000000}, {1234567890, 0}};

    CHECK(file_put("timed", "", 0, 0600));
    CHECK(utimensat(AT_FDCWD, "timed", times, 0) == 0);
    CHECK(stat("timed", &status) == 0);
    CHECK_EQ(status.st_atim.tv_sec, 1000000000);
    CHECK_EQ(status.st_mtim.tv_sec, 1234567890);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "timed", times, 0) == 0);
    CHECK(stat("timed", &status) == 0);
    CHECK_EQ(status.st_atim.tv_sec, 1000000000);
    CHECK(status.st_mtim.tv_sec > 1600000000);
    times[0].tv_nsec = 1000000000;
    CHECK_FAILS(utimensat(AT_FDCWD, "timed", times, 0), EINVAL);
    CHECK_FAILS(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
    int fd = open("timed", O_RDONLY);
    CHECK(futimens(fd, NULL) == 0);
    close(fd);
    return true;
}

static bool writing_moves_the_times_on(void)
{
    struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};

    CHECK(file_put("written", "x", 1, 0600));
    CHECK(utimensat(AT_FDCWD, "written", old, 0) == 0);
    CHECK(stat("written", &status) == 0);
    time_t changed = status.st_ctim.tv_sec;
    CHECK(file_put("written", "y", 1, 0600));
    CHECK(stat("written", &status) == 0);
    CHECK(status.st_mtim.tv_sec > 1600000000 && status.st_ctim.tv_sec >= changed);
    CHECK(mkdir("grown", 0700) == 0 && utimensat(AT_FDCWD, "grown", old, 0) == 0);
    CHECK(file_put("grown/child", "", 0, 0600));
    CHECK(stat("grown", &status) == 0);
    CHECK(status.st_mtim.tv_sec > 1600000000);
    return true;
}

static bool statfs_tells_of_the_file_system(void)
{
    struct statfs fs, again;
    int fd = open(".", O_RDONLY);

    CHECK(statfs(".", &fs) == 0);
    CHECK(fs.f_bsize >= 512 && fs.f_namelen >= 255 && fs.f_type != 0);
    CHECK(fs.f_bfree <= fs.f_blocks);
    CHECK(fstatfs(fd, &again) == 0);
    CHECK_EQ(again.f_type, fs.f_type);
    CHECK_FAILS(statfs("missing", &fs), ENOENT);
    close(fd);
    return true;
}

static bool at_calls_work_from_a_folder(void)
{
    char target[8];

    CHECK(mkdir("base", 0700) == 0);
    int base = open("base", O_RDONLY | O_DIRECTORY);
    int fd = openat(base, "file", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK(fstatat(base, "file", &status, 0) == 0 && S_ISREG(status.st_mode));
    CHECK(mkdirat(base, "sub", 0700) == 0);
    CHECK(symlinkat("file", base, "link") == 0);
    CHECK(fstatat(base, "link", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode));
    CHECK_EQ(readlinkat(base, "link", target, sizeof target), 4);
    CHECK(linkat(base, "file", base, "sub/hard", 0) == 0);
    CHECK(renameat(base, "sub/hard", base, "moved") == 0);
    CHECK(fchmodat(base, "moved", 0640, 0) == 0);
    CHECK(faccessat(base, "moved", R_OK, 0) == 0);
    CHECK_FAILS(unlinkat(base, "sub", 0), EISDIR);
    CHECK(unlinkat(base, "sub", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(base, "moved", 0) == 0);
    CHECK_FAILS(openat(999, "file", O_RDONLY), EBADF);
    fd = open("file", O_RDONLY);
    CHECK_FAILS(openat(fd, "file", O_RDONLY), ENOTDIR);
    CHECK(fstatat(fd, "", &status, AT_EMPTY_PATH) == 0 && S_ISREG(status.st_mode));
    close(fd);
    close(base);
    return true;
}

/* struct statx as <linux/stat.h> has it, as far as it is looked at here. */
struct extended {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, spare;
    uint64_t ino, size, blocks, attributes_mask;
    uint64_t times[8];
    uint32_t rdev[2], dev[2];
    uint64_t mount_id;
    uint64_t more[13];
};
enum { BASIC = 0x7ff, MOUNT_ID = 0x1000, IS_MOUNT_ROOT = 0x2000 };

static bool statx_tells_the_mount(void)
{
    struct extended of_file, of_proc;
    char text[512];
    int fd = open("x", O_RDWR | O_CREAT, 0640);

    CHECK_EQ(sizeof(struct extended), 256);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, BASIC | MOUNT_ID, &of_file), 0);
    CHECK_EQ(of_file.mask & (BASIC | MOUNT_ID), BASIC | MOUNT_ID);
    CHECK(of_file.size == 3 && (of_file.mode & 0777) == 0640 && of_file.links == 1);
    CHECK_EQ(of_file.attributes & IS_MOUNT_ROOT, 0);
    CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "/proc", 0, BASIC | MOUNT_ID, &of_proc), 0);
    CHECK(of_proc.attributes & of_proc.attributes_mask & IS_MOUNT_ROOT);
    CHECK(of_proc.mount_id != of_file.mount_id);
    snprintf(text, sizeof text, "/proc/self/fdinfo/%d", fd);
    CHECK(file_get(text, text, sizeof text) > 0);
    const char *id = strstr(text, "mnt_id:\t");
    unsigned long told = 0;
    CHECK(id != NULL && sscanf(id, "mnt_id:\t%lu", &told) == 1);
    CHECK_EQ(told, of_file.mount_id);
    close(fd);
    unlink("x");
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(types_are_told);
    TEST(size_links_and_blocks_are_told);
    TEST(inodes_differ);
    TEST(times_can_be_set);
    TEST(writing_moves_the_times_on);
    TEST(statfs_tells_of_the_file_system);
    TEST(at_calls_work_from_a_folder);
    TEST(statx_tells_the_mount);
    return tap_done();
}
