// SPDX-License-Identifier: MIT
/*
 * pci.h - functions on the PCI bus: their configuration, memory and interrupts.
 */
#ifndef DEV_PCI_H
#define DEV_PCI_H

#include "lib/types.h"

/* Registers in a function's configuration space: PCI local bus specification 3.0, 6.1. */
#define PCI_VENDOR   0x00
#define PCI_DEVICE   0x02
#define PCI_COMMAND  0x04
#define PCI_STATUS   0x06
#define PCI_HEADER   0x0e
#define PCI_BAR0     0x10
#define PCI_BUSES    0x18 // of a bridge: primary, secondary, subordinate
#define PCI_POINTER  0x34

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

#define PCI_BARS 6

/* Where a function sits, and who it says it is. */
struct pci_function {
    uint32_t address; // bus in bits 16 to 23, device 11 to 15, function 8 to 10
    uint16_t vendor, device;
};

/* Read and write `reg`, aligned to its size. */
uint8_t pci_read8(const struct pci_function *function, unsigned reg);
uint16_t pci_read16(const struct pci_function *function, unsigned reg);
uint32_t pci_read32(const struct pci_function *function, unsigned reg);
void pci_write16(const struct pci_function *function, unsigned reg, uint16_t value);

/* Call `found` for each function of each bus. => once, at boot */
void pci_scan(void (*found)(const struct pci_function *function));

/* The first capability with this id behind the one at `after` (0: from the start); 0: there is none. */
unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned after);

/* Let it be found in memory and read and write memory itself; its line does not interrupt. */
void pci_enable(const struct pci_function *function);

/* It reads and writes no memory any more, and no message comes from it. */
void pci_disable(const struct pci_function *function);

/*
 * [offset, offset + size) of what the base address register shows, mapped for the kernel.
 *
 * => NULL: no such memory: the register shows ports, or nothing, or there is no memory for page tables
 */
void *pci_map(const struct pci_function *function, unsigned bar, uint32_t offset, uint32_t size) __must_check;

/*
 * Have message 0 of the function's MSI-X table call handler(arg); the others stay masked.
 *
 * => 0, -ENODEV: it has none; -ENOSPC: no vector is left
 */
int pci_set_message(const struct pci_function *function, void (*handler)(void *), void *arg) __must_check;

#endif
