// SPDX-License-Identifier: MIT
/*
 * ioapic.h - the controllers that turn device lines into vectors.
 */
#ifndef GAUR_ARCH_IOAPIC_H
#define GAUR_ARCH_IOAPIC_H

#include "lib/types.h"

/* Map all of them and mask every input; silence the old 8259s. => after acpi_init */
void ioapic_init(void);

/* Send input `gsi` as `vector` to one CPU. => 0, or -EINVAL if there is no such input */
int ioapic_route(uint32_t gsi, unsigned vector, uint32_t lapic_id, bool active_low, bool level);

#endif
