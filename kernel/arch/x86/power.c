// SPDX-License-Identifier: MIT
/*
 * power.c - turning the machine off, starting it again, or stopping where it is.
 */
#include "arch/x86/power.h"

#include "arch/x86/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/io.h"
#include "arch/x86/smp.h"

#define DEBUG_EXIT_PORT       0xf4       // QEMU's isa-debug-exit: it ends with status 2 * value + 1
#define PM1_SLEEP_ENABLE      (1u << 13) // with sleep type 0, which is S5 on QEMU's machines
#define SLEEP_CONTROL_OFF     (5 << 2 | 1 << 5) // the same for its machine with reduced hardware: S5 is type 5
#define RESET_CONTROL_PORT    0xcf9
#define KEYBOARD_COMMAND_PORT 0x64
#define KEYBOARD_RESET        0xfe

void machine_halt_cpu(void)
{
    irq_disable();
    for (;;)
        __asm__ volatile("hlt");
}

void machine_halt(void)
{
    smp_halt_others();
    machine_halt_cpu();
}

/* The debug device goes first: where a launcher has put one, it wants to see the end at once. */
static void __noreturn stop_emulator(uint32_t value)
{
    smp_halt_others();
    outl(DEBUG_EXIT_PORT, value);
    if (acpi_info()->pm1a_control_port)
        outw(acpi_info()->pm1a_control_port, PM1_SLEEP_ENABLE);
    if (acpi_info()->sleep_control)
        mmio_write8(acpi_info()->sleep_control, SLEEP_CONTROL_OFF);
    machine_halt_cpu();
}

void machine_poweroff(void)
{
    stop_emulator(0);
}

void machine_fail(void)
{
    stop_emulator(1);
}

void machine_reboot(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed no_idt = {0, 0};

    smp_halt_others();
    if (acpi_info()->reset_port)
        outb(acpi_info()->reset_port, acpi_info()->reset_value);
    outb(RESET_CONTROL_PORT, 6);
    outb(KEYBOARD_COMMAND_PORT, KEYBOARD_RESET);
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt)); // a fault with no handler at all resets the CPU
    machine_halt_cpu();
}
