// SPDX-License-Identifier: MIT
/*
 * boot.h - what each file of proc/ sets up once. For init.c.
 */
#ifndef PROC_BOOT_H
#define PROC_BOOT_H

void process_init(void);
void futex_init(void);

#endif
