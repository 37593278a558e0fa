// SPDX-License-Identifier: MIT
/*
 * exec_args.h - the strings that a new program is given, on their way from the old address space to the
 * new one. For exec.
 */
#ifndef PROC_EXEC_ARGS_H
#define PROC_EXEC_ARGS_H

#include "lib/types.h"

#define STRING_MAX (32 * PAGE_SIZE)         // MAX_ARG_STRLEN in <linux/binfmts.h>

/* Bytes in frames, one after the other. */
struct chunk;
struct chunk_list {
    struct chunk *first, *last;
};

/*
 * Strings, and the length of each with its end.
 */
struct exec_args {
    struct chunk_list bytes;
    struct chunk_list lengths;              // uint32_t
    uint64_t size;                          // of all strings
    uint64_t count;
    uint64_t limit;                         // for strings and the pointers to them
};

void exec_args_init(struct exec_args *args, uint64_t stack_limit);
void exec_args_release(struct exec_args *args);

/*
 * Append one string, or those of a null-terminated array but for the first `skip`.
 *
 * => 0, -E2BIG, -ENOMEM, -EFAULT, -EINTR (the process is to end)
 */
__must_check int exec_args_add(struct exec_args *args, const char *string);
__must_check int exec_args_add_kernel(struct exec_args *args, const char *const *array, unsigned skip);
__must_check int exec_args_add_user(struct exec_args *args, vaddr_t array, unsigned skip);

/* Write all strings, one behind the other, to user memory. => 0, -EFAULT */
__must_check int exec_args_write(const struct exec_args *args, vaddr_t to);

/* Walks over the lengths. */
struct length_walk {
    const struct chunk *chunk;
    size_t at;
};
void length_walk_begin(struct length_walk *walk, const struct exec_args *args);
uint32_t length_walk_next(struct length_walk *walk);    // => not more often than args->count

#endif
