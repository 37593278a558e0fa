// SPDX-License-Identifier: MIT
/*
 * tlb.h - dropping cached translations on this CPU, and asking others to. The policy is in mm/tlb.c.
 */
#ifndef GAUR_ARCH_TLB_H
#define GAUR_ARCH_TLB_H

#include "arch/x86/cpu.h"
#include "arch/x86/paging.h"

/* Drop the translation of one page on this CPU, global ones too, and all cached upper levels (SDM 4.10.4.1). */
static inline void tlb_flush_local_page(vaddr_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Drop all translations of user addresses on this CPU. */
static inline void tlb_flush_local_all(void)
{
    paging_load(paging_current_root());
}

/*
 * Interrupt every CPU in `targets`, a bit each, but this one; each calls the handler, with interrupts off. Does not wait: the
 * handler and its caller agree on how to acknowledge.
 *
 * => preemption off
 */
void tlb_send_shootdown(uint64_t targets);
void tlb_set_shootdown_handler(void (*handler)(void));

#endif
