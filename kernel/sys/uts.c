// SPDX-License-Identifier: MIT
#include "sys/uts.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sync/spinlock.h"
#include "sys/syscall.h"

static struct spinlock uts_lock = SPINLOCK_INIT("host name", RANK_CREDENTIALS);
static char hostname[__NEW_UTS_LEN + 1] = "gaur";           // under uts_lock
static char domainname[__NEW_UTS_LEN + 1] = "(none)";       // under uts_lock

static void name_copy(char *to, const char *from)
{
    spin_lock(&uts_lock);
    memcpy(to, from, __NEW_UTS_LEN + 1);
    spin_unlock(&uts_lock);
}

static int name_set(char *name, const char *from, size_t size)
{
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (size > __NEW_UTS_LEN)
        return -EINVAL;
    spin_lock(&uts_lock);
    memset(name, 0, __NEW_UTS_LEN + 1);
    memcpy(name, from, size);
    spin_unlock(&uts_lock);
    return 0;
}

void uts_hostname(char out[__NEW_UTS_LEN + 1])
{
    name_copy(out, hostname);
}

void uts_domainname(char out[__NEW_UTS_LEN + 1])
{
    name_copy(out, domainname);
}

int uts_set_hostname(const char *name, size_t size)
{
    return name_set(hostname, name, size);
}

int uts_set_domainname(const char *name, size_t size)
{
    return name_set(domainname, name, size);
}

/* The six names, in their order in struct new_utsname, each in __NEW_UTS_LEN + 1 bytes. */
SYSCALL1(uname, vaddr_t, address)
{
    static const char *const fixed[] = {UTS_SYSNAME, NULL, UTS_RELEASE, UTS_VERSION, UTS_MACHINE, NULL};
    char name[__NEW_UTS_LEN + 1];

    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
        memset(name, 0, sizeof(name));
        if (fixed[i])
            strlcpy(name, fixed[i], sizeof(name));
        else
            name_copy(name, i == 1 ? hostname : domainname);
        if (copy_to_user(address + i * sizeof(name), name, sizeof(name)))
            return -EFAULT;
    }
    return 0;
}

static int64_t set_from_user(char *name, vaddr_t address, int size)
{
    char copy[__NEW_UTS_LEN];

    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (size < 0 || size > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(copy, address, size))
        return -EFAULT;
    return name_set(name, copy, size);
}

SYSCALL2(sethostname, vaddr_t, address, int, size)
{
    return set_from_user(hostname, address, size);
}

SYSCALL2(setdomainname, vaddr_t, address, int, size)
{
    return set_from_user(domainname, address, size);
}
