// SPDX-License-Identifier: MIT
/*
 * lapic.c - the local APIC through its memory-mapped registers. Source: Intel SDM volume 3, chapter 11.
 *
 * Not x2APIC: QEMU's emulated CPUs have none before version 8.2, and with at most 8 CPUs it gives nothing.
 */
#include "arch/x86/lapic.h"

#include "arch/x86/acpi.h"
#include "arch/x86/io.h"
#include "arch/x86/msr.h"
#include "arch/x86/paging.h"
#include "arch/x86/trap.h"
#include "lib/log.h"

#define REG_ID            0x20
#define REG_TASK_PRIORITY 0x80
#define REG_EOI           0xb0
#define REG_SPURIOUS      0xf0
#define REG_COMMAND_LOW   0x300
#define REG_COMMAND_HIGH  0x310
#define REG_LVT_TIMER     0x320
#define REG_LVT_LINT0     0x350
#define REG_LVT_LINT1     0x360
#define REG_LVT_ERROR     0x370
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE  0x3e0

#define SPURIOUS_ENABLE (1u << 8)
#define LVT_MASKED      (1u << 16)
#define LVT_NMI         (4u << 8)
#define DIVIDE_BY_1     0xb
#define COMMAND_NMI     (4u << 8)
#define COMMAND_INIT    (5u << 8)
#define COMMAND_STARTUP (6u << 8)
#define COMMAND_PENDING (1u << 12)
#define COMMAND_ASSERT  (1u << 14)

static volatile char *registers; // constant after lapic_init

static uint32_t reg_read(unsigned reg)
{
    return mmio_read32(registers + reg);
}

static void reg_write(unsigned reg, uint32_t value)
{
    mmio_write32(registers + reg, value);
}

void lapic_init(void)
{
    registers = paging_map_device(acpi_info()->lapic, PAGE_SIZE);
    if (!registers)
        panic("the local APIC at %#lx cannot be mapped", acpi_info()->lapic);
}

void lapic_init_cpu(void)
{
    reg_write(REG_SPURIOUS, SPURIOUS_ENABLE | T_SPURIOUS);
    reg_write(REG_LVT_TIMER, T_TIMER); // one-shot; nothing comes before a count is set
    reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(REG_LVT_LINT0, LVT_MASKED);
    reg_write(REG_LVT_LINT1, LVT_NMI);
    reg_write(REG_LVT_ERROR, LVT_MASKED);
    reg_write(REG_TASK_PRIORITY, 0);
    reg_write(REG_EOI, 0);
}

uint32_t lapic_id(void)
{
    return reg_read(REG_ID) >> 24;
}

void lapic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

/* Two writes that an interrupt handler's own message must not come between. */
static void command(uint32_t target, uint32_t low)
{
    unsigned long flags = irq_save();

    while (reg_read(REG_COMMAND_LOW) & COMMAND_PENDING)
        cpu_relax();
    reg_write(REG_COMMAND_HIGH, target << 24);
    reg_write(REG_COMMAND_LOW, low);
    irq_restore(flags);
}

void lapic_send(uint32_t lapic_id, unsigned vector)
{
    command(lapic_id, COMMAND_ASSERT | vector);
}

void lapic_send_nmi(uint32_t lapic_id)
{
    command(lapic_id, COMMAND_ASSERT | COMMAND_NMI);
}

void lapic_send_init(uint32_t lapic_id)
{
    command(lapic_id, COMMAND_ASSERT | COMMAND_INIT);
}

void lapic_send_startup(uint32_t lapic_id, unsigned page)
{
    command(lapic_id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

void lapic_timer_start(uint32_t count)
{
    reg_write(REG_TIMER_INITIAL, count);
}

uint32_t lapic_timer_count(void)
{
    return reg_read(REG_TIMER_CURRENT);
}
