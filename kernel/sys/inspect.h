// SPDX-License-Identifier: MIT
/*
 * inspect.h - may the running process look into another one: at its memory, files, limits?
 */
#ifndef SYS_INSPECT_H
#define SYS_INSPECT_H

#include "lib/types.h"

struct process;

/* Linux's ptrace_may_access: the same user and group in every respect and dumpable, or the superuser; or itself. */
bool inspect_allowed(struct process *target);

/* Weaker, for calls that change scheduling or limits: one of the target's users is ours. */
bool inspect_same_user(struct process *target);

#endif
