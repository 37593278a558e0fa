// SPDX-License-Identifier: MIT
/*
 * virtio.h - devices of the virtio family, whichever way they are reached. Source: virtio specification 1.1.
 *
 * Only devices of version 1 are driven. One queue of a device is used, its first.
 */
#ifndef DEV_VIRTIO_VIRTIO_H
#define DEV_VIRTIO_VIRTIO_H

#include "dev/virtio/ring.h"
#include "lib/types.h"

#define VIRTIO_VENDOR   0x1af4
#define VIRTIO_ID_BLOCK 2 // device type, virtio 1.1, 5

/* Status bits: 2.1. */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u

#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

struct virtio_device;

/* How registers are reached. */
struct virtio_ops {
    uint8_t (*status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status);
    uint32_t (*features)(struct virtio_device *device, uint32_t half); // what it offers: bits from half * 32 on
    void (*accept)(struct virtio_device *device, uint32_t half, uint32_t features);
    uint32_t (*config)(struct virtio_device *device, unsigned offset); // 32 bits of the device's own registers
    uint16_t (*queue_max)(struct virtio_device *device);               // entries that it can have
    int (*set_queue)(struct virtio_device *device, const struct virtio_ring *ring); // 0 or -EIO
    void (*notify)(struct virtio_device *device);
    void (*stop)(struct virtio_device *device);        // it reads and writes memory no more, whatever it thinks; NULL: no way
};

/* All fields: constant once found. */
struct virtio_device {
    const struct virtio_ops *ops;
    volatile char *common; // where its registers are mapped
    volatile char *config;
    volatile char *notify;
    uint32_t address;      // on the PCI bus
    void (*interrupt)(struct virtio_device *device); // the driver's, or NULL: it is not ready yet
    void *private;                                   // the driver's
};

/*
 * From the start: reset, agree on features (those that both want, VERSION_1 always).
 *
 * => *features: what was agreed on; 0, -ENODEV: not of version 1; -EIO: it does not follow
 */
int virtio_negotiate(struct virtio_device *device, uint64_t wanted, uint64_t *features) __must_check;

/* Then: give it an empty ring, and let it work. => 0, -EIO */
int virtio_go(struct virtio_device *device, const struct virtio_ring *ring) __must_check;

/* Reset it, and be sure that it touches memory no more. => 0, -EIO: it does not answer */
int virtio_reset(struct virtio_device *device) __must_check;

/* Is there a driver for devices of this type? */
static inline bool virtio_drives(unsigned type)
{
    return type == VIRTIO_ID_BLOCK;
}

/* A transport has found such a device: its driver takes it, for good. */
void virtio_found(struct virtio_device *device, unsigned type);

/* Look for devices; boot calls them once. */
void virtio_pci_init(void);
void virtio_mmio_init(void);

/* A disk; what goes wrong is told in the log. */
void virtio_block_init(struct virtio_device *device);

#endif
