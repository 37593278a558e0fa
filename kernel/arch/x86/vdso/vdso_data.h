// SPDX-License-Identifier: MIT
/*
 * vdso_data.h - the page [vvar]: what the kernel tells the code in [vdso], which runs in user mode.
 */
#ifndef GAUR_ARCH_VDSO_DATA_H
#define GAUR_ARCH_VDSO_DATA_H

#include <stdatomic.h>

#include "lib/types.h"

/*
 * The clocks of time.c: ns = (counter - tsc_start) * ns_per_tick / 2^32.
 * A reader tries again if the sequence was odd (a change is under way) or is another one afterwards.
 */
struct vdso_data {
    _Atomic uint32_t sequence;
    _Atomic uint32_t usable;            // 0: the counters are not to be trusted; the kernel is asked instead
    _Atomic uint64_t tsc_start;
    _Atomic uint64_t ns_per_tick;
    _Atomic uint64_t realtime_offset;   // of the clock since 1970 to the one since boot
};

#endif
