// SPDX-License-Identifier: MIT
/*
 * provoke.c - mistakes on purpose, each in a function of its own, whose name the report has to say.
 *
 * Where a mistake writes, it writes what is there already, or to memory of its own: when nobody stops it, no harm is done.
 *
 * What they compute with is volatile, so that the compiler neither sees the mistake nor leaves it out.
 */
#include "sys/procfs/sanitizer/provoke.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"
#include "mm/usercopy.h"

static volatile int largest = INT32_MAX, nothing = 0, seventy = 70;
static int *volatile no_pointer;
static volatile int sink;

static void provoke_overflow(void)
{
    sink = largest + 1;
}

static void provoke_shift(void)
{
    sink = 1 << seventy;
}

static void provoke_division(void)
{
    sink = largest / nothing;
}

static void provoke_index(void)
{
    static volatile int few[8];

    sink = few[seventy];
}

static void provoke_null(void)
{
    sink = *no_pointer;
}

static void provoke_misaligned(void)
{
    static uint64_t words[2];

    sink = (int)*(volatile uint64_t *)((uintptr_t)words + 1 + nothing);
}

/* ---- Memory that nobody has ---- */

static volatile char *volatile where;

static void provoke_slab_use_after_free(void)
{
    where = slab_zalloc(100);
    if (!where)
        return;
    slab_free((void *)where);
    sink = where[40];
}

static void provoke_slab_out_of_bounds(void)
{
    where = slab_zalloc(100);
    if (where)
        where[100] = 1;
    slab_free((void *)where);
}

static void provoke_slab_double_free(void)
{
    where = slab_zalloc(100);
    slab_free((void *)where);
    slab_free((void *)where);
    sink = 0; // no tail call, which would leave no trace of this function
}

static void provoke_frame_use_after_free(void)
{
    where = kalloc();
    if (!where)
        return;
    kfree((void *)where);
    sink = where[24];
}

static void provoke_stack_out_of_bounds(void)
{
    char buffer[13] = "";

    where = buffer;
    where[nothing + 13] = 1;
}

static void provoke_stack_use_after_scope(void)
{
    {
        char inner[16] = "";

        where = inner;
    }
    where[3] = 1;
}

static void provoke_global_out_of_bounds(void)
{
    static char global_few[10];

    where = global_few;
    where[nothing + 10] = 1;
}

/* By an instruction that the compiler does not see. */
static void provoke_copy_out_of_bounds(void)
{
    char buffer[16] = "";

    where = buffer;
    memset((void *)where, 0, 17 + (size_t)nothing);
}

/* By the functions in assembly that touch user memory. The address is none of a user's, but that is looked at later. */
static void provoke_user_copy_out_of_bounds(void)
{
    char *few = slab_zalloc(24);

    sink = few ? copy_from_user(few, (vaddr_t)nothing, 25) : 0;
    slab_free(few);
}

static void provoke_wild(void)
{
    where = (volatile char *)(UINT64_C(0xffffe00000000000) + (unsigned)nothing);
    sink = where[8];
}

static void provoke_user_address(void)
{
    where = (volatile char *)(uintptr_t)(unsigned)(4096 + nothing);
    sink = where[8];
}

/* Down to the page below the stack, which is never mapped. The report is printed on the double fault's stack. */
static void provoke_deep_recursion(void)
{
    char buffer[64] = "";

    where = buffer;
    if (nothing == 0)
        provoke_deep_recursion();
    where = buffer;
}

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    {"overflow", provoke_overflow}, {"shift", provoke_shift}, {"division", provoke_division},
    {"index", provoke_index},       {"null", provoke_null},   {"misaligned", provoke_misaligned},
    {"slab_use_after_free", provoke_slab_use_after_free},
    {"slab_out_of_bounds", provoke_slab_out_of_bounds},
    {"slab_double_free", provoke_slab_double_free},
    {"frame_use_after_free", provoke_frame_use_after_free},
    {"stack_out_of_bounds", provoke_stack_out_of_bounds},
    {"stack_use_after_scope", provoke_stack_use_after_scope},
    {"global_out_of_bounds", provoke_global_out_of_bounds},
    {"copy_out_of_bounds", provoke_copy_out_of_bounds},
    {"user_copy_out_of_bounds", provoke_user_copy_out_of_bounds},
    {"wild", provoke_wild},
    {"user_address", provoke_user_address},
    {"deep_recursion", provoke_deep_recursion},
};

int show_provoke(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++)
        text_printf(text, "%s\n", mistakes[i].name);
    return 0;
}

int store_provoke(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++)
        if (strcmp(value, mistakes[i].name) == 0) {
            mistakes[i].make();
            return 0;
        }
    return -EINVAL;
}
