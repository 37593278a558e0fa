// SPDX-License-Identifier: MIT
/*
 * exec_stack.c - the first stack of a program: System V ABI for x86-64, section 3.4, and as Linux has it.
 *
 *     stack_top   8 bytes of zero
 *                 name of the program (AT_EXECFN); environment; arguments     strings, from the top down
 *                 (unused, if addresses are random)
 *                 "x86_64" (AT_PLATFORM); 16 random bytes (AT_RANDOM)
 *                 auxiliary vector; 0; envp; 0; argv
 *     rsp ->      argc                                                          aligned to 16
 */
#include "proc/exec_stack.h"

#include <linux/auxvec.h>
#include <asm/auxvec.h>
#include <asm/param.h>

#include "arch/x86/cpuid.h"
#include "dev/random.h"
#include "fs/credentials.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/elf.h"
#include "proc/exec_args.h"
#include "proc/exec_layout.h"

#define PLATFORM "x86_64"
#define RANDOM_BYTES 16
#define AUXV_PAIRS 21
#define SIGNAL_STACK_MIN 2048       // a signal frame with AVX state, and room for a handler

static uint64_t cpu_features;       // CPUID leaf 1, EDX: what AT_HWCAP means on x86

void exec_stack_init(void)
{
    cpu_features = cpuid(1, 0).edx;
}

/* Words on their way to the stack, collected in a frame. */
struct word_writer {
    uint64_t *buffer;
    size_t used;
    vaddr_t to;                     // where the buffer's first word goes
    int error;
};

static void flush(struct word_writer *writer)
{
    if (writer->error == 0)
        writer->error = copy_to_user(writer->to, writer->buffer, writer->used * sizeof(uint64_t));
    writer->to += writer->used * sizeof(uint64_t);
    writer->used = 0;
}

static void put(struct word_writer *writer, uint64_t word)
{
    if (writer->used == PAGE_SIZE / sizeof(uint64_t))
        flush(writer);
    writer->buffer[writer->used++] = word;
}

static void put_pair(struct word_writer *writer, uint64_t type, uint64_t value)
{
    put(writer, type);
    put(writer, value);
}

/* Addresses of `count` strings, the first at `at`, then 0. => the address behind the last */
static vaddr_t put_pointers(struct word_writer *writer, struct length_walk *walk, uint64_t count, vaddr_t at)
{
    for (uint64_t i = 0; i < count; i++) {
        put(writer, at);
        at += length_walk_next(walk);
    }
    put(writer, 0);
    return at;
}

/* Places of what lies between the vector and the strings. */
struct stack_places {
    vaddr_t strings, platform, random, words;
};

static void find_places(const struct exec_stack *stack, struct stack_places *places)
{
    uint64_t words = 1 + (stack->argc + 1) + (stack->envc + 1) + 2 * AUXV_PAIRS;

    places->strings = stack->layout->stack_top - 8 - stack->args->size;
    places->platform = ALIGN_DOWN(places->strings - stack->layout->stack_shift, (vaddr_t)16) - sizeof(PLATFORM);
    places->random = places->platform - RANDOM_BYTES;
    places->words = ALIGN_DOWN(places->random - words * sizeof(uint64_t), (vaddr_t)16);
}

uint64_t exec_stack_size(const struct exec_args *args)
{
    uint64_t words = 3 + args->count + 2 * AUXV_PAIRS;

    return 8 + args->size + sizeof(PLATFORM) + RANDOM_BYTES + words * sizeof(uint64_t) + 3 * 16;
}

static void put_identity(struct word_writer *writer, const struct exec_stack *stack)
{
    put_pair(writer, AT_UID, stack->credentials->uid);
    put_pair(writer, AT_EUID, stack->credentials->euid);
    put_pair(writer, AT_GID, stack->credentials->gid);
    put_pair(writer, AT_EGID, stack->credentials->egid);
    put_pair(writer, AT_SECURE, stack->secure);
}

static void put_program(struct word_writer *writer, const struct exec_stack *stack)
{
    const struct elf_image *program = stack->program;
    const struct elf_image *interpreter = stack->interpreter;

    put_pair(writer, AT_PHDR, program->headers_address == 0 ? 0 : program->headers_address + program->bias);
    put_pair(writer, AT_PHENT, sizeof(Elf64_Phdr));
    put_pair(writer, AT_PHNUM, program->header_count);
    put_pair(writer, AT_BASE, interpreter != NULL ? interpreter->bias : 0);
    put_pair(writer, AT_FLAGS, 0);
    put_pair(writer, AT_ENTRY, program->entry + program->bias);
}

static void put_auxv(struct word_writer *writer, const struct exec_stack *stack,
                     const struct stack_places *places, vaddr_t name)
{
    put_pair(writer, AT_SYSINFO_EHDR, stack->vdso);
    put_pair(writer, AT_MINSIGSTKSZ, SIGNAL_STACK_MIN);
    put_pair(writer, AT_HWCAP, cpu_features);
    put_pair(writer, AT_PAGESZ, PAGE_SIZE);
    put_pair(writer, AT_CLKTCK, HZ);
    put_program(writer, stack);
    put_identity(writer, stack);
    put_pair(writer, AT_RANDOM, places->random);
    put_pair(writer, AT_HWCAP2, 0);
    put_pair(writer, AT_EXECFN, name);
    put_pair(writer, AT_PLATFORM, places->platform);
    put_pair(writer, AT_NULL, 0);
}

static void put_all(struct word_writer *writer, struct exec_stack *stack, const struct stack_places *places)
{
    struct program_ranges *ranges = stack->ranges;
    struct length_walk walk;

    length_walk_begin(&walk, stack->args);
    put(writer, stack->argc);
    ranges->stack_start = places->words;
    ranges->arg_start = places->strings;
    ranges->arg_end = put_pointers(writer, &walk, stack->argc, ranges->arg_start);
    ranges->env_start = ranges->arg_end;
    ranges->env_end = put_pointers(writer, &walk, stack->envc, ranges->env_start);
    ranges->auxv_start = writer->to + writer->used * sizeof(uint64_t);
    put_auxv(writer, stack, places, ranges->env_end);
    ranges->auxv_size = writer->to + writer->used * sizeof(uint64_t) - ranges->auxv_start;
    flush(writer);
}

static int write_small_things(const struct stack_places *places)
{
    uint8_t random[RANDOM_BYTES];
    int error;

    random_bytes(random, sizeof(random));
    error = copy_to_user(places->random, random, sizeof(random));
    return error != 0 ? error : copy_to_user(places->platform, PLATFORM, sizeof(PLATFORM));
}

int exec_stack_write(struct exec_stack *stack)
{
    struct stack_places places;
    struct word_writer writer = {.buffer = kalloc()};
    int error;

    if (writer.buffer == NULL)
        return -ENOMEM;
    find_places(stack, &places);
    writer.to = places.words;
    put_all(&writer, stack, &places);
    kfree(writer.buffer);
    error = writer.error;
    if (error == 0)
        error = exec_args_write(stack->args, places.strings);
    if (error == 0)
        error = write_small_things(&places);
    stack->sp = places.words;
    return error;
}
