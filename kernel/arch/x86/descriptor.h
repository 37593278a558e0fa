// SPDX-License-Identifier: MIT
/*
 * descriptor.h - segments and the task-state segment. Each CPU has its own, inside struct cpu.
 *
 * The user's selectors are Linux's, since programs see them in signal frames.
 */
#ifndef GAUR_ARCH_DESCRIPTOR_H
#define GAUR_ARCH_DESCRIPTOR_H

#define SEL_KERNEL_CODE 0x10
#define SEL_KERNEL_DATA 0x18
#define SEL_USER32_CODE 0x23 // not usable; sysret computes the other two from it
#define SEL_USER_DATA   0x2b
#define SEL_USER_CODE   0x33
#define SEL_TSS         0x40
#define SEL_CPU_NUMBER  0x53 // its limit is the CPU's number, for getcpu in the vDSO
#define GDT_ENTRIES     11

/* Interrupt stacks (1-based, as in the interrupt table). A machine check is fatal, and so is a double fault: one stack
 * serves both. */
#define IST_FATAL      1
#define IST_NMI        2
#define IST_STACKS     2
#define IST_STACK_SIZE 4096

#ifndef __ASSEMBLER__
#include "lib/types.h"

/* Intel SDM volume 3, figure 8-11. */
struct tss {
    uint32_t reserved0;
    uint64_t rsp0; // stack for traps from user mode
    uint64_t rsp1, rsp2;
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_bitmap_offset;
} __attribute__((packed));

struct cpu;

/*
 * Fill and load the descriptor table, task state and GS base of the CPU that runs this.
 *
 * => `ist` holds IST_STACKS stacks of IST_STACK_SIZE bytes, for ever
 */
void descriptors_init_cpu(struct cpu *cpu, void *ist);
#endif

#endif
