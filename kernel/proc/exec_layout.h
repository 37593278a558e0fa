// SPDX-License-Identifier: MIT
/*
 * exec_layout.h - at which addresses the parts of a new program go: the same ones each time, or random ones.
 */
#ifndef PROC_EXEC_LAYOUT_H
#define PROC_EXEC_LAYOUT_H

#include "lib/types.h"

/* Where a program goes. */
struct exec_layout {
    vaddr_t stack_top;          // the end of its stack; behind it is room for the vDSO
    uint64_t stack_shift;       // bytes that stay unused below the strings on the stack
    uint64_t mmap_shift;        // bytes that mmap begins lower by than the stack's limit asks for
    vaddr_t movable_base;       // for ET_DYN programs that have an interpreter, and for the heap of the others
    uint64_t brk_shift;         // bytes between the program and its heap
};

/* Choose, as the setting and a personality say. */
void exec_layout_choose(struct exec_layout *layout, uint32_t personality);

/* randomize_va_space: 0 none, 1 all but the heap, others the heap, too. Kernel argument norandmaps: 0. */
int exec_layout_randomize(void);
void exec_layout_set_randomize(int how);

#endif
