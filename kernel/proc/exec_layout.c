// SPDX-License-Identifier: MIT
/*
 * exec_layout.c - randomisation of the address space.
 *
 * Theory      What Linux moves is moved here, as far: the stack by 16 GiB in pages, and its pointer by 8 KiB more; where
 *             mmap begins, and with it loaders and libraries, by 28 bits of pages; position-independent programs likewise,
 *             on their own; the heap by 32 MiB. A fork keeps all of it.
 * Leaves      The stack's end is never within STACK_MARGIN pages of a border between two leaf nodes: what a process writes
 *             first would lie in two of them in one start out of a hundred, and cost two frames more then. That is a quarter
 *             of a bit less than Linux has.
 */
#include "proc/exec_layout.h"

#include <linux/personality.h>

#include "arch/x86/layout.h"
#include "dev/random.h"
#include "proc/vdso.h"

#define MOVABLE_BASE 0x555555554000ul       // two thirds of the way up: ELF_ET_DYN_BASE on Linux
#define LEAF_SIZE (512 * PAGE_SIZE)
#define STACK_LEAVES (1ul << 13)            // 16 GiB
#define STACK_MARGIN 64                     // pages
#define STACK_SHIFT_END 8192
#define MAP_PAGES (1ul << 28)               // vm.mmap_rnd_bits
#define BRK_PAGES ((32ul << 20) / PAGE_SIZE)

static _Atomic int randomize = 2;

int exec_layout_randomize(void)
{
    return randomize;
}

void exec_layout_set_randomize(int how)
{
    randomize = how;
}

static vaddr_t random_stack_top(uint32_t number)
{
    vaddr_t leaf = ALIGN_UP(USER_END, LEAF_SIZE) - (1 + number % STACK_LEAVES) * LEAF_SIZE;
    uint64_t page = STACK_MARGIN + number / STACK_LEAVES % (512 - 2 * STACK_MARGIN);

    return leaf + page * PAGE_SIZE;
}

void exec_layout_choose(struct exec_layout *layout, uint32_t personality)
{
    int how = randomize;
    uint32_t random[6];

    *layout = (struct exec_layout){.stack_top = USER_END - VDSO_SIZE, .movable_base = MOVABLE_BASE};
    if (how == 0 || (personality & ADDR_NO_RANDOMIZE))
        return;
    random_bytes(random, sizeof(random));
    layout->stack_top = random_stack_top(random[0]);
    layout->stack_shift = ALIGN_DOWN(random[1] % STACK_SHIFT_END, 16u);
    layout->mmap_shift = random[2] % MAP_PAGES * PAGE_SIZE;
    layout->movable_base += random[3] % MAP_PAGES * PAGE_SIZE;
    if (how > 1)
        layout->brk_shift = random[4] % BRK_PAGES * PAGE_SIZE;
}
