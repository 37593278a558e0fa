// SPDX-License-Identifier: MIT
/*
 * gaur.c - /proc/gaur: a look into the memory manager.
 */
#include "lib/errno.h"
#include "mm/core_map.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/tlb.h"
#include "mm/verify.h"
#include "sys/missing.h"
#include "sys/procfs/events.h"
#include "sys/procfs/node.h"
#include "sys/procfs/sanitizer/provoke.h"
#include "sys/syscall.h"

/* Frames of text that the lines of one report of verify_all can take. */
#define VERIFY_PAGES 4

/* KIND COUNT, for each kind of frame. */
static int show_frames(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    for (int kind = 0; kind < FRAME_KINDS; kind++)
        text_printf(text, "%s %lu\n", frame_kind_name(kind), frames_by_kind(kind));
    return 0;
}

static void put_violation(void *arg, const char *line)
{
    text_printf(arg, "%s\n", line);
}

/* The violations, and "verify: ok" or how many there are. */
static int show_verify(const struct proc_inode *inode, struct text *text)
{
    struct verify_report report = {.line = put_violation, .arg = text};

    (void)inode;
    text_reserve(text, VERIFY_PAGES);
    if (text->error)
        return text->error;
    verify_all(&report);
    if (report.violations)
        text_printf(text, "verify: %u violations\n", report.violations);
    else
        text_puts(text, "verify: ok\n");
    return 0;
}

/* NUMBER NAME COUNT PROGRAM, for each system call that a program asked for and that is not there. */
static int show_missing(const struct proc_inode *inode, struct text *text)
{
    struct missing_call call;

    (void)inode;
    for (unsigned i = 0; missing_get(i, &call); i++) {
        const char *name = syscall_name(call.number);

        text_printf(text, "%u %s %u %s\n", call.number, name ? name : "?", call.count, call.program);
    }
    return 0;
}

/*
 * Writing N makes the writer's Nth allocation from now on fail, once; 0 disarms. Writing -N lets, moreover, the call that fails for it
 * be made again. Reading tells how many were left until then (0: it has failed, or nothing was armed), and disarms first, so that it
 * does not itself meet the failure.
 */
static int show_fail(const struct proc_inode *inode, struct text *text)
{
    uint64_t left = fail_left();

    (void)inode;
    fail_arm(NULL, 0, false);
    text_printf(text, "%lu\n", left);
    return 0;
}

/* => 0, or -EINVAL: no decimal number, or a huge one */
static int parse_number(const char *value, uint64_t *n)
{
    for (*n = 0; *value; value++) {
        if (*value < '0' || *value > '9' || *n > UINT32_MAX)
            return -EINVAL;
        *n = *n * 10 + (uint64_t)(*value - '0');
    }
    return 0;
}

static int store_fail(const struct proc_inode *inode, const char *value)
{
    bool again = value[0] == '-';
    uint64_t n;
    int error = parse_number(value + again, &n);

    (void)inode;
    if (!error)
        fail_arm(current_kthread(), n, again);
    return error;
}

/* How many pages are flushed one by one at most; bench/flush.c looks for the best number. */
static int show_flush_pages(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%u\n", tlb_flush_pages_max);
    return 0;
}

static int store_flush_pages(const struct proc_inode *inode, const char *value)
{
    uint64_t n;
    int error = parse_number(value, &n);

    (void)inode;
    if (!error)
        tlb_flush_pages_max = (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
    return error;
}

const struct proc_node proc_gaur_nodes[] = {
    {.name = "events", .mode = S_IFREG | 0400, .flags = PROC_RAW, .ops = &proc_events_ops},
    {.name = "fail", .mode = S_IFREG | 0600, .show = show_fail, .store = store_fail},
    PROC_FILE("frames", 0444, show_frames),
    PROC_FILE("missing", 0444, show_missing),
#ifdef SANITIZE
    {.name = "provoke", .mode = S_IFREG | 0600, .show = show_provoke, .store = store_provoke},
#endif
    {.name = "tlb_flush_pages", .mode = S_IFREG | 0600, .show = show_flush_pages, .store = store_flush_pages},
    PROC_FILE("verify", 0400, show_verify),
    {0},
};
