// SPDX-License-Identifier: MIT
/*
 * cred.c - how user and group ids change. The rules are those of credentials(7) and the pages of each
 * call, without capabilities: root may.
 *
 * As on Linux, ids belong to threads (the C library makes a change in all of them). What others see of a
 * process are its leader's.
 */
#include "proc/cred.h"

#include <linux/stat.h>

#include <stdatomic.h>

#include "fs/credentials.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/pgrp.h"
#include "proc/process.h"

/* The four ids of one kind, user or group. */
struct ids {
    uint32_t real, effective, saved, fs;
};

const struct credentials *current_credentials(void)
{
    return current_thread()->credentials;
}

struct credentials *credentials_get(struct credentials *credentials)
{
    if (credentials != NULL)
        atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
    return credentials;
}

void credentials_put(struct credentials *credentials)
{
    if (credentials != NULL
        && atomic_fetch_sub_explicit(&credentials->references, 1, memory_order_acq_rel) == 1)
        slab_free(credentials);
}

bool credentials_is_root(const struct credentials *credentials)
{
    return credentials->euid == 0;
}

/* Credentials with room for the groups, which lie behind them. => NULL when there is no memory */
static struct credentials *credentials_alloc(const uint32_t *groups, uint32_t count)
{
    struct credentials *new = slab_zalloc(sizeof(*new) + count * sizeof(groups[0]));
    uint32_t *copy;

    if (new == NULL)
        return NULL;
    copy = (uint32_t *)(new + 1);
    if (count > 0)
        memcpy(copy, groups, count * sizeof(groups[0]));
    atomic_init(&new->references, 1);
    new->groups = copy;
    new->group_count = count;
    return new;
}

struct credentials *credentials_create_root(void)
{
    return credentials_alloc(NULL, 0);
}

static struct ids user_ids(const struct credentials *who)
{
    return (struct ids){who->uid, who->euid, who->suid, who->fsuid};
}

static struct ids group_ids(const struct credentials *who)
{
    return (struct ids){who->gid, who->egid, who->sgid, who->fsgid};
}

static void set_user_ids(struct credentials *who, const struct ids *ids)
{
    who->uid = ids->real;
    who->euid = ids->effective;
    who->suid = ids->saved;
    who->fsuid = ids->fs;
}

static void set_group_ids(struct credentials *who, const struct ids *ids)
{
    who->gid = ids->real;
    who->egid = ids->effective;
    who->sgid = ids->saved;
    who->fsgid = ids->fs;
}

/* A copy of the running thread's, with other ids and groups. */
static struct credentials *credentials_change(const struct ids *user, const struct ids *group,
                                              const uint32_t *groups, uint32_t count)
{
    struct credentials *new = credentials_alloc(groups, count);

    if (new == NULL)
        return NULL;
    set_user_ids(new, user);
    set_group_ids(new, group);
    return new;
}

void credentials_commit(struct credentials *credentials)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    struct credentials *old = thread->credentials;
    struct credentials *leaders = NULL;

    spin_lock(&process->lock);
    thread->credentials = credentials;
    if (thread->tid == process->pid) {
        leaders = process->credentials;
        process->credentials = credentials_get(credentials);
        process->uid = credentials->uid;
    }
    spin_unlock(&process->lock);
    credentials_put(old);
    credentials_put(leaders);
}

/* Replace the user ids, or the group ids. => 0 or -ENOMEM */
static int commit_ids(const struct ids *user, const struct ids *group)
{
    const struct credentials *old = current_credentials();
    struct credentials *new = credentials_change(user, group, old->groups, old->group_count);

    if (new == NULL)
        return -ENOMEM;
    credentials_commit(new);
    return 0;
}

static int commit_user(const struct ids *user)
{
    struct ids group = group_ids(current_credentials());

    return commit_ids(user, &group);
}

static int commit_group(const struct ids *group)
{
    struct ids user = user_ids(current_credentials());

    return commit_ids(&user, group);
}

static bool is_real_effective_or_saved(const struct ids *ids, uint32_t id)
{
    return id == ids->real || id == ids->effective || id == ids->saved;
}

/* setuid, setgid. */
static int set_one(struct ids *ids, uint32_t id)
{
    if (credentials_is_root(current_credentials())) {
        *ids = (struct ids){id, id, id, id};
        return 0;
    }
    if (id != ids->real && id != ids->saved)
        return -EPERM;
    ids->effective = id;
    ids->fs = id;
    return 0;
}

/* setreuid, setregid. */
static int set_two(struct ids *ids, uint32_t real, uint32_t effective)
{
    struct ids old = *ids;

    if (!credentials_is_root(current_credentials())) {
        if (real != ID_SAME && real != old.real && real != old.effective)
            return -EPERM;
        if (effective != ID_SAME && !is_real_effective_or_saved(&old, effective))
            return -EPERM;
    }
    if (real != ID_SAME)
        ids->real = real;
    if (effective != ID_SAME)
        ids->effective = effective;
    if (real != ID_SAME || (effective != ID_SAME && effective != old.real))
        ids->saved = ids->effective;
    ids->fs = ids->effective;
    return 0;
}

/* setresuid, setresgid. */
static int set_three(struct ids *ids, const uint32_t wanted[3])
{
    uint32_t *targets[3] = {&ids->real, &ids->effective, &ids->saved};
    struct ids old = *ids;

    for (int i = 0; i < 3; i++) {
        if (wanted[i] == ID_SAME)
            continue;
        if (!credentials_is_root(current_credentials()) && !is_real_effective_or_saved(&old, wanted[i]))
            return -EPERM;
        *targets[i] = wanted[i];
    }
    ids->fs = ids->effective;
    return 0;
}

int credentials_setuid(uint32_t uid)
{
    struct ids ids = user_ids(current_credentials());
    int error = uid == ID_SAME ? -EINVAL : set_one(&ids, uid);

    return error != 0 ? error : commit_user(&ids);
}

int credentials_setgid(uint32_t gid)
{
    struct ids ids = group_ids(current_credentials());
    int error = gid == ID_SAME ? -EINVAL : set_one(&ids, gid);

    return error != 0 ? error : commit_group(&ids);
}

int credentials_setreuid(uint32_t real, uint32_t effective)
{
    struct ids ids = user_ids(current_credentials());
    int error = set_two(&ids, real, effective);

    return error != 0 ? error : commit_user(&ids);
}

int credentials_setregid(uint32_t real, uint32_t effective)
{
    struct ids ids = group_ids(current_credentials());
    int error = set_two(&ids, real, effective);

    return error != 0 ? error : commit_group(&ids);
}

int credentials_setresuid(uint32_t real, uint32_t effective, uint32_t saved)
{
    struct ids ids = user_ids(current_credentials());
    int error = set_three(&ids, (uint32_t[]){real, effective, saved});

    return error != 0 ? error : commit_user(&ids);
}

int credentials_setresgid(uint32_t real, uint32_t effective, uint32_t saved)
{
    struct ids ids = group_ids(current_credentials());
    int error = set_three(&ids, (uint32_t[]){real, effective, saved});

    return error != 0 ? error : commit_group(&ids);
}

/* setfsuid, setfsgid: errors are silent, and so is a lack of memory. */
static bool may_set_fs(const struct ids *ids, uint32_t id)
{
    return id != ID_SAME && id != ids->fs
           && (credentials_is_root(current_credentials()) || is_real_effective_or_saved(ids, id));
}

uint32_t credentials_setfsuid(uint32_t uid)
{
    struct ids ids = user_ids(current_credentials());
    uint32_t old = ids.fs;

    if (!may_set_fs(&ids, uid))
        return old;
    ids.fs = uid;
    return commit_user(&ids) == 0 ? old : ids.real;
}

uint32_t credentials_setfsgid(uint32_t gid)
{
    struct ids ids = group_ids(current_credentials());
    uint32_t old = ids.fs;

    if (!may_set_fs(&ids, gid))
        return old;
    ids.fs = gid;
    return commit_group(&ids) == 0 ? old : ids.real;
}

int credentials_setgroups(const uint32_t *groups, uint32_t count)
{
    const struct credentials *old = current_credentials();
    struct ids user = user_ids(old);
    struct ids group = group_ids(old);
    struct credentials *new;

    if (!credentials_is_root(old))
        return -EPERM;
    if (count > GROUPS_MAX)
        return -EINVAL;
    new = credentials_change(&user, &group, groups, count);
    if (new == NULL)
        return -ENOMEM;
    credentials_commit(new);
    return 0;
}

/* The ids that a program starts with: only the effective ones survive, or those of a set-id file. */
static void exec_ids(struct ids *ids, bool set, uint32_t owner)
{
    if (set)
        ids->effective = owner;
    ids->saved = ids->effective;
    ids->fs = ids->effective;
}

static bool ids_equal(const struct ids *a, const struct ids *b)
{
    return a->effective == b->effective && a->saved == b->saved && a->fs == b->fs;
}

int credentials_for_exec(struct inode *program, bool ignore_setid, struct credentials **out, bool *secure)
{
    struct credentials *old = current_thread()->credentials;
    struct ids user = user_ids(old), old_user = user;
    struct ids group = group_ids(old), old_group = group;
    uint32_t mode = ignore_setid ? 0 : program->mode;

    exec_ids(&user, mode & S_ISUID, program->uid);
    // Set-gid without group execute marked mandatory locking once, and still does not set the group.
    exec_ids(&group, (mode & S_ISGID) && (mode & S_IXGRP), program->gid);
    *secure = user.real != user.effective || group.real != group.effective;
    if (ids_equal(&user, &old_user) && ids_equal(&group, &old_group))
        *out = credentials_get(old);
    else
        *out = credentials_change(&user, &group, old->groups, old->group_count);
    return *out == NULL ? -ENOMEM : 0;
}

static bool same_session(struct process *a, struct process *b)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    bool same = a->session == b->session;

    spin_unlock_irq(&process_tree, flags);
    return same;
}

bool credentials_may_signal(struct process *target, int sig)
{
    const struct credentials *own = current_credentials();
    uint32_t uid, suid;

    if (credentials_is_root(own) || target == current_process())
        return true;
    spin_lock(&target->lock);
    uid = target->credentials->uid;
    suid = target->credentials->suid;
    spin_unlock(&target->lock);
    if (own->euid == suid || own->euid == uid || own->uid == suid || own->uid == uid)
        return true;
    return sig == SIGCONT && same_session(target, current_process());
}
