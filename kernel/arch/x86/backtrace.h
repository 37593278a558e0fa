// SPDX-License-Identifier: MIT
/*
 * backtrace.h - who called whom, with names.
 */
#ifndef GAUR_ARCH_BACKTRACE_H
#define GAUR_ARCH_BACKTRACE_H

#include "lib/types.h"

/* Print the callers of this function through printk. */
void backtrace_print(void);

/*
 * Return addresses of the frames from frame pointer `rbp` on, innermost first, as far as they lie on one kernel stack.
 * => how many, at most `size`
 */
unsigned backtrace_collect(uint64_t rbp, uint64_t *addresses, unsigned size);

/* The same for a flow that context_switch has left, by the stack pointer that it saved. */
unsigned backtrace_collect_switched(const void *sp, uint64_t *addresses, unsigned size);

#define SYMBOL_NAME_MAX 64

/* The function that holds a kernel address, and how far inside. => false outside of the kernel's text */
bool symbol_name(uint64_t address, char name[SYMBOL_NAME_MAX], uint64_t *offset);

/* How large that function is; 0: there is none. */
uint64_t symbol_size(uint64_t address);

#endif
