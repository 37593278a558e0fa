// SPDX-License-Identifier: MIT
/*
 * missing.h - system calls that programs asked for and did not get.
 */
#ifndef SYS_MISSING_H
#define SYS_MISSING_H

#include "lib/types.h"

/* One program's wish for one call. */
struct missing_call {
    uint32_t number;    // its low half, as Linux takes it
    uint32_t count;
    char program[16];
};

/*
 * Count one more call of `number`, which does not exist, by the current program.
 *
 * => -ENOSYS, always, for the caller to return
 */
int64_t missing_count(uint64_t number);

/*
 * Read the `index`th record, in the order of first wishes.
 *
 * => false when there are no more
 */
bool missing_get(unsigned index, struct missing_call *call);

#endif
