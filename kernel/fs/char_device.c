// SPDX-License-Identifier: MIT
#include "fs/char_device.h"

#include "sync/spinlock.h"

// Drivers only ever join, at the end, so readers need no lock.
static struct list devices = LIST_INIT(devices);
static struct spinlock devices_lock = SPINLOCK_INIT("character devices", RANK_SUPERBLOCK);

void char_device_register(struct char_device *device)
{
    spin_lock(&devices_lock);
    list_add_tail(&devices, &device->link);
    spin_unlock(&devices_lock);
}

const struct char_device *char_device_find(device_t number)
{
    const struct char_device *device;

    list_for_each_entry(device, &devices, link) {
        if (device->major == device_major(number) && device_minor(number) - device->first_minor < device->minors)
            return device;
    }
    return NULL;
}

void char_devices_for_each(bool (*fn)(const struct char_device *device, void *arg), void *arg)
{
    const struct char_device *device;

    list_for_each_entry(device, &devices, link) {
        if (!fn(device, arg))
            return;
    }
}
