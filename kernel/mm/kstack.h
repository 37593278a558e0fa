// SPDX-License-Identifier: MIT
/*
 * kstack.h - kernel stacks, each with an unmapped guard page below it.
 */
#ifndef MM_KSTACK_H
#define MM_KSTACK_H

#include "lib/types.h"

/* A stack of KSTACK_SIZE bytes: the address just above it. NULL: no memory. => no spinlock held, not from an interrupt */
__must_check void *kstack_alloc(void);

/* Give one back. => `top` from kstack_alloc; nobody runs on it; takes a spinlock and never waits */
void kstack_free(void *top);

/* Unmap stacks that are kept for the next thread and give their frames back. => no spinlock held */
void kstack_drain(void);

#endif
