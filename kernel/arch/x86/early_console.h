// SPDX-License-Identifier: MIT
/*
 * early_console.h - the console before there are drivers.
 */
#ifndef GAUR_ARCH_EARLY_CONSOLE_H
#define GAUR_ARCH_EARLY_CONSOLE_H

#include "lib/types.h"

/* For log_set_output. The port is as the firmware left it. */
void early_console_write(const char *text, size_t size);

#endif
