// SPDX-License-Identifier: MIT
/*
 * provoke.c - mistakes on purpose, each in a function of its own, whose name the report has to say.
 *
 * What they compute with is volatile, so that the compiler neither sees the mistake nor leaves it out.
 */
#include "sys/procfs/sanitizer/provoke.h"

#include "lib/errno.h"
#include "lib/string.h"

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

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    {"overflow", provoke_overflow}, {"shift", provoke_shift}, {"division", provoke_division},
    {"index", provoke_index},       {"null", provoke_null},   {"misaligned", provoke_misaligned},
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
