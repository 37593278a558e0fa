// SPDX-License-Identifier: MIT
/*
 * exec_args.c - the strings that a new program is given.
 *
 * They are copied twice: from the old program into frames, since it will be gone, and from there onto the
 * new stack.
 */
#include "proc/exec_args.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/signal.h"

/* One frame. */
struct chunk {
    struct chunk *next;
    size_t used;                            // of `bytes`
    char bytes[PAGE_SIZE - 16];
};

static_assert(sizeof(struct chunk) == PAGE_SIZE, "a chunk is a frame");
static_assert(sizeof(((struct chunk *)0)->bytes) % sizeof(uint32_t) == 0, "no length is split");

#define ARGUMENTS_MIN (32 * PAGE_SIZE)              // ARG_MAX in <linux/limits.h>
#define ARGUMENTS_MAX ((8ul << 20) / 4 * 3)         // Linux: three quarters of _STK_LIM

void exec_args_init(struct exec_args *args, uint64_t stack_limit)
{
    *args = (struct exec_args){.limit = MIN(MAX(stack_limit / 4, ARGUMENTS_MIN), ARGUMENTS_MAX)};
}

static void chunks_free(struct chunk_list *list)
{
    while (list->first != NULL) {
        struct chunk *next = list->first->next;

        kfree(list->first);
        list->first = next;
    }
    list->last = NULL;
}

void exec_args_release(struct exec_args *args)
{
    chunks_free(&args->bytes);
    chunks_free(&args->lengths);
}

/* The last chunk, if it has room, or a new one. => NULL when there is no memory */
static struct chunk *chunk_with_room(struct chunk_list *list)
{
    struct chunk *chunk = list->last;

    if (chunk != NULL && chunk->used < sizeof(chunk->bytes))
        return chunk;
    chunk = kalloc();
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->used = 0;
    if (list->last != NULL)
        list->last->next = chunk;
    else
        list->first = chunk;
    list->last = chunk;
    return chunk;
}

/* A string of `length` bytes, its end counted, has been appended. */
static int note_length(struct exec_args *args, uint32_t length)
{
    struct chunk *chunk = chunk_with_room(&args->lengths);

    if (chunk == NULL)
        return -ENOMEM;
    memcpy(chunk->bytes + chunk->used, &length, sizeof(length));
    chunk->used += sizeof(length);
    args->size += length;
    args->count++;
    return args->size + args->count * sizeof(uint64_t) > args->limit ? -E2BIG : 0;
}

int exec_args_add(struct exec_args *args, const char *string)
{
    size_t left = strlen(string) + 1;
    uint32_t length = left;

    if (left > STRING_MAX)
        return -E2BIG;
    while (left > 0) {
        struct chunk *chunk = chunk_with_room(&args->bytes);
        size_t part;

        if (chunk == NULL)
            return -ENOMEM;
        part = MIN(left, sizeof(chunk->bytes) - chunk->used);
        memcpy(chunk->bytes + chunk->used, string, part);
        chunk->used += part;
        string += part;
        left -= part;
    }
    return note_length(args, length);
}

/* => the bytes copied of the string's next part; *ended: its end among them; -errno */
static int64_t add_part(struct exec_args *args, vaddr_t string, bool *ended)
{
    struct chunk *chunk = chunk_with_room(&args->bytes);
    size_t room;
    int64_t length;

    if (chunk == NULL)
        return -ENOMEM;
    room = sizeof(chunk->bytes) - chunk->used;
    length = strncpy_from_user(chunk->bytes + chunk->used, string, room);
    if (length < 0 && length != -ENAMETOOLONG)
        return length;
    *ended = length >= 0;
    length = *ended ? length + 1 : (int64_t)room;
    chunk->used += length;
    return length;
}

static int add_user_string(struct exec_args *args, vaddr_t string)
{
    uint64_t length = 0;
    bool ended = false;

    while (!ended) {
        int64_t part = add_part(args, string + length, &ended);

        if (part < 0)
            return part;
        length += part;
        if (length > STRING_MAX)
            return -E2BIG;
    }
    return note_length(args, length);
}

int exec_args_add_kernel(struct exec_args *args, const char *const *array, unsigned skip)
{
    int error = 0;

    for (unsigned i = 0; error == 0 && array[i] != NULL; i++) {
        if (i >= skip)
            error = exec_args_add(args, array[i]);
    }
    return error;
}

int exec_args_add_user(struct exec_args *args, vaddr_t array, unsigned skip)
{
    uint64_t string;
    int error = 0;

    for (uint64_t i = 0; error == 0 && array != 0; i++) {
        error = get_user_u64(&string, array + i * sizeof(string));
        if (error != 0 || string == 0)
            return error;
        if (signal_fatal_pending())
            return -EINTR;
        if (i >= skip)
            error = add_user_string(args, string);
    }
    return error;
}

int exec_args_write(const struct exec_args *args, vaddr_t to)
{
    const struct chunk *chunk;

    for (chunk = args->bytes.first; chunk != NULL; chunk = chunk->next) {
        if (copy_to_user(to, chunk->bytes, chunk->used) != 0)
            return -EFAULT;
        to += chunk->used;
    }
    return 0;
}

void length_walk_begin(struct length_walk *walk, const struct exec_args *args)
{
    *walk = (struct length_walk){.chunk = args->lengths.first};
}

uint32_t length_walk_next(struct length_walk *walk)
{
    uint32_t length;

    if (walk->at == walk->chunk->used) {
        walk->chunk = walk->chunk->next;
        walk->at = 0;
    }
    memcpy(&length, walk->chunk->bytes + walk->at, sizeof(length));
    walk->at += sizeof(length);
    return length;
}
