// SPDX-License-Identifier: MIT
/* log_lock.h - the lock around the log, which lib/ cannot have by itself. */
#ifndef SYNC_LOG_LOCK_H
#define SYNC_LOG_LOCK_H

/* => once, before a second CPU or an interrupt may print */
void log_lock_init(void);

#endif
