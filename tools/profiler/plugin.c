// SPDX-License-Identifier: MIT
/*
 * plugin.c - a QEMU plugin that counts how often each instruction of the kernel runs, exactly.
 *
 * Theory      Each kernel address has a counter, which translated code increments. What counts is the time between two
 *             marks of the guest's: no-ops with a displacement that nobody else uses (user/mark.h). At the first one
 *             the counters are noted, at the second the differences are added up.
 * Output      In the file: "user N", for all user code, then "ADDRESS N" for each kernel address that ran.
 * Considered  QEMU's log of executed blocks: gigabytes, and no exact figure for a block that a fault leaves half-way.
 *
 * Arguments: out=FILE, marks=region (of a benchmark's row) or marks=program (from its start to its end).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define KERNEL_HALF (1ULL << 63)
#define BUCKETS (1u << 16)

EXPORTED int qemu_plugin_version = QEMU_PLUGIN_INTERFACE;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

struct counter {
    uint64_t address;
    uint64_t runs;           // since the machine started
    uint64_t at_mark;        // ... until the region that is open began
    uint64_t counted;        // in regions
    struct counter *next;    // in its bucket
};

static struct counter *buckets[BUCKETS];
static struct counter user;
static const char *out_path;
static unsigned begin_mark = 1, end_mark = 2;
static bool open_region;

static struct counter *counter_of(uint64_t address)
{
    struct counter **place = &buckets[(address ^ address >> 16) % BUCKETS], *counter;

    if (address < KERNEL_HALF)
        return &user;
    for (counter = *place; counter; counter = counter->next)
        if (counter->address == address)
            return counter;
    counter = calloc(1, sizeof *counter);
    if (counter == NULL)
        abort();
    *counter = (struct counter){.address = address, .next = *place};
    *place = counter;
    return counter;
}

static void each_counter(void (*visit)(struct counter *, void *), void *data)
{
    visit(&user, data);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct counter *counter = buckets[i]; counter; counter = counter->next)
            visit(counter, data);
}

/* --- regions */

static void note(struct counter *counter, void *data)
{
    (void)data;
    counter->at_mark = counter->runs;
}

static void add(struct counter *counter, void *data)
{
    (void)data;
    counter->counted += counter->runs - counter->at_mark;
}

static void begin(unsigned cpu, void *data)
{
    (void)cpu;
    open_region = true;
    each_counter(note, data);
}

static void end(unsigned cpu, void *data)
{
    (void)cpu;
    if (open_region)
        each_counter(add, data);
    open_region = false;
}

/* The number of a mark: nopl 0x6761750N(%rax); 0 for any other instruction. */
static unsigned mark_of(const struct qemu_plugin_insn *insn)
{
    static const uint8_t nop[] = {0x0f, 0x1f, 0x80}, magic[] = {0x75, 0x61, 0x67};
    const uint8_t *bytes = qemu_plugin_insn_data(insn);

    if (qemu_plugin_insn_size(insn) != 7 || memcmp(bytes, nop, 3) != 0 || memcmp(bytes + 4, magic, 3) != 0)
        return 0;
    return bytes[3];
}

/* --- QEMU's calls */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        struct counter *counter = counter_of(qemu_plugin_insn_vaddr(insn));
        unsigned mark = mark_of(insn);

        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &counter->runs, 1);
        if (mark == begin_mark)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
        else if (mark == end_mark)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

static void print(struct counter *counter, void *data)
{
    if (counter == &user)
        fprintf(data, "user %" PRIu64 "\n", counter->counted);
    else if (counter->counted)
        fprintf(data, "%" PRIx64 " %" PRIu64 "\n", counter->address, counter->counted);
}

static void finish(qemu_plugin_id_t id, void *data)
{
    FILE *out = fopen(out_path, "w");

    (void)id;
    if (open_region) // the guest ended without the second mark
        each_counter(add, data);
    if (out == NULL) {
        qemu_plugin_outs("profile: the counts cannot be written\n");
        return;
    }
    each_counter(print, out);
    fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            out_path = strdup(argv[i] + 4);
        else if (strcmp(argv[i], "marks=program") == 0)
            begin_mark = 3, end_mark = 4;
    }
    if (out_path == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
