// SPDX-License-Identifier: MIT
/*
 * exception_table.c - which kernel instructions may fault on user addresses, and where they go on then.
 */
#include "arch/x86/user_copy.h"

/* Both relative to the field itself; FAULTS_AT in user_copy.S makes them. */
struct exception_entry {
    int32_t instruction;
    int32_t fixup;
};

extern const struct exception_entry exceptions_start[]; // kernel.ld
extern const struct exception_entry exceptions_end[];

static const struct exception_entry *exception_find(uint64_t rip)
{
    for (const struct exception_entry *e = exceptions_start; e < exceptions_end; e++) {
        if ((uint64_t)&e->instruction + (uint64_t)(int64_t)e->instruction == rip)
            return e;
    }
    return NULL;
}

bool exception_expected(uint64_t rip)
{
    return exception_find(rip) != NULL;
}

bool exception_fixup(struct trap_frame *tf)
{
    const struct exception_entry *e = exception_find(tf->rip);

    if (!e)
        return false;
    tf->rip = (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
    return true;
}
