// SPDX-License-Identifier: MIT
/*
 * exec_space.c - the address space of a new program: stack, vDSO, program, heap, interpreter.
 */
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/map.h"
#include "mm/vspace.h"
#include "proc/exec_private.h"
#include "proc/exec_stack.h"
#include "proc/rlimit.h"
#include "proc/vdso.h"

#define STACK_AT_FIRST (32 * PAGE_SIZE)     // as Linux: beyond what is in use, before it grows

static int map_stack(struct exec *exec)
{
    uint64_t limit = current_process()->limits[RLIMIT_STACK].rlim_cur;
    uint64_t used = exec_stack_size(&exec->args) + exec->layout.stack_shift;
    uint64_t size = MAX(used, MIN(used + STACK_AT_FIRST, limit));
    int error;

    atomic_store_explicit(&exec->space->stack_limit, limit, memory_order_relaxed);
    vspace_set_limits(exec->space, rlimit_current(RLIMIT_AS), rlimit_current(RLIMIT_DATA));
    error = vspace_map_stack(exec->space, exec->layout.stack_top, size, exec->program.stack_executable);
    if (error == 0 && exec->layout.mmap_shift != 0)
        vspace_lower_mmap(exec->space, exec->layout.mmap_shift);
    return error;
}

/* A program that needs no interpreter may be one itself, and leaves the programs' place to what it will load. */
static int64_t choose_bias(struct exec *exec)
{
    const struct elf_image *program = &exec->program;

    if (!program->movable)
        return 0;
    if (exec->interpreter_file == NULL)
        return elf_find_room(exec->space, program);
    return ALIGN_UP(exec->layout.movable_base, program->alignment) - program->low;
}

/* The heap begins behind the program; of one that lies among mappings, where there is more room. */
static vaddr_t brk_start(const struct exec *exec)
{
    const struct elf_image *program = &exec->program;
    bool among_mappings = program->movable && exec->interpreter_file == NULL;

    return among_mappings ? exec->layout.movable_base : ALIGN_UP(program->high + program->bias, PAGE_SIZE);
}

static int map_program(struct exec *exec)
{
    int64_t bias = choose_bias(exec);
    int error = bias < 0 ? bias : elf_map(exec->space, &exec->program, bias);

    if (error == 0)
        vspace_set_brk_start(exec->space, brk_start(exec) + exec->layout.brk_shift);
    return error;
}

static int map_interpreter(struct exec *exec)
{
    int64_t bias;

    if (exec->interpreter_file == NULL)
        return 0;
    bias = exec->interpreter.movable ? elf_find_room(exec->space, &exec->interpreter) : 0;
    return bias < 0 ? bias : elf_map(exec->space, &exec->interpreter, bias);
}

int exec_build_space(struct exec *exec)
{
    int error;

    exec_layout_choose(&exec->layout, exec->personality);
    exec->space = vspace_create();
    if (exec->space == NULL)
        return -ENOMEM;
    exec->space->no_huge = current_process()->vspace->no_huge;
    error = map_stack(exec);
    if (error == 0)
        error = vdso_map(exec->space, exec->layout.stack_top, &exec->vdso);
    if (error == 0)
        error = map_program(exec);
    return error != 0 ? error : map_interpreter(exec);
}
