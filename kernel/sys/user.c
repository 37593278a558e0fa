// SPDX-License-Identifier: MIT
/*
 * user.c - user and group ids.
 */
#include <linux/limits.h>

#include "fs/credentials.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sys/buffer.h"
#include "sys/syscall.h"

SYSCALL0(getuid)
{
    return current_credentials()->uid;
}

SYSCALL0(geteuid)
{
    return current_credentials()->euid;
}

SYSCALL0(getgid)
{
    return current_credentials()->gid;
}

SYSCALL0(getegid)
{
    return current_credentials()->egid;
}

SYSCALL1(setuid, uint32_t, uid)
{
    return credentials_setuid(uid);
}

SYSCALL1(setgid, uint32_t, gid)
{
    return credentials_setgid(gid);
}

SYSCALL2(setreuid, uint32_t, real, uint32_t, effective)
{
    return credentials_setreuid(real, effective);
}

SYSCALL2(setregid, uint32_t, real, uint32_t, effective)
{
    return credentials_setregid(real, effective);
}

SYSCALL3(setresuid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return credentials_setresuid(real, effective, saved);
}

SYSCALL3(setresgid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return credentials_setresgid(real, effective, saved);
}

static int64_t put_three(vaddr_t to[3], const uint32_t ids[3])
{
    for (int i = 0; i < 3; i++)
        if (put_user_u32(to[i], ids[i]))
            return -EFAULT;
    return 0;
}

SYSCALL3(getresuid, vaddr_t, real, vaddr_t, effective, vaddr_t, saved)
{
    const struct credentials *own = current_credentials();

    return put_three((vaddr_t[]){real, effective, saved}, (uint32_t[]){own->uid, own->euid, own->suid});
}

SYSCALL3(getresgid, vaddr_t, real, vaddr_t, effective, vaddr_t, saved)
{
    const struct credentials *own = current_credentials();

    return put_three((vaddr_t[]){real, effective, saved}, (uint32_t[]){own->gid, own->egid, own->sgid});
}

SYSCALL1(setfsuid, uint32_t, uid)
{
    return credentials_setfsuid(uid);
}

SYSCALL1(setfsgid, uint32_t, gid)
{
    return credentials_setfsgid(gid);
}

SYSCALL2(getgroups, int, size, vaddr_t, list)
{
    const struct credentials *own = current_credentials();

    if (size < 0 || (size && (uint32_t)size < own->group_count))
        return -EINVAL;
    if (size && copy_to_user(list, own->groups, own->group_count * sizeof(own->groups[0])))
        return -EFAULT;
    return own->group_count;
}

SYSCALL2(setgroups, int, count, vaddr_t, list)
{
    size_t size = (size_t)count * sizeof(uint32_t);
    uint32_t *groups;
    int64_t result;

    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (count < 0 || count > NGROUPS_MAX)
        return -EINVAL;
    groups = buffer_alloc(size);
    if (!groups)
        return -ENOMEM;
    result = copy_from_user(groups, list, size);
    if (!result)
        result = credentials_setgroups(groups, count);
    buffer_free(groups, size);
    return result;
}
