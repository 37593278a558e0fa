// SPDX-License-Identifier: MIT
/*
 * devpts_options.h - what mount(8) may say of a devpts: uid, gid, mode, ptmxmode, max, newinstance.
 */
#ifndef DEV_DEVPTS_OPTIONS_H
#define DEV_DEVPTS_OPTIONS_H

#include "lib/types.h"

struct devpts_options {
    bool has_uid, has_gid;              // else a node belongs to who opened ptmx
    uint32_t uid, gid;
    uint32_t mode;                      // of nodes
    uint32_t ptmx_mode;                 // of the node "ptmx"
    uint32_t max;                       // numbers are below this
};

// Parse "gid=5,mode=620"; defaults: 0600 for nodes, 0 for ptmx. `text` may be NULL. => 0, -EINVAL
int devpts_options_parse(const char *text, struct devpts_options *options) __must_check;

// As /proc/mounts shows them, each with a leading comma.
void devpts_options_show(const struct devpts_options *options, char *buffer, size_t size);

#endif
