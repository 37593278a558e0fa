// SPDX-License-Identifier: MIT
#include "sys/inspect.h"

#include "fs/credentials.h"
#include "proc/cred.h"
#include "proc/process.h"

static bool all_ids_match(const struct credentials *own, const struct credentials *target)
{
    return own->fsuid == target->uid && own->fsuid == target->euid && own->fsuid == target->suid &&
           own->fsgid == target->gid && own->fsgid == target->egid && own->fsgid == target->sgid;
}

bool inspect_allowed(struct process *target)
{
    const struct credentials *own = current_credentials();
    bool allowed;

    if (target == current_process() || credentials_privileged(own))
        return true;
    spin_lock(&target->lock);
    allowed = all_ids_match(own, target->credentials) && !target->not_dumpable;
    spin_unlock(&target->lock);
    return allowed;
}

bool inspect_same_user(struct process *target)
{
    const struct credentials *own = current_credentials();
    bool same;

    if (target == current_process() || credentials_is_root(own))
        return true;
    spin_lock(&target->lock);
    same = own->euid == target->credentials->uid || own->euid == target->credentials->euid;
    spin_unlock(&target->lock);
    return same;
}
