// SPDX-License-Identifier: MIT
/*
 * syslog.h - the kernel's messages as text, for syslog(2) and /proc/kmsg.
 */
#ifndef SYS_SYSLOG_H
#define SYS_SYSLOG_H

#include "lib/log.h"
#include "lib/types.h"

/* "<6>[    0.123456] ", and the longest line with its end. */
#define SYSLOG_PREFIX_MAX 32
#define SYSLOG_RECORD_MAX (SYSLOG_PREFIX_MAX + LOG_LINE_MAX + 1)

/*
 * The first record from *sequence on, as a line in `text` of SYSLOG_RECORD_MAX bytes, and *sequence set behind it.
 *
 * => its length, 0 when there is none
 */
size_t syslog_record(uint64_t *sequence, char *text);

#endif
