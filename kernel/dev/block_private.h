// SPDX-License-Identifier: MIT
/*
 * block_private.h - what the parts of the block layer know of each other.
 */
#ifndef DEV_BLOCK_PRIVATE_H
#define DEV_BLOCK_PRIVATE_H

struct block_device;

/* The queue of a new disk, empty. */
void block_queue_init(struct block_device *disk);

#endif
