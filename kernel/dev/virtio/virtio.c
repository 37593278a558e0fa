// SPDX-License-Identifier: MIT
/*
 * virtio.c - the steps that bring a device up: virtio specification 1.1, 3.1.
 */
#include "dev/virtio/virtio.h"

#include "lib/errno.h"

#define RESET_TRIES 100000 // a device that never says that it is reset must not stop us

int virtio_reset(struct virtio_device *device)
{
    device->ops->set_status(device, 0);
    for (unsigned i = 0; i < RESET_TRIES; i++) {
        if (device->ops->status(device) == 0)
            return 0;
    }
    if (device->ops->stop)
        device->ops->stop(device);
    return -EIO;
}

static uint64_t read_features(struct virtio_device *device)
{
    uint64_t both = 0;

    for (uint32_t half = 0; half < 2; half++)
        both |= (uint64_t)device->ops->features(device, half) << half * 32;
    return both;
}

static void accept_features(struct virtio_device *device, uint64_t features)
{
    for (uint32_t half = 0; half < 2; half++)
        device->ops->accept(device, half, (uint32_t)(features >> half * 32));
}

int virtio_negotiate(struct virtio_device *device, uint64_t wanted, uint64_t *features)
{
    const struct virtio_ops *ops = device->ops;
    int error = virtio_reset(device);

    if (error)
        return error;
    ops->set_status(device, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    *features = read_features(device) & (wanted | VIRTIO_F_VERSION_1);
    if (!(*features & VIRTIO_F_VERSION_1))
        return -ENODEV;
    accept_features(device, *features);
    ops->set_status(device, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return ops->status(device) & VIRTIO_FEATURES_OK ? 0 : -EIO;
}

int virtio_go(struct virtio_device *device, const struct virtio_ring *ring)
{
    int error = device->ops->set_queue(device, ring);

    if (error)
        return error;
    device->ops->set_status(device,
                            VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    return 0;
}

void virtio_found(struct virtio_device *device, unsigned type)
{
    if (type == VIRTIO_ID_BLOCK)
        virtio_block_init(device);
}
