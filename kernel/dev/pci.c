// SPDX-License-Identifier: MIT
/*
 * pci.c - the PCI bus through ports 0xcf8 and 0xcfc. Source: PCI local bus specification 3.0; for MSI-X, 6.8.2.
 *
 * The firmware has numbered the buses and given addresses to what is on them.
 * Considered  The window in memory that ACPI's MCFG tells of: it shows registers from 256 on, which nothing here has use
 *             for, and not every machine has it. These ports are on each machine with PCI, and read as ones elsewhere.
 */
#include "dev/pci.h"

#include "arch/x86/io.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging.h"
#include "lib/errno.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define ENABLE       (1u << 31)

#define BUSES            256u
#define DEVICES          32u
#define FUNCTIONS        8u
#define CAPABILITIES_MAX 48 // as many as fit: a list that is a ring ends, too

#define COMMAND_MEMORY       (1u << 1)
#define COMMAND_MASTER       (1u << 2)
#define COMMAND_LINE_OFF     (1u << 10)
#define STATUS_CAPABILITIES  (1u << 4)
#define HEADER_TYPE          0x7f
#define HEADER_BRIDGE        1
#define HEADER_MANY          0x80
#define BAR_PORTS            1u
#define BAR_TYPE             6u
#define BAR_64               4u
#define MSIX_CONTROL         2 // within the capability
#define MSIX_TABLE           4
#define MSIX_BAR             7u
#define MSIX_ENABLE          (1u << 15)
#define MSIX_ALL_MASKED      (1u << 14)
#define MSIX_ENTRY_SIZE      16

static uint32_t read_at(uint32_t address, unsigned reg)
{
    outl(PORT_ADDRESS, ENABLE | address | (reg & 0xfc));
    return inl(PORT_DATA);
}

uint32_t pci_read32(const struct pci_function *function, unsigned reg)
{
    return read_at(function->address, reg);
}

uint16_t pci_read16(const struct pci_function *function, unsigned reg)
{
    return (uint16_t)(read_at(function->address, reg) >> (reg & 2) * 8);
}

uint8_t pci_read8(const struct pci_function *function, unsigned reg)
{
    return (uint8_t)(read_at(function->address, reg) >> (reg & 3) * 8);
}

void pci_write16(const struct pci_function *function, unsigned reg, uint16_t value)
{
    outl(PORT_ADDRESS, ENABLE | function->address | (reg & 0xfc));
    outw((uint16_t)(PORT_DATA + (reg & 2)), value);
}

/* One function, if it is there. => its header's type; 0: nothing is there, or nothing special */
static uint8_t look(uint32_t address, void (*found)(const struct pci_function *), uint8_t *behind)
{
    uint32_t id = read_at(address, PCI_VENDOR);
    struct pci_function function = {address, (uint16_t)id, (uint16_t)(id >> 16)};

    *behind = 0;
    if (function.vendor == 0xffff)
        return 0;
    uint8_t header = pci_read8(&function, PCI_HEADER);

    if ((header & HEADER_TYPE) == HEADER_BRIDGE)
        *behind = pci_read8(&function, PCI_BUSES + 1);
    found(&function);
    return header;
}

/* A bus lies behind a bridge of a bus with a lower number, so that the walk ends whatever the registers say. */
static void scan_bus(unsigned bus, void (*found)(const struct pci_function *))
{
    for (unsigned device = 0; device < DEVICES; device++) {
        unsigned functions = 1;

        for (unsigned i = 0; i < functions; i++) {
            uint8_t behind, header = look(bus << 16 | device << 11 | i << 8, found, &behind);

            if (i == 0 && (header & HEADER_MANY))
                functions = FUNCTIONS;
            if (behind > bus)
                scan_bus(behind, found);
        }
    }
}

void pci_scan(void (*found)(const struct pci_function *function))
{
    scan_bus(0, found);
}

unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned after)
{
    if (!(pci_read16(function, PCI_STATUS) & STATUS_CAPABILITIES))
        return 0;
    unsigned at = pci_read8(function, after ? after + 1 : PCI_POINTER) & 0xfc;

    for (unsigned i = 0; at != 0 && i < CAPABILITIES_MAX; i++) {
        if (pci_read8(function, at) == id)
            return at;
        at = pci_read8(function, at + 1) & 0xfc;
    }
    return 0;
}

void pci_enable(const struct pci_function *function)
{
    pci_write16(function, PCI_COMMAND,
                pci_read16(function, PCI_COMMAND) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_LINE_OFF);
}

void pci_disable(const struct pci_function *function)
{
    pci_write16(function, PCI_COMMAND, (uint16_t)(pci_read16(function, PCI_COMMAND) & ~COMMAND_MASTER));
}

void *pci_map(const struct pci_function *function, unsigned bar, uint32_t offset, uint32_t size)
{
    uint32_t low = bar < PCI_BARS ? pci_read32(function, PCI_BAR0 + bar * 4) : BAR_PORTS;
    paddr_t base = low & ~0xfu;

    if (low & BAR_PORTS)
        return NULL;
    if ((low & BAR_TYPE) == BAR_64 && bar + 1 < PCI_BARS)
        base |= (paddr_t)pci_read32(function, PCI_BAR0 + bar * 4 + 4) << 32;
    return base ? paging_map_device(base + offset, size) : NULL;
}

int pci_set_message(const struct pci_function *function, void (*handler)(void *), void *arg)
{
    unsigned capability = pci_capability(function, PCI_CAP_MSIX, 0);
    uint32_t table = capability ? pci_read32(function, capability + MSIX_TABLE) : 0;
    volatile char *entry = capability ? pci_map(function, table & MSIX_BAR, table & ~MSIX_BAR, MSIX_ENTRY_SIZE) : NULL;
    struct irq_message message;

    if (!entry)
        return -ENODEV;
    int error = irq_register_message(handler, arg, &message);
    if (error)
        return error;
    uint16_t control = pci_read16(function, capability + MSIX_CONTROL);

    pci_write16(function, capability + MSIX_CONTROL, control | MSIX_ENABLE | MSIX_ALL_MASKED);
    mmio_write32(entry, (uint32_t)message.address);
    mmio_write32(entry + 4, (uint32_t)(message.address >> 32));
    mmio_write32(entry + 8, message.data);
    mmio_write32(entry + 12, 0);
    pci_write16(function, capability + MSIX_CONTROL, (control | MSIX_ENABLE) & ~MSIX_ALL_MASKED);
    return 0;
}
