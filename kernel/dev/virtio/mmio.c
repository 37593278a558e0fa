// SPDX-License-Identifier: MIT
/*
 * mmio.c - virtio devices at addresses that the command line tells. Source: virtio specification 1.1, 4.2.
 *
 * virtio_mmio.device=SIZE@ADDRESS:INPUT, as for Linux, once for each: there is no bus to ask.
 */
#include "arch/x86/boot_info.h"
#include "arch/x86/io.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging.h"
#include "dev/virtio/virtio.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"

/* Registers: 4.2.2. */
#define MAGIC           0x000
#define VERSION         0x004
#define DEVICE_ID       0x008
#define FEATURES        0x010
#define FEATURES_SELECT 0x014
#define ACCEPT          0x020
#define ACCEPT_SELECT   0x024
#define QUEUE_SELECT    0x030
#define QUEUE_MAX       0x034
#define QUEUE_SIZE      0x038
#define QUEUE_READY     0x044
#define QUEUE_NOTIFY    0x050
#define INTERRUPTS      0x060
#define ACKNOWLEDGE     0x064
#define STATUS          0x070
#define QUEUE_RING      0x080
#define QUEUE_OFFERED   0x090
#define QUEUE_USED      0x0a0
#define CONFIG          0x100

#define MAGIC_VALUE  0x74726976 // "virt"
#define MODERN       2
#define WINDOW_SIZE  0x200

static uint8_t status(struct virtio_device *device)
{
    return (uint8_t)mmio_read32(device->common + STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    mmio_write32(device->common + STATUS, status);
}

static uint32_t features(struct virtio_device *device, uint32_t half)
{
    mmio_write32(device->common + FEATURES_SELECT, half);
    return mmio_read32(device->common + FEATURES);
}

static void accept(struct virtio_device *device, uint32_t half, uint32_t features)
{
    mmio_write32(device->common + ACCEPT_SELECT, half);
    mmio_write32(device->common + ACCEPT, features);
}

static uint32_t config(struct virtio_device *device, unsigned offset)
{
    return mmio_read32(device->common + CONFIG + offset);
}

static uint16_t queue_max(struct virtio_device *device)
{
    mmio_write32(device->common + QUEUE_SELECT, 0);
    return (uint16_t)mmio_read32(device->common + QUEUE_MAX);
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

    mmio_write32(common + QUEUE_SELECT, 0);
    mmio_write32(common + QUEUE_SIZE, RING_SIZE);
    set_address(device, QUEUE_RING, ring->descriptors);
    set_address(device, QUEUE_OFFERED, &ring->offered_flags);
    set_address(device, QUEUE_USED, &ring->used_flags);
    mmio_write32(common + QUEUE_READY, 1);
    return mmio_read32(common + QUEUE_READY) == 1 ? 0 : -EIO;
}

static void notify(struct virtio_device *device)
{
    mmio_write32(device->common + QUEUE_NOTIFY, 0);
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
};

/* ---- Finding them ---- */

/* What one word of the command line says. */
struct window {
    uint64_t size, address, input;
};

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (unsigned)(c | 0x20) - 'a' + 10 : 16;
}

/* A number, decimal or with 0x before it, which ends with `end`. => false: it is none */
static bool read_number(const char **text, char end, uint64_t *number)
{
    const char *at = *text;
    unsigned base = 10;

    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    *number = 0;
    for (; *at && *at != end; at++) {
        if (digit_of(*at) >= base || __builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, digit_of(*at), number))
            return false;
    }
    if (*at != end || at == *text)
        return false;
    *text = at + (end != '\0');
    return true;
}

static bool read_window(const char *text, struct window *window)
{
    return read_number(&text, '@', &window->size) && read_number(&text, ':', &window->address) &&
           read_number(&text, '\0', &window->input) && window->size >= WINDOW_SIZE && window->address % 4 == 0 &&
           window->input <= UINT32_MAX;
}

static void interrupt(void *arg)
{
    struct virtio_device *device = arg;

    mmio_write32(device->common + ACKNOWLEDGE, mmio_read32(device->common + INTERRUPTS));
    if (device->interrupt)
        device->interrupt(device);
}

/* => 0; -ENODEV: there is nothing that we drive; what it got is then the caller's to free */
static int bring_up(struct virtio_device *device, const struct window *window)
{
    device->ops = &ops;
    device->common = paging_map_device(window->address, WINDOW_SIZE);
    if (!device->common)
        return -ENOMEM;
    if (mmio_read32(device->common + MAGIC) != MAGIC_VALUE || mmio_read32(device->common + VERSION) != MODERN ||
        !virtio_drives(mmio_read32(device->common + DEVICE_ID)))
        return -ENODEV;
    int error = irq_register_input((uint32_t)window->input, interrupt, device);
    if (error == 0)
        virtio_found(device, mmio_read32(device->common + DEVICE_ID));
    return error;
}

static void try_window(const char *text)
{
    struct virtio_device *device = slab_zalloc(sizeof *device);
    struct window window;
    int error = device ? -EINVAL : -ENOMEM;

    if (device && read_window(text, &window))
        error = bring_up(device, &window);
    if (error == 0)
        return;
    printk(LOG_WARNING "virtio_mmio.device=%s: no device of version 1 that we drive: error %d", text, -error);
    slab_free(device);
}

void virtio_mmio_init(void)
{
    const char *position = boot_info()->command_line;
    char text[64];

    while (boot_option_next(&position, "virtio_mmio.device", text, sizeof text))
        try_window(text);
}
