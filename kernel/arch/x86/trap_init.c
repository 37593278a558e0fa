// SPDX-License-Identifier: MIT
/*
 * trap_init.c - the interrupt table, shared by all CPUs, and the registers of the system-call entry.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/msr.h"
#include "arch/x86/trap.h"

#define STUB_SIZE      16
#define GATE_INTERRUPT 0x8e // present, ring 0, interrupts off inside
#define GATE_FROM_USER 0x60 // ring 3 may use it with an instruction

/* Intel SDM volume 3, figure 6-8. */
struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

extern char trap_stubs[];  // entry.S
extern char syscall_low[]; // entry.S

static struct gate idt[TRAP_VECTORS];

static uint8_t ist_of(unsigned vector)
{
    if (vector == T_DBLFLT || vector == T_MCHK)
        return IST_FATAL;
    return vector == T_NMI ? IST_NMI : 0;
}

static void fill_idt(void)
{
    for (unsigned vector = 0; vector < TRAP_VECTORS; vector++) {
        uint64_t stub = (uint64_t)trap_stubs + vector * STUB_SIZE;
        bool from_user = vector == T_BRKPT || vector == T_OVERFLOW;

        idt[vector] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = SEL_KERNEL_CODE,
            .ist = ist_of(vector),
            .type = GATE_INTERRUPT | (from_user ? GATE_FROM_USER : 0),
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

void trap_init_cpu(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint64_t)idt};

    if (cpu_id() == 0)
        fill_idt();
    __asm__ volatile("lidt %0" : : "m"(idtr));
    // sysret takes CS from bits 63:48 plus 16 and SS from them plus 8, syscall CS from bits 47:32 and SS plus 8.
    msr_write(MSR_STAR, (uint64_t)SEL_USER32_CODE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)syscall_low);
    msr_write(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}
