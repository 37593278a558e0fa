// SPDX-License-Identifier: MIT
#include "dev/drivers.h"

#include "dev/console.h"
#include "dev/hostio.h"
#include "dev/memory_devices.h"
#include "dev/pty.h"
#include "dev/random.h"
#include "dev/tty.h"
#include "dev/virtio/virtio.h"
#include "fs/devfs.h"

void drivers_init_early(void)
{
    console_init_early();
    hostio_init_early();
    random_init_early();
}

// What programs expect in /dev besides devices.
static void make_links(void)
{
    devfs_create_link("fd", "/proc/self/fd");
    devfs_create_link("stdin", "/proc/self/fd/0");
    devfs_create_link("stdout", "/proc/self/fd/1");
    devfs_create_link("stderr", "/proc/self/fd/2");
    devfs_create_folder("shm", 01777);
    devfs_create_folder("pts", 0755);
}

void drivers_init(void)
{
    memory_devices_init();
    kmsg_init();
    random_init();
    tty_init();
    pty_init();
    console_init();
    hostio_init();
    make_links();
    virtio_pci_init();
    virtio_mmio_init();
}
