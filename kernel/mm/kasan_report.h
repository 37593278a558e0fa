// SPDX-License-Identifier: MIT
/*
 * kasan_report.h - what the address sanitizer says of an access that must not be; nothing, in a kernel without it.
 */
#ifndef MM_KASAN_REPORT_H
#define MM_KASAN_REPORT_H

#include "lib/types.h"

#ifdef SANITIZE

/* Reports tell what the memory is. => once, when frames and threads are there */
void kasan_report_init(void);

/* A fault on a shadow that is not there: panic with the address whose shadow it would be. Others are not its business. */
void kasan_report_fault(vaddr_t fault, uint64_t caller);

/* Before the panic after a protection fault: what it may have been. */
void kasan_explain_protection_fault(void);

#else

static inline void kasan_report_init(void)
{
}

static inline void kasan_report_fault(vaddr_t fault, uint64_t caller)
{
    (void)fault, (void)caller;
}

static inline void kasan_explain_protection_fault(void)
{
}

#endif
#endif
