// SPDX-License-Identifier: MIT
/*
 * exec_stack.h - what a new program finds on its stack: argc, argv, envp, the auxiliary vector, the
 * strings. For exec.
 */
#ifndef PROC_EXEC_STACK_H
#define PROC_EXEC_STACK_H

#include "proc/process.h"

struct credentials;
struct elf_image;
struct exec_args;
struct exec_layout;

/* What the stack is made from, and what comes of it. */
struct exec_stack {
    const struct exec_args *args;       // arguments, then environment, then the program's name
    uint64_t argc, envc;
    const struct elf_image *program;
    const struct elf_image *interpreter;// or NULL
    const struct credentials *credentials;
    bool secure;                        // AT_SECURE
    const struct exec_layout *layout;
    vaddr_t vdso;                       // AT_SYSINFO_EHDR
    struct program_ranges *ranges;      // out: where strings and vector are
    vaddr_t sp;                         // out
};

void exec_stack_init(void);

/* Bytes that the stack will have in use, but for layout->stack_shift. */
uint64_t exec_stack_size(const struct exec_args *args);

/*
 * Write it, down from layout->stack_top.
 *
 * => the new space is the running thread's, and loaded; 0, -EFAULT (no memory for the stack, or beyond its
 *    limit), -ENOMEM
 */
__must_check int exec_stack_write(struct exec_stack *stack);

#endif
