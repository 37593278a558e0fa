// SPDX-License-Identifier: MIT
/*
 * trampoline.h - the page below 1 MiB where a CPU starts in real mode.
 *
 * Only smp.c and trampoline.S use it. The code is copied there; its last words are parameters.
 */
#ifndef GAUR_ARCH_TRAMPOLINE_H
#define GAUR_ARCH_TRAMPOLINE_H

/* Offsets of the parameters in the page. */
#define TRAMPOLINE_GDT         0xf80 // four descriptors
#define TRAMPOLINE_GDT_POINTER 0xfa0 // limit, base
#define TRAMPOLINE_JUMP        0xfa8 // where 64-bit code begins: offset, selector
#define TRAMPOLINE_ROOT        0xfb0 // page tables that map this page and the kernel
#define TRAMPOLINE_STACK       0xfb8
#define TRAMPOLINE_ENTRY       0xfc0 // C function, and its argument
#define TRAMPOLINE_ARGUMENT    0xfc8

#ifndef __ASSEMBLER__
extern char trampoline_start[], trampoline_64[], trampoline_end[];
#endif

#endif
