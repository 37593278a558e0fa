// SPDX-License-Identifier: MIT
/*
 * table.c - from a number to a system call.
 */
#include "sys/syscall.h"

#include <asm/unistd.h>

#include "arch/x86/trap.h"
#include "lib/string.h"
#include "sys/missing.h"

#define CALL(name) syscall_fn sys_##name;
#include "sys/calls.h"
#undef CALL

static syscall_fn *const syscall_table[] = {
#define CALL(name) [__NR_##name] = sys_##name,
#include "sys/calls.h"
#undef CALL
};

/* The names, each behind its number; without pointers they take a third of the room. */
static const struct {
#define NAME(name) struct { uint16_t number; char text[sizeof #name]; } __packed name;
#include "sys/names.h"
#undef NAME
} __packed syscall_names = {
#define NAME(name) .name = {__NR_##name, #name},
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
    const char *p = (const char *)&syscall_names, *end = p + sizeof syscall_names;

    while (p < end) {
        uint16_t found;

        memcpy(&found, p, sizeof found);
        p += sizeof found;
        if (found == number)
            return p;
        p += strlen(p) + 1;
    }
    return NULL;
}
