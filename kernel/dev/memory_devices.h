// SPDX-License-Identifier: MIT
// memory_devices.h - /dev/null, zero, full (major 1) and /dev/kmsg.
#ifndef DEV_MEMORY_DEVICES_H
#define DEV_MEMORY_DEVICES_H

void memory_devices_init(void);
void kmsg_init(void);

#endif
