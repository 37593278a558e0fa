// SPDX-License-Identifier: MIT
/*
 * timerfd.h - timerfd_create(2): a timer whose expirations are read.
 */
#ifndef FS_TIMERFD_H
#define FS_TIMERFD_H

#include "fs/file.h"
#include "sync/alarm.h"

// `wall`: by the wall clock. `flags`: TFD_NONBLOCK counts. => 0, -ENOMEM
int timerfd_create(bool wall, unsigned flags, struct file **out) __must_check;

bool file_is_timerfd(const struct file *file);

// timerfd_settime(2), with its TFD_TIMER_* flags; timerfd_gettime(2). => `file` is one
void timerfd_set(struct file *file, const struct alarm_setting *setting, unsigned flags, struct alarm_setting *old);
void timerfd_get(struct file *file, struct alarm_setting *out);

#endif
