// SPDX-License-Identifier: MIT
/* tlb.h - flushing the software TLB of machine.c. With NO_TLB_FLUSH_FOR_TEST it forgets nothing. */
#ifndef GAUR_ARCH_TLB_H
#define GAUR_ARCH_TLB_H

#include "arch/x86/cpu.h"
#include "arch/x86/paging.h"

void tlb_flush_local_page(vaddr_t va);
void tlb_flush_local_all(void);

/* Each target calls the handler before this returns: the caller plays it, with that CPU's number. */
void tlb_send_shootdown(uint64_t targets);
void tlb_set_shootdown_handler(void (*handler)(void));

#endif
