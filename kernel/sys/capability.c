// SPDX-License-Identifier: MIT
/*
 * capability.c - capabilities, as far as there are any: the superuser has all of Linux's, nobody else has one, and
 * the one way to give them up is another user id.
 */
#include <linux/capability.h>

#include "fs/credentials.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sys/syscall.h"

/* Sets come as words of 32 capabilities; only version 1 has one. */
#define WORDS_MAX 2

struct capability_sets {
    struct __user_cap_data_struct words[WORDS_MAX];
};

/* => how many words the caller's version has; 0: unknown, and it has been told ours; -EFAULT */
static int words_of(vaddr_t header, struct __user_cap_header_struct *out)
{
    if (copy_from_user(out, header, sizeof(*out)))
        return -EFAULT;
    switch (out->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        return 1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return 2;
    default:
        return put_user_u32(header, _LINUX_CAPABILITY_VERSION_3) ? -EFAULT : 0;
    }
}

static uint32_t all_of_word(int word)
{
    uint64_t all = (UINT64_C(2) << CAP_LAST_CAP) - 1;

    return (uint32_t)(all >> (32 * word));
}

/* What a process with that effective user has. */
static void sets_of_user(uint32_t uid, struct capability_sets *sets)
{
    for (int i = 0; i < WORDS_MAX; i++) {
        uint32_t all = uid ? 0 : all_of_word(i);

        sets->words[i] = (struct __user_cap_data_struct){.effective = all, .permitted = all};
    }
}

/* => 0, -ESRCH */
static int sets_of(pid_t pid, struct capability_sets *sets)
{
    struct process *process;

    if (!pid || pid == current_process()->id) {
        sets_of_user(current_credentials()->euid, sets);
        return 0;
    }
    process = process_find_by_tid(pid);
    if (!process)
        return -ESRCH;
    spin_lock(&process->lock);
    sets_of_user(process->credentials->euid, sets);
    spin_unlock(&process->lock);
    process_put(process);
    return 0;
}

SYSCALL2(capget, vaddr_t, header_address, vaddr_t, data)
{
    struct __user_cap_header_struct header;
    struct capability_sets sets;
    int words = words_of(header_address, &header), error;

    if (words <= 0)
        return words ? words : data ? -EINVAL : 0;
    if (header.pid < 0)
        return -EINVAL;
    error = sets_of(header.pid, &sets);
    if (error || !data)
        return error;
    return copy_to_user(data, sets.words, words * sizeof(sets.words[0]));
}

/* To have what one has is allowed; more or less is not. */
static int64_t set_same(const struct capability_sets *wanted, int words)
{
    struct capability_sets own;

    sets_of_user(current_credentials()->euid, &own);
    for (int i = 0; i < words; i++) {
        const struct __user_cap_data_struct *word = &wanted->words[i];
        uint32_t known = all_of_word(i);

        if ((word->effective & known) != own.words[i].effective || (word->permitted & known) != own.words[i].permitted
            || (word->inheritable & known))
            return -EPERM;
    }
    return 0;
}

SYSCALL2(capset, vaddr_t, header_address, vaddr_t, data)
{
    struct __user_cap_header_struct header;
    struct capability_sets wanted;
    int words = words_of(header_address, &header);

    if (words <= 0)
        return words ? words : -EINVAL;
    if (header.pid && header.pid != current_thread()->tid->number)
        return -EPERM;
    if (copy_from_user(wanted.words, data, words * sizeof(wanted.words[0])))
        return -EFAULT;
    return set_same(&wanted, words);
}
