// SPDX-License-Identifier: MIT
/*
 * ioapic.c - I/O APICs. Source: Intel 82093AA data sheet; for the 8259, Intel 8259A.
 */
#include "arch/x86/ioapic.h"

#include "arch/x86/acpi.h"
#include "arch/x86/io.h"
#include "arch/x86/paging.h"
#include "lib/errno.h"
#include "lib/log.h"

#define REG_SELECT         0x00
#define REG_WINDOW         0x10
#define INDEX_VERSION      0x01
#define INDEX_ROUTE(input) (0x10 + 2 * (input))
#define ROUTE_ACTIVE_LOW   (1u << 13)
#define ROUTE_LEVEL        (1u << 15)
#define ROUTE_MASKED       (1u << 16)

#define PIC1 0x20
#define PIC2 0xa0

struct ioapic {
    volatile char *registers;
    uint32_t gsi_base;
    uint32_t inputs;
};

static struct ioapic ioapics[IOAPICS_MAX]; // constant after ioapic_init
static unsigned ioapic_count;

static uint32_t reg_read(const struct ioapic *io, uint32_t index)
{
    mmio_write32(io->registers + REG_SELECT, index);
    return mmio_read32(io->registers + REG_WINDOW);
}

static void reg_write(const struct ioapic *io, uint32_t index, uint32_t value)
{
    mmio_write32(io->registers + REG_SELECT, index);
    mmio_write32(io->registers + REG_WINDOW, value);
}

/* Move the 8259s' vectors away from the exceptions' (a spurious one may still come), and mask all their inputs. */
static void silence_8259(void)
{
    static const uint8_t pic1[] = {0x20, 0x04, 0x01}, pic2[] = {0x28, 0x02, 0x01};

    outb(PIC1, 0x11);
    outb(PIC2, 0x11);
    for (unsigned i = 0; i < sizeof(pic1); i++) {
        outb(PIC1 + 1, pic1[i]);
        outb(PIC2 + 1, pic2[i]);
    }
    outb(PIC1 + 1, 0xff);
    outb(PIC2 + 1, 0xff);
}

static void add(const struct acpi_ioapic *found)
{
    struct ioapic *io = &ioapics[ioapic_count];

    io->registers = paging_map_device(found->base, PAGE_SIZE);
    if (!io->registers)
        panic("the I/O APIC at %#lx cannot be mapped", found->base);
    io->gsi_base = found->gsi_base;
    io->inputs = (reg_read(io, INDEX_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t input = 0; input < io->inputs; input++)
        reg_write(io, INDEX_ROUTE(input), ROUTE_MASKED);
    ioapic_count++;
}

void ioapic_init(void)
{
    const struct acpi_info *info = acpi_info();

    silence_8259();
    for (unsigned i = 0; i < info->ioapic_count; i++)
        add(&info->ioapics[i]);
}

int ioapic_route(uint32_t gsi, unsigned vector, uint32_t lapic_id, bool active_low, bool level)
{
    for (unsigned i = 0; i < ioapic_count; i++) {
        const struct ioapic *io = &ioapics[i];
        uint32_t input = gsi - io->gsi_base;

        if (input >= io->inputs)
            continue;
        reg_write(io, INDEX_ROUTE(input) + 1, lapic_id << 24);
        reg_write(io, INDEX_ROUTE(input), vector | (active_low ? ROUTE_ACTIVE_LOW : 0) | (level ? ROUTE_LEVEL : 0));
        return 0;
    }
    return -EINVAL;
}
