// SPDX-License-Identifier: MIT
/*
 * pci.c - virtio devices on the PCI bus. Source: virtio specification 1.1, 4.1.
 *
 * Capabilities tell in which memory the registers are. It interrupts by message 0 for all that it has to say.
 */
#include "dev/pci.h"

#include "arch/x86/io.h"
#include "arch/x86/layout.h"
#include "dev/virtio/virtio.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"

/* Device ids: 0x1040 + type; or, of devices that older drivers may drive as well, from 0x1000 on. 4.1.2. */
#define ID_MODERN    0x1040
#define ID_OLD_BLOCK 0x1001

/* Of a capability: 4.1.4. */
#define CAP_TYPE       3
#define CAP_BAR        4
#define CAP_OFFSET     8
#define CAP_MULTIPLIER 16 // of notify

enum { TYPE_COMMON = 1, TYPE_NOTIFY = 2, TYPE_CONFIG = 4 };

/* The common registers: 4.1.4.3. */
#define FEATURE_SELECT 0x00
#define FEATURE        0x04
#define ACCEPT_SELECT  0x08
#define ACCEPT         0x0c
#define CONFIG_MESSAGE 0x10
#define STATUS         0x14
#define QUEUE_SELECT   0x16
#define QUEUE_SIZE     0x18
#define QUEUE_MESSAGE  0x1a
#define QUEUE_ENABLE   0x1c
#define QUEUE_NOTIFY   0x1e // as offset, times the multiplier
#define QUEUE_RING     0x20
#define QUEUE_OFFERED  0x28
#define QUEUE_USED     0x30
#define COMMON_SIZE    0x38
#define CONFIG_SIZE    0x18 // what we read of a disk's

static uint8_t status(struct virtio_device *device)
{
    return mmio_read8(device->common + STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    mmio_write8(device->common + STATUS, status);
}

static uint32_t features(struct virtio_device *device, uint32_t half)
{
    mmio_write32(device->common + FEATURE_SELECT, half);
    return mmio_read32(device->common + FEATURE);
}

static void accept(struct virtio_device *device, uint32_t half, uint32_t features)
{
    mmio_write32(device->common + ACCEPT_SELECT, half);
    mmio_write32(device->common + ACCEPT, features);
}

static uint32_t config(struct virtio_device *device, unsigned offset)
{
    return mmio_read32(device->config + offset);
}

static uint16_t queue_max(struct virtio_device *device)
{
    mmio_write16(device->common + QUEUE_SELECT, 0);
    return mmio_read16(device->common + QUEUE_SIZE);
}

static void set_address(struct virtio_device *device, unsigned reg, const volatile void *part)
{
    paddr_t pa = V2P(part);

    mmio_write32(device->common + reg, (uint32_t)pa);
    mmio_write32(device->common + reg + 4, (uint32_t)(pa >> 32));
}

static int set_queue(struct virtio_device *device, const struct virtio_ring *ring)
{
    volatile char *common = device->common;

    mmio_write16(common + CONFIG_MESSAGE, 0);
    mmio_write16(common + QUEUE_SELECT, 0);
    mmio_write16(common + QUEUE_SIZE, RING_SIZE);
    mmio_write16(common + QUEUE_MESSAGE, 0);
    set_address(device, QUEUE_RING, ring->descriptors);
    set_address(device, QUEUE_OFFERED, &ring->offered_flags);
    set_address(device, QUEUE_USED, &ring->used_flags);
    mmio_write16(common + QUEUE_ENABLE, 1);
    return mmio_read16(common + QUEUE_MESSAGE) == 0 ? 0 : -EIO;
}

static void notify(struct virtio_device *device)
{
    mmio_write16(device->notify, 0);
}

static void stop(struct virtio_device *device)
{
    pci_disable(&(struct pci_function){.address = device->address});
}

static const struct virtio_ops ops = {
    .status = status,
    .set_status = set_status,
    .features = features,
    .accept = accept,
    .config = config,
    .queue_max = queue_max,
    .set_queue = set_queue,
    .notify = notify,
    .stop = stop,
};

/* The part of the function's memory that the capability of this type tells of. => NULL: there is none, or it is unusable */
static volatile char *map_part(const struct pci_function *function, uint8_t type, uint32_t extra, uint32_t size)
{
    unsigned at = 0;

    while ((at = pci_capability(function, PCI_CAP_VENDOR, at))) {
        if (pci_read8(function, at + CAP_TYPE) == type)
            return pci_map(function, pci_read8(function, at + CAP_BAR),
                           pci_read32(function, at + CAP_OFFSET) + extra, size);
    }
    return NULL;
}

static uint32_t notify_multiplier(const struct pci_function *function)
{
    unsigned at = 0;

    while ((at = pci_capability(function, PCI_CAP_VENDOR, at))) {
        if (pci_read8(function, at + CAP_TYPE) == TYPE_NOTIFY)
            return pci_read32(function, at + CAP_MULTIPLIER);
    }
    return 0;
}

static bool map_all(struct virtio_device *device, const struct pci_function *function)
{
    device->common = map_part(function, TYPE_COMMON, 0, COMMON_SIZE);
    device->config = map_part(function, TYPE_CONFIG, 0, CONFIG_SIZE);
    if (!device->common || !device->config)
        return false;
    mmio_write16(device->common + QUEUE_SELECT, 0);
    uint32_t offset = mmio_read16(device->common + QUEUE_NOTIFY) * notify_multiplier(function);

    device->notify = map_part(function, TYPE_NOTIFY, offset, 4);
    return device->notify != NULL;
}

static void interrupt(void *arg)
{
    struct virtio_device *device = arg;

    if (device->interrupt)
        device->interrupt(device);
}

/* A device that fails once its interrupt is set keeps the memory that the interrupt's handler knows. */
static void bring_up(struct virtio_device *device, const struct pci_function *function, unsigned type)
{
    device->ops = &ops;
    device->address = function->address;
    pci_enable(function);
    int error = map_all(device, function) ? pci_set_message(function, interrupt, device) : -ENXIO;

    if (error == 0) {
        virtio_found(device, type);
        return;
    }
    printk(LOG_WARNING "PCI %x: a virtio device without the %s of version 1: error %d", function->address,
           error == -ENXIO ? "registers" : "interrupts", -error);
    slab_free(device);
}

static void found(const struct pci_function *function)
{
    unsigned type = function->device - ID_MODERN;

    if (function->vendor != VIRTIO_VENDOR)
        return;
    if (function->device == ID_OLD_BLOCK)
        type = VIRTIO_ID_BLOCK;
    if (!virtio_drives(type))
        return;
    struct virtio_device *device = slab_zalloc(sizeof *device);

    if (device)
        bring_up(device, function, type);
    else
        printk(LOG_WARNING "PCI %x: no memory for a virtio device", function->address);
}

void virtio_pci_init(void)
{
    pci_scan(found);
}
