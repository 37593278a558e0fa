// SPDX-License-Identifier: MIT
/*
 * block.c - disks of the virtio family. Source: virtio specification 1.1, 5.2.
 *
 * Theory      One frame holds all that the device and we share: the ring, and for each descriptor that may begin a list a
 *             header (what to do where), a byte for the result, and which chain it is.
 * Locking     All of it under the lock of the disk (block.h).
 * Failure     A device that says what makes no sense is reset; the chains that it had fail.
 */
#include "arch/x86/layout.h"
#include "dev/block.h"
#include "dev/block_disk.h"
#include "dev/virtio/virtio.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

/* Features: 5.2.3. */
#define F_SEG_MAX  (1u << 2)
#define F_RO       (1u << 5)
#define F_BLK_SIZE (1u << 6)
#define F_FLUSH    (1u << 9)

/* The device's registers: 5.2.4. */
#define CONFIG_CAPACITY 0 // in sectors of 512 bytes, 64 bits
#define CONFIG_SEG_MAX  12
#define CONFIG_BLK_SIZE 20

/* Requests: 5.2.6. */
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };
enum { RESULT_OK = 0, RESULT_IOERR = 1, RESULT_UNSUPP = 2, RESULT_NONE = 0xff };

struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

#define AROUND 2 // descriptors of a request besides its memory: the header, the result

struct shared_frame {
    struct virtio_ring ring;
    struct header headers[RING_SIZE];
    struct block_request *chains[RING_SIZE]; // NULL: the device has none that begins there
    uint8_t results[RING_SIZE];
};

static_assert(sizeof(struct shared_frame) <= PAGE_SIZE, "in one frame");
static_assert(BLOCK_SEGMENTS_MAX + AROUND <= RING_SIZE / 2, "two requests of any kind have room");

/* Fields: (c) constant  (l) lock of `block` */
struct virtio_disk {
    struct block_device block;
    struct virtio_device *device; // (c)
    struct shared_frame *shared;  // (l)
    struct ring_state state;      // (l)
    uint64_t features;            // (c)
};

static struct virtio_disk *disk_of(struct block_device *block)
{
    return container_of(block, struct virtio_disk, block);
}

/* ---- Requests ---- */

static bool start(struct block_device *block, struct block_request *chain)
{
    static const uint32_t types[] = {[BLOCK_READ] = TYPE_IN, [BLOCK_WRITE] = TYPE_OUT, [BLOCK_FLUSH] = TYPE_FLUSH};
    struct virtio_disk *disk = disk_of(block);
    struct ring_state *state = &disk->state;
    uint16_t head = state->free, direction = chain->operation == BLOCK_READ ? RING_WRITE : 0;

    if (state->free_count < chain->chain_count + AROUND)
        return false;
    disk->shared->headers[head] = (struct header){types[chain->operation], 0, chain->position / BLOCK_SECTOR};
    disk->shared->results[head] = RESULT_NONE;
    disk->shared->chains[head] = chain;
    ring_add(state, V2P(&disk->shared->headers[head]), sizeof(struct header), RING_NEXT);
    for (struct block_request *request = chain; request; request = request->next) {
        for (unsigned i = 0; i < request->count; i++)
            ring_add(state, V2P(request->segments[i].data), (uint32_t)request->segments[i].size,
                     RING_NEXT | direction);
    }
    ring_add(state, V2P(&disk->shared->results[head]), 1, RING_WRITE);
    ring_offer(state, head);
    return true;
}

static void kick(struct block_device *block)
{
    struct virtio_disk *disk = disk_of(block);

    if (ring_wants_notice(&disk->state))
        disk->device->ops->notify(disk->device);
}

static int error_of(uint8_t result)
{
    if (result == RESULT_OK)
        return 0;
    return result == RESULT_UNSUPP ? -EOPNOTSUPP : -EIO;
}

static bool collect(struct block_device *block)
{
    struct virtio_disk *disk = disk_of(block);
    bool any = false;
    int head;

    while ((head = ring_take_used(&disk->state)) >= 0) {
        struct block_request *chain = disk->shared->chains[head];

        if (!chain)
            return false;
        disk->shared->chains[head] = NULL;
        ring_free(&disk->state, (uint16_t)head);
        block_finish(block, chain, error_of(disk->shared->results[head]));
        any = true;
    }
    return head == -EAGAIN && (any || !(disk->device->ops->status(disk->device) & VIRTIO_NEEDS_RESET));
}

/* ---- Coming up, the first time and again ---- */

static int bring_up(struct virtio_disk *disk)
{
    int error = virtio_negotiate(disk->device, F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH, &disk->features);

    if (error)
        return error;
    memset(disk->shared, 0, sizeof *disk->shared);
    ring_init(&disk->state, &disk->shared->ring);
    return virtio_go(disk->device, &disk->shared->ring);
}

static int reset(struct block_device *block)
{
    struct virtio_disk *disk = disk_of(block);
    int error = bring_up(disk);

    if (error)
        (void)!virtio_reset(disk->device);
    return error;
}

static const struct block_ops ops = {.start = start, .kick = kick, .collect = collect, .reset = reset};

static void interrupt(struct virtio_device *device)
{
    struct virtio_disk *disk = device->private;

    block_interrupt(&disk->block);
}

static uint64_t capacity(struct virtio_device *device)
{
    return device->ops->config(device, CONFIG_CAPACITY) |
           (uint64_t)device->ops->config(device, CONFIG_CAPACITY + 4) << 32;
}

/* What the device says of itself. => 0, -EINVAL: what we cannot work with */
static int describe(struct virtio_disk *disk)
{
    struct virtio_device *device = disk->device;
    struct block_device *block = &disk->block;
    uint64_t sectors = capacity(device);
    unsigned most = disk->features & F_SEG_MAX ? device->ops->config(device, CONFIG_SEG_MAX) : 1;

    block->block_size = disk->features & F_BLK_SIZE ? device->ops->config(device, CONFIG_BLK_SIZE) : BLOCK_SECTOR;
    block->max_segments = MIN(most, RING_SIZE / 2);
    block->read_only = disk->features & F_RO;
    block->has_cache = disk->features & F_FLUSH;
    if (most < BLOCK_SEGMENTS_MAX || device->ops->queue_max(device) < RING_SIZE ||
        block->block_size < BLOCK_SECTOR || block->block_size > PAGE_SIZE ||
        (block->block_size & (block->block_size - 1)) || sectors > UINT64_MAX / BLOCK_SECTOR)
        return -EINVAL;
    block->size = ALIGN_DOWN(sectors * BLOCK_SECTOR, (uint64_t)block->block_size);
    return 0;
}

static struct virtio_disk *make(struct virtio_device *device)
{
    struct virtio_disk *disk = slab_zalloc(sizeof *disk);

    if (!disk)
        return NULL;
    disk->shared = kalloc();
    if (!disk->shared) {
        slab_free(disk);
        return NULL;
    }
    disk->device = device;
    disk->block.ops = &ops;
    return disk;
}

void virtio_block_init(struct virtio_device *device)
{
    struct virtio_disk *disk = make(device);
    int error = disk ? bring_up(disk) : -ENOMEM;

    if (error == 0)
        error = describe(disk);
    if (error == 0) {
        device->private = disk;
        device->interrupt = interrupt;
        error = block_disk_add(&disk->block);
    }
    if (error == 0)
        return;
    printk(LOG_WARNING "a virtio disk cannot be used: error %d", -error);
    device->interrupt = NULL;
    if (disk && virtio_reset(device) == 0) { // else the device may still write there
        kfree(disk->shared);
        slab_free(disk);
    }
}
