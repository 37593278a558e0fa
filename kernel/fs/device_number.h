// SPDX-License-Identifier: MIT
/*
 * device_number.h - major and minor of a device in one number, in the form that stat(2) and mknod(2) use
 * (new_encode_dev in Linux): minor bits 0..7, major in bits 8..19, the rest of minor from bit 20.
 */
#ifndef FS_DEVICE_NUMBER_H
#define FS_DEVICE_NUMBER_H

#include "lib/types.h"

typedef uint32_t device_t;

static inline device_t device_make(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

static inline uint32_t device_major(device_t device)
{
    return device >> 8 & 0xfff;
}

static inline uint32_t device_minor(device_t device)
{
    return (device & 0xff) | (device >> 12 & 0xfff00);
}

#endif
