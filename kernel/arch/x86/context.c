// SPDX-License-Identifier: MIT
/*
 * context.c - new stacks, and the segment bases of user threads.
 */
#include "arch/x86/context.h"

#include "arch/x86/msr.h"

extern char context_start[]; // context.S

void *context_prepare(void *stack_top, void (*fn)(void *), void *arg)
{
    // After the pop of rip the stack pointer is 16-byte aligned, as context_start's call wants it.
    struct switch_frame *frame = (struct switch_frame *)((char *)stack_top - 16) - 1;

    *frame = (struct switch_frame){
        .rbx = (uint64_t)fn,
        .r12 = (uint64_t)arg,
        .rip = (uint64_t)context_start,
    };
    return frame;
}

void user_set_fs_base(uint64_t base)
{
    msr_write(MSR_FS_BASE, base);
}

/* In the kernel the user's GS base waits in the other register (swapgs). */
void user_set_gs_base(uint64_t base)
{
    msr_write(MSR_KERNEL_GS_BASE, base);
}

uint64_t user_fs_base(void)
{
    return msr_read(MSR_FS_BASE);
}

uint64_t user_gs_base(void)
{
    return msr_read(MSR_KERNEL_GS_BASE);
}
