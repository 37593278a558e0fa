// SPDX-License-Identifier: MIT
/*
 * live.h - a guest that runs, shown to pages and recorded while it does.
 */
#ifndef WATCH_LIVE_H
#define WATCH_LIVE_H

#include "options.h"

/* => exit status */
int live_run(const struct options *options);

#endif
