// SPDX-License-Identifier: MIT
/*
 * fpu.h - x87, SSE and AVX registers of user threads. The kernel itself uses none.
 *
 * A state is in XSAVE's standard format (SDM volume 1, 13.4), which is also what a Linux signal frame holds.
 */
#ifndef GAUR_ARCH_FPU_H
#define GAUR_ARCH_FPU_H

#include "lib/types.h"

#define FPU_STATE_ALIGN 64
#define FPU_STATE_MAX   832 // x87 and SSE 512, header 64, AVX 256

/* Turn the units on, on this CPU. */
void fpu_init(void);

/* Bytes of a state here: FPU_STATE_MAX, or 576 without AVX. */
size_t fpu_state_size(void);

/* The components in a state: XCR0, which the signal frame repeats. */
uint64_t fpu_features(void);

/* => states are aligned to FPU_STATE_ALIGN; save and restore with preemption off */
void fpu_save(void *state);
void fpu_restore(const void *state);

/* The state of a fresh program. */
void fpu_initial(void *state);

/* Unmasked exceptions that the CPU's x87 or SSE unit reports now, as bits of its status: 1 invalid, 4 division by zero,
 * 8 overflow, 16 underflow, 32 inexact. => interrupts off since the exception */
uint32_t fpu_pending_exceptions(bool sse);

/*
 * Make a state that a user wrote safe to restore: unknown components, reserved header and MXCSR bits cleared.
 * Without this a crafted signal frame would fault in the kernel.
 */
void fpu_sanitize(void *state);

#endif
