// SPDX-License-Identifier: MIT
/*
 * watch_layout.h - where the structures have their fields that the viewer (watch/) reads from outside.
 *
 * The viewer is linked with the same file, and compares its numbers with those in the guest's memory: so it does not take a kernel that
 * was built from other sources for its own.
 */
#ifndef WATCH_LAYOUT_H
#define WATCH_LAYOUT_H

#include "lib/types.h"

#define WATCH_LAYOUT_WORDS 56

extern const uint16_t watch_layout[WATCH_LAYOUT_WORDS];

#endif
