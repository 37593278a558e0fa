// SPDX-License-Identifier: MIT
/*
 * cpu.c - per-CPU data, and what the processor can do.
 */
#include "arch/x86/cpu.h"

#include "arch/x86/cpuid.h"
#include "arch/x86/msr.h"
#include "lib/log.h"
#include "lib/string.h"

struct cpu cpus[MAX_CPUS];
unsigned cpu_count = 1;
void (*preempt_hook)(void);

static_assert(offsetof(struct cpu, self) == CPU_SELF, "CPU_SELF");
static_assert(offsetof(struct cpu, id) == CPU_ID, "CPU_ID");
static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "CPU_PREEMPT");
static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "CPU_CURRENT");
static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "CPU_USER_RSP");
static_assert(offsetof(struct cpu, in_irq) == CPU_IN_IRQ, "CPU_IN_IRQ");
static_assert(offsetof(struct cpu, tss.rsp0) == CPU_RSP0, "CPU_RSP0");

void preempt_enable_slow(void)
{
    if (irq_enabled() && preempt_hook)
        preempt_hook();
}

/* What the kernel cannot do without, and the register and bit of CPUID that tell of it. */
static const struct {
    const char *name;
    uint32_t leaf;
    unsigned reg; // 1 EBX, 2 ECX, 3 EDX
    unsigned bit;
} required[] = {
    {"syscall", 0x80000001, 3, 11},
    {"nx", 0x80000001, 3, 20},
    {"apic", 1, 3, 9},
    {"xsave", 1, 2, 26},
    {"sse2", 1, 3, 26},
    {"pge", 1, 3, 13},
    {"smep", 7, 1, 7},
    {"smap", 7, 1, 20},
};

static void check_required(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(required); i++) {
        struct cpuid_result r = cpuid(required[i].leaf, 0);
        uint32_t regs[] = {r.eax, r.ebx, r.ecx, r.edx};

        if (!(regs[required[i].reg] >> required[i].bit & 1))
            panic("this CPU has no %s, which Gaur needs (QEMU: use -cpu max)", required[i].name);
    }
}

void cpu_init_features(void)
{
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP;
    uint64_t cr0;

    check_required();
    if (cpuid(7, 0).ecx & CPUID_7_ECX_UMIP)
        cr4 |= CR4_UMIP;
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE | EFER_NXE);
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    cr0 = (cr0 | CR0_WP | CR0_NE | CR0_MP) & ~(uint64_t)(CR0_EM | CR0_TS);
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0) : "memory");
}

void cpu_brand(char *text, size_t size)
{
    uint32_t words[13] = {0};
    const char *start = (const char *)words;

    if (cpuid(0x80000000, 0).eax >= 0x80000004) {
        for (unsigned i = 0; i < 3; i++) {
            struct cpuid_result r = cpuid(0x80000002 + i, 0);

            memcpy(&words[4 * i], &r, sizeof(r));
        }
    }
    while (*start == ' ')
        start++;
    strlcpy(text, *start ? start : "unknown", size);
}
