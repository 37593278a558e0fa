// SPDX-License-Identifier: MIT
#ifndef WATCH_REPLAY_H
#define WATCH_REPLAY_H

#include "options.h"

/* Serve the page and a recording, without a guest, until the launcher has enough. => exit status */
int replay_run(const struct options *options);

#endif
