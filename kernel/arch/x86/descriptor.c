// SPDX-License-Identifier: MIT
/*
 * descriptor.c - each CPU's segment descriptors and task state. Formats: Intel SDM volume 3, 3.4.5 and 8.2.3.
 */
#include "arch/x86/descriptor.h"

#include "arch/x86/cpu.h"
#include "arch/x86/msr.h"

#define CODE64(dpl)   (0x00af9b000000ffffull | (uint64_t)(dpl) << 45)
#define CODE32(dpl)   (0x00cf9b000000ffffull | (uint64_t)(dpl) << 45)
#define DATA(dpl)     (0x00cf93000000ffffull | (uint64_t)(dpl) << 45)
#define LIMIT_ONLY(dpl) (0x0040910000000000ull | (uint64_t)(dpl) << 45) // read-only data, counted in bytes
#define TSS_AVAILABLE 0x89ull // present, 64-bit task state

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void fill_gdt(struct cpu *cpu)
{
    uint64_t tss = (uint64_t)&cpu->tss;

    cpu->gdt[SEL_KERNEL_CODE / 8] = CODE64(0);
    cpu->gdt[SEL_KERNEL_DATA / 8] = DATA(0);
    cpu->gdt[SEL_USER32_CODE / 8] = CODE32(3);
    cpu->gdt[SEL_USER_DATA / 8] = DATA(3);
    cpu->gdt[SEL_USER_CODE / 8] = CODE64(3);
    cpu->gdt[SEL_TSS / 8] =
        (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | TSS_AVAILABLE << 40 | (tss >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = tss >> 32;
    cpu->gdt[SEL_CPU_NUMBER / 8] = LIMIT_ONLY(3) | cpu->id;
}

static void load_segments(const struct cpu *cpu)
{
    struct descriptor_pointer gdtr = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %2, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs"
                     :
                     : "m"(gdtr), "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA)
                     : "rax", "memory");
}

void descriptors_init_cpu(struct cpu *cpu, void *ist)
{
    cpu->self = cpu;
    cpu->id = (uint32_t)(cpu - cpus);
    cpu->preempt = PREEMPT_IDLE;
    for (unsigned i = 0; i < IST_STACKS; i++)
        cpu->tss.ist[i] = (uint64_t)ist + (i + 1) * IST_STACK_SIZE;
    cpu->tss.io_bitmap_offset = sizeof(struct tss); // none: users have no ports
    fill_gdt(cpu);
    load_segments(cpu);
    msr_write(MSR_FS_BASE, 0);
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}
