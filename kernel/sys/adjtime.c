// SPDX-License-Identifier: MIT
/*
 * adjtime.c - the state of the wall clock, as adjtimex tells it: never steered by anyone. Steering it is not offered.
 */
#include <linux/time.h>
#include <linux/timex.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sys/clock.h"
#include "sys/syscall.h"

/* What Linux says of a clock that nothing has synchronised: sixteen seconds wrong, perhaps. */
#define ERROR_US 16000000
#define TOLERANCE (500ll << 16)     // parts per million of frequency
#define TIME_CONSTANT 2
#define TICK_US 10000

#define NS_PER_US 1000

static int64_t tell(vaddr_t address)
{
    uint64_t now = clock_realtime_ns();
    struct __kernel_timex timex = {
        .maxerror = ERROR_US,
        .esterror = ERROR_US,
        .status = STA_UNSYNC,
        .constant = TIME_CONSTANT,
        .precision = 1,
        .tolerance = TOLERANCE,
        .time = {(int64_t)(now / NS_PER_SECOND), (int64_t)(now % NS_PER_SECOND / NS_PER_US)},
        .tick = TICK_US,
    };

    return copy_to_user(address, &timex, sizeof(timex)) ? -EFAULT : TIME_ERROR;
}

static int64_t adjust(vaddr_t address)
{
    uint32_t modes;

    if (get_user_u32(&modes, address))
        return -EFAULT;
    if (modes && modes != ADJ_OFFSET_SS_READ)
        return credentials_is_root(current_credentials()) ? -EOPNOTSUPP : -EPERM;
    return tell(address);
}

SYSCALL1(adjtimex, vaddr_t, address)
{
    return adjust(address);
}

SYSCALL2(clock_adjtime, int, clock, vaddr_t, address)
{
    uint64_t ns;

    if (clock == CLOCK_REALTIME)
        return adjust(address);
    return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
}
