// SPDX-License-Identifier: MIT
/*
 * msg.h - System V message queues, as /proc shows them.
 */
#ifndef SYS_MSG_H
#define SYS_MSG_H

#include <linux/msg.h>

#include "lib/types.h"

/* What is known of the first queue whose index is at least `index`. => its index, or -1: there is none */
int msg_tell_from(int index, struct msqid64_ds *out, int *id);

#endif
