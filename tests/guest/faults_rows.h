// SPDX-License-Identifier: MIT
/*
 * faults_rows.h - the fault table as data: how to provoke each row, and what must be seen.
 */
#ifndef GUEST_FAULTS_ROWS_H
#define GUEST_FAULTS_ROWS_H

#include "touch.h"

/* What the kernel does with it. */
enum row_end { RESOLVED, NO_FAULT, MAPERR, ACCERR, ADRERR, KERNEL_SEGV, GP };

struct row {
    const char *name;
    enum touch_kind kind;
    unsigned code;          // from user mode; with the kernel as toucher the same without U
    unsigned ignore;        // bits that depend on what the processor has cached or on the kernel's own mapping
    unsigned linux_adds;    // bits of the last fault on Linux, where it resolves a part first
    enum row_end end;
    const char *cause;      // as /proc/self/gaur/fault names it
    volatile unsigned char *(*make)(void);  // a fresh address; NULL: errno says why not
    void (*undo)(void);
};

extern const struct row rows[];
extern const size_t row_count;
extern volatile unsigned char *rows_stack; // set by main: an address in its frame, above all that a row writes to

#endif
