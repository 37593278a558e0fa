// SPDX-License-Identifier: MIT
#ifndef WATCH_SNAPSHOT_H
#define WATCH_SNAPSHOT_H

#include "options.h"

/* Write what the guest is now, in one of the formats. => exit status */
int snapshot_run(const struct options *options);

#endif
