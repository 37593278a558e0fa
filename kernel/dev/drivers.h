// SPDX-License-Identifier: MIT
/*
 * drivers.h - start the drivers. main.c calls these two; each driver's own header is for those who use it.
 */
#ifndef DEV_DRIVERS_H
#define DEV_DRIVERS_H

// As early as can be, before mm: the first serial port takes the kernel's messages, a panic is told to the host.
void drivers_init_early(void);

// After vfs_init and interrupts: register all character devices and make their nodes in devtmpfs.
void drivers_init(void);

#endif
