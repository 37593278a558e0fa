// SPDX-License-Identifier: MIT
/*
 * rtc.h - the battery-backed clock.
 */
#ifndef GAUR_ARCH_RTC_H
#define GAUR_ARCH_RTC_H

#include "lib/types.h"

/* Seconds since 1970, the chip keeping UTC. */
uint64_t rtc_read(void);

#endif
