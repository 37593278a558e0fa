// SPDX-License-Identifier: MIT
/*
 * block_file.h - disks and partitions as files.
 */
#ifndef DEV_BLOCK_FILE_H
#define DEV_BLOCK_FILE_H

#include "fs/device_number.h"

struct file_ops;

/* What an open file of type S_IFBLK with this number does. NULL: there is no such device */
const struct file_ops *block_file_ops(device_t number);

#endif
