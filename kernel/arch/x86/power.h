// SPDX-License-Identifier: MIT
/*
 * power.h - the ways to stop.
 */
#ifndef GAUR_ARCH_POWER_H
#define GAUR_ARCH_POWER_H

#include "lib/types.h"

void __noreturn machine_poweroff(void);
void __noreturn machine_reboot(void);

/* Stop because of a panic: as power off, but a QEMU with isa-debug-exit ends with status 3 instead of 1. */
void __noreturn machine_fail(void);

/* Stop this CPU alone. */
void __noreturn machine_halt_cpu(void);

/* Stop every CPU, stay powered. */
void __noreturn machine_halt(void);

#endif
