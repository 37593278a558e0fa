// SPDX-License-Identifier: MIT
/*
 * xattr.c - extended attributes where a file system has none: on /proc, here and on Linux.
 */
#include "tap.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char file[] = "/proc/self/status";
static char value[16];

static bool attributes_are_not_supported(void)
{
    int fd = open(file, O_RDONLY);

    CHECK_FAILS(getxattr(file, "user.a", value, sizeof value), EOPNOTSUPP);
    CHECK_FAILS(lgetxattr(file, "user.a", value, sizeof value), EOPNOTSUPP);
    CHECK_FAILS(fgetxattr(fd, "user.a", value, sizeof value), EOPNOTSUPP);
    CHECK_FAILS(setxattr(file, "user.a", value, 1, 0), EOPNOTSUPP);
    CHECK_FAILS(lsetxattr(file, "user.a", value, 1, XATTR_CREATE), EOPNOTSUPP);
    CHECK_FAILS(fsetxattr(fd, "user.a", value, 1, XATTR_REPLACE), EOPNOTSUPP);
    CHECK_FAILS(removexattr(file, "user.a"), EOPNOTSUPP);
    CHECK_FAILS(lremovexattr(file, "user.a"), EOPNOTSUPP);
    CHECK_FAILS(fremovexattr(fd, "user.a"), EOPNOTSUPP);
    close(fd);
    return true;
}

static bool list_is_empty(void)
{
    int fd = open(file, O_RDONLY);

    CHECK_EQ(listxattr(file, value, sizeof value), 0);
    CHECK_EQ(llistxattr(file, NULL, 0), 0);
    CHECK_EQ(flistxattr(fd, value, sizeof value), 0);
    close(fd);
    return true;
}

static bool arguments_are_checked_first(void)
{
    char name[300];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_FAILS(getxattr("/proc/self/nothing", "user.a", value, 1), ENOENT);
    CHECK_FAILS(listxattr("/proc/self/nothing", value, 1), ENOENT);
    CHECK_FAILS(fgetxattr(-1, "user.a", value, 1), EBADF);
    CHECK_FAILS(getxattr(file, "", value, 1), ERANGE);
    CHECK_FAILS(getxattr(file, name, value, 1), ERANGE);
    CHECK_FAILS(getxattr(file, (char *)8, value, 1), EFAULT);
    CHECK_FAILS(setxattr(file, "user.a", value, 1, 8), EINVAL);
    CHECK_FAILS(setxattr(file, "user.a", value, 70000, 0), E2BIG);
    return true;
}

int main(void)
{
    TEST(attributes_are_not_supported);
    TEST(list_is_empty);
    TEST(arguments_are_checked_first);
    return tap_done();
}
