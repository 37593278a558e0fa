// SPDX-License-Identifier: MIT
/*
 * credentials.h - who asks: user and groups of a process, as every look-up and open checks them.
 *
 * proc/ owns them: they are counted, and never changed once they are somebody's. access(2) asks with a copy in
 * which the file-system ids are the real ones. User 0 may do everything; there are no single capabilities.
 */
#ifndef FS_CREDENTIALS_H
#define FS_CREDENTIALS_H

#include "lib/types.h"

/* See credentials(7).    Fields: (a) atomic  the rest: constant once shared */
struct credentials {
    _Atomic uint32_t references;    // (a) proc/'s
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    uint32_t group_count;
    const uint32_t *groups;         // supplementary ones, sorted or not
};

/* The kernel itself: all ids 0, no groups. */
extern const struct credentials kernel_credentials;

/* Whether files treat the asker as the superuser. */
static inline bool credentials_privileged(const struct credentials *credentials)
{
    return credentials->fsuid == 0;
}

/* Whether `gid` is the file-system gid or one of the supplementary groups. */
bool credentials_in_group(const struct credentials *credentials, uint32_t gid);

#endif
