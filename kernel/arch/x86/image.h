// SPDX-License-Identifier: MIT
/*
 * image.h - where the parts of the kernel image lie; the linker script (kernel.ld) defines the symbols.
 */
#ifndef GAUR_ARCH_IMAGE_H
#define GAUR_ARCH_IMAGE_H

extern char image_start[]; // page-aligned: text, then read-only data, then writable data
extern char image_text_end[];
extern char image_sync_start[]; // [image_sync_start, image_sync_end): the text of sync/, in which threads sleep
extern char image_sync_end[];
extern char image_rodata_end[];
extern char image_end[];      // first address after what stays
extern char image_boot_end[]; // [image_end, image_boot_end) is needed only until paging_init
extern char boot_stack_top[]; // of the stack that boot.S starts with (KSTACK_SIZE), later the first idle thread's

#endif
