// SPDX-License-Identifier: MIT
/*
 * char_device.h - which driver serves a character device: by major and a range of minors.
 */
#ifndef FS_CHAR_DEVICE_H
#define FS_CHAR_DEVICE_H

#include "fs/device_number.h"
#include "fs/file.h"
#include "lib/list.h"

struct char_device {
    const char *name;                   // of the driver, for /proc/devices ("mem", "tty")
    uint32_t major;
    uint32_t first_minor, minors;       // [first_minor, first_minor + minors)
    const struct file_ops *ops;
    struct list link;
};

// Serve these numbers from now on; `device` must stay. And make a node in devtmpfs: device_create_node.
void char_device_register(struct char_device *device);

// The driver for a number, or NULL: opening it is -ENXIO.
const struct char_device *char_device_find(device_t number);

// Call `fn` for each driver until it returns false.
void char_devices_for_each(bool (*fn)(const struct char_device *device, void *arg), void *arg);

#endif
