// SPDX-License-Identifier: MIT
/*
 * openat2.c - open with a leash: not above the start, not through links, not to another mount.
 */
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As <linux/openat2.h> has them. */
struct how {
    uint64_t flags, mode, resolve;
};
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32 };

static int open_how(int dir, const char *name, const struct how *how, size_t size)
{
    return syscall(SYS_openat2, dir, name, how, size);
}

static int resolve(int dir, const char *name, uint64_t flags)
{
    struct how how = {.flags = O_RDONLY, .resolve = flags};

    return open_how(dir, name, &how, sizeof how);
}

/* The number of bytes in the file that is found, or -1; each file here has another length. */
static int found(int dir, const char *name, uint64_t flags)
{
    struct stat status;
    int fd = resolve(dir, name, flags);

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) != 0)
        return -2;
    close(fd);
    return S_ISDIR(status.st_mode) ? 0 : status.st_size;
}

static int dir;

/* outer (1 byte) and dir/{inner (2), sub/deep (3), up -> ../outer, abs -> /outer, here -> inner} */
static bool make(void)
{
    CHECK(file_put("outer", "1", 1, 0600));
    CHECK(mkdir("dir", 0700) == 0 && mkdir("dir/sub", 0700) == 0);
    CHECK(file_put("dir/inner", "22", 2, 0600));
    CHECK(file_put("dir/sub/deep", "333", 3, 0600));
    CHECK(symlink("../outer", "dir/up") == 0);
    CHECK(symlink("/inner", "dir/abs") == 0);
    CHECK(symlink("inner", "dir/here") == 0);
    dir = open("dir", O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
    return true;
}

static bool without_a_leash_it_is_openat(void)
{
    struct how how = {.flags = O_CREAT | O_RDWR | O_CLOEXEC, .mode = 0640};
    struct stat status;

    umask(022);
    CHECK_EQ(found(dir, "inner", 0), 2);
    CHECK_EQ(found(dir, "up", 0), 1);
    int fd = open_how(dir, "made", &how, sizeof how);
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    CHECK_EQ(status.st_mode & 0777, 0640);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    return true;
}

static bool beneath_never_leaves_the_start(void)
{
    CHECK_EQ(found(dir, "inner", BENEATH), 2);
    CHECK_EQ(found(dir, "sub/../inner", BENEATH), 2);
    CHECK_EQ(found(dir, "here", BENEATH), 2);
    CHECK_FAILS(resolve(dir, "..", BENEATH), EXDEV);
    CHECK_FAILS(resolve(dir, "sub/../../outer", BENEATH), EXDEV);
    CHECK_FAILS(resolve(dir, "up", BENEATH), EXDEV);
    CHECK_FAILS(resolve(dir, "abs", BENEATH), EXDEV);
    CHECK_FAILS(resolve(dir, "/inner", BENEATH), EXDEV);
    return true;
}

static bool in_root_takes_the_start_for_the_root(void)
{
    CHECK_EQ(found(dir, "/inner", IN_ROOT), 2);
    CHECK_EQ(found(dir, "abs", IN_ROOT), 2);
    CHECK_EQ(found(dir, "../../sub/../../inner", IN_ROOT), 2);
    CHECK_EQ(found(dir, "/", IN_ROOT), 0);
    CHECK_FAILS(resolve(dir, "up", IN_ROOT), ENOENT);
    return true;
}

static bool links_can_be_refused(void)
{
    CHECK_FAILS(resolve(dir, "here", NO_SYMLINKS), ELOOP);
    CHECK_FAILS(resolve(AT_FDCWD, "/proc/self/status", NO_SYMLINKS), ELOOP);
    CHECK_EQ(found(dir, "sub/deep", NO_SYMLINKS), 3);
    CHECK_FAILS(resolve(AT_FDCWD, "/proc/self/exe", NO_MAGICLINKS), ELOOP);
    CHECK_EQ(found(dir, "here", NO_MAGICLINKS), 2);
    int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
    CHECK_FAILS(resolve(self, "exe", BENEATH), EXDEV);
    CHECK_FAILS(resolve(self, "cwd/outer", IN_ROOT), EXDEV);
    close(self);
    return true;
}

static bool other_mounts_can_be_refused(void)
{
    CHECK_FAILS(resolve(AT_FDCWD, "/proc/self/status", NO_XDEV), EXDEV);
    CHECK_EQ(found(dir, "sub/deep", NO_XDEV), 3);
    CHECK_EQ(found(dir, "../outer", NO_XDEV), 1);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    CHECK_FAILS(resolve(proc, "..", NO_XDEV), EXDEV);
    close(proc);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    struct how how = {0};
    struct {
        struct how how;
        uint64_t more;
    } longer = {.more = 0};

    CHECK_FAILS(open_how(dir, "inner", &how, sizeof how - 1), EINVAL);
    int fd = open_how(dir, "inner", &longer.how, sizeof longer);
    CHECK(fd >= 0);
    close(fd);
    longer.more = 1;
    CHECK_FAILS(open_how(dir, "inner", &longer.how, sizeof longer), E2BIG);
    CHECK_FAILS(open_how(dir, "inner", &how, PAGE + 8), E2BIG);
    CHECK_FAILS(open_how(dir, "inner", (void *)8, sizeof how), EFAULT);
    how = (struct how){.mode = 0600};
    CHECK_FAILS(open_how(dir, "inner", &how, sizeof how), EINVAL);
    how = (struct how){.flags = UINT64_C(1) << 40};
    CHECK_FAILS(open_how(dir, "inner", &how, sizeof how), EINVAL);
    how = (struct how){.flags = O_PATH | O_RDWR};
    CHECK_FAILS(open_how(dir, "inner", &how, sizeof how), EINVAL);
    how = (struct how){.flags = O_CREAT | O_RDWR, .mode = 010000};
    CHECK_FAILS(open_how(dir, "inner", &how, sizeof how), EINVAL);
    CHECK_FAILS(resolve(dir, "inner", BENEATH | IN_ROOT), EINVAL);
    CHECK_FAILS(resolve(dir, "inner", 0x100), EINVAL);
    how = (struct how){.flags = O_CREAT | O_RDWR, .mode = 0600, .resolve = CACHED};
    CHECK_FAILS(open_how(dir, "new", &how, sizeof how), EAGAIN);
    return true;
}

int main(void)
{
    if (!scratch_enter() || !make())
        return tap_done();
    TEST(without_a_leash_it_is_openat);
    TEST(beneath_never_leaves_the_start);
    TEST(in_root_takes_the_start_for_the_root);
    TEST(links_can_be_refused);
    TEST(other_mounts_can_be_refused);
    TEST(bad_arguments_are_refused);
    close(dir);
    return tap_done();
}
