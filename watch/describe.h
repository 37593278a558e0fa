// SPDX-License-Identifier: MIT
/*
 * describe.h - a picture as text, and one address space of it as a drawing: for `./gaur snapshot`.
 */
#ifndef WATCH_DESCRIBE_H
#define WATCH_DESCRIBE_H

#include "message.h"

/* pid: 0, or the one process that is told, with its pages. */
void describe_text(struct text *text, const struct about *about, const struct picture *picture, int pid);
void describe_svg(struct text *text, const struct about *about, const struct picture *picture, int pid);

/* The process with that number; 0: the first one but init. NULL: there is none that has an address space */
const struct mirror_process *describe_process(const struct picture *picture, int pid);

#endif
