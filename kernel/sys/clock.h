// SPDX-License-Identifier: MIT
/*
 * clock.h - the clocks of clock_gettime(2), and the ticks that old interfaces count in.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include "lib/types.h"

#define USER_HZ 100             // ticks per second in times(2) and /proc: sysconf(_SC_CLK_TCK)

/* The time of CLOCK_... in nanoseconds. => 0, -EINVAL */
__must_check int clock_read(int clock, uint64_t *ns);

/* Numbers that name a clock device, as on Linux; there is none here. */
static inline bool clock_is_dynamic(int clock)
{
    return clock < 0 && (clock & 7) == 3;
}

#endif
