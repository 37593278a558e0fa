// SPDX-License-Identifier: MIT
/*
 * table.c - from a number to a system call.
 */
#include "sys/syscall.h"

#include <asm/unistd.h>

#include "arch/x86/trap.h"
#include "sys/missing.h"

#define CALL(name) syscall_fn sys_##name;
#include "sys/calls.h"
#undef CALL

static syscall_fn *const syscall_table[] = {
#define CALL(name) [__NR_##name] = sys_##name,
#include "sys/calls.h"
#undef CALL
};

static const char *const syscall_names[] = {
#define NAME(name) [__NR_##name] = #name,
#include "sys/names.h"
#undef NAME
};

int64_t syscall_dispatch(struct trap_frame *tf)
{
    uint64_t number = tf->rax;

    if (unlikely(number >= ARRAY_SIZE(syscall_table) || !syscall_table[number]))
        return missing_count(number);
    return syscall_table[number](tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9);
}

const char *syscall_name(uint64_t number)
{
    return number < ARRAY_SIZE(syscall_names) ? syscall_names[number] : NULL;
}
