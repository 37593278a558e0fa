// SPDX-License-Identifier: MIT
#include "support.h"

#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/errno.h"
#include "mm/active.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/reclaim.h"

#define PAGE_BYTES ((size_t)PAGE_SIZE)

/* ---- Begin and end of a test ---- */

static struct frame_counts frames_at_begin;
static uint64_t events_seen[VM_EVENTS];
static bool in_test; // still set at the next one's begin: the last one left a mess, so no more can be said

int support_begin(void **state)
{
    (void)state;
    if (in_test)
        return -1;
    in_test = true;
    machine_set_cpu(0);
    frames_at_begin = count_frames();
    forget_events();
    return 0;
}

int support_end(void **state)
{
    (void)state;
    for (unsigned cpu = MAX_CPUS; cpu-- > 0;) {
        machine_set_cpu(cpu);
        machine_load(NULL);
    }
    assert_int_equal(preempt_count(), 0);
    assert_true(list_empty(vspaces_lock()));
    vspaces_unlock();
    assert_verify_clean();
    assert_frames_equal(&frames_at_begin);
    in_test = false;
    return 0;
}

/* ---- Frames ---- */

struct frame_counts count_frames(void)
{
    struct frame_counts counts;

    reclaim_all();
    for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
        counts.of[kind] = frames_by_kind(kind);
    return counts;
}

void assert_frames_equal(const struct frame_counts *before)
{
    struct frame_counts now = count_frames();

    for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
        if (now.of[kind] != before->of[kind])
            fail_msg("%s frames: %lu before, %lu now", frame_kind_name(kind), before->of[kind], now.of[kind]);
}

/* Each frame of the hoard holds the address of the next. */
static void **hoard;

void hoard_take(uint64_t left)
{
    reclaim_all();
    while (frames_by_kind(FRAME_FREE) > left) {
        void **frame = kalloc();
        assert_non_null(frame);
        *frame = hoard;
        hoard = frame;
    }
}

void hoard_give_back(void)
{
    while (hoard) {
        void **frame = hoard;
        hoard = *frame;
        kfree(frame);
    }
}

/* ---- Verify ---- */

static char verify_text[1000];

static void keep_line(void *arg, const char *text)
{
    size_t length = strlen(verify_text);

    (void)arg;
    snprintf(verify_text + length, sizeof verify_text - length, "\n  %s", text);
}

uint32_t verify_broken(void)
{
    struct verify_report report = {.line = keep_line};

    verify_text[0] = '\0';
    verify_all(&report);
    assert_int_equal(report.violations != 0, report.broken != 0);
    return report.broken;
}

void assert_verify_clean(void)
{
    if (verify_broken())
        fail_msg("verify:%s", verify_text);
}

void assert_broken(enum invariant invariant)
{
    uint32_t broken = verify_broken();
    char name[8];

    snprintf(name, sizeof name, "\n  I%d ", invariant);
    if (!(broken & 1u << invariant) || !strstr(verify_text, name))
        fail_msg("verify does not name I%d, but:%s", invariant, broken ? verify_text : " nothing");
}

/* ---- Panics ---- */

static int panic_pipe;

static void report_panic(const char *message)
{
    if (write(panic_pipe, message, strlen(message)) < 0)
        _exit(2);
    _exit(0);
}

/* In the child. */
static void run_and_report(void (*function)(void *arg), void *arg, int pipe_end)
{
    panic_pipe = pipe_end;
    machine_on_panic = report_panic;
    function(arg);
    _exit(1);
}

void assert_panics(void (*function)(void *arg), void *arg, const char *text)
{
    char message[512] = "";
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_and_report(function, arg, ends[1]);
    close(ends[1]);
    ssize_t size = read(ends[0], message, sizeof message - 1);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (size <= 0)
        fail_msg("no panic, but one was expected with \"%s\"", text);
    if (!strstr(message, text))
        fail_msg("panic \"%s\", expected one with \"%s\"", message, text);
}

/* ---- Counters ---- */

void forget_events(void)
{
    for (unsigned event = 0; event < VM_EVENTS; event++)
        events_seen[event] = vm_total(event);
}

void assert_events_are(const uint64_t expected[VM_EVENTS], const char *file, int line)
{
    for (unsigned event = VM_PGFREE + 1; event < VM_EVENTS; event++) {
        uint64_t seen = vm_total(event) - events_seen[event];
        if (seen != expected[event])
            fail_msg("%s:%d: %s: %lu, expected %lu", file, line, vm_event_name(event), seen, expected[event]);
    }
    forget_events();
}

/* ---- Spaces ---- */

struct vspace *make_space(void)
{
    struct vspace *space = vspace_create();

    assert_non_null(space);
    machine_set_cpu(0);
    machine_load(space);
    return space;
}

void end_space(struct vspace *space)
{
    unsigned self = cpu_id();

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (!(space->active & (cpu == self ? ACTIVE_ANY(cpu) : ACTIVE_RUNNING(cpu))))
            continue; // other CPUs may idle with it
        machine_set_cpu(cpu);
        machine_load(NULL);
    }
    machine_set_cpu(self);
    vspace_put(space);
}

struct vspace *fork_space(struct vspace *parent)
{
    struct vspace *child;

    assert_int_equal(vspace_fork(parent, &child), 0);
    return child;
}

/* ---- Files ---- */

static int file_fill(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count)
{
    struct test_file *file = container_of(cache, struct test_file, cache);

    if (file->fill_error)
        return file->fill_error;
    for (unsigned i = 0; i < count; i++)
        memset(page2kva(pages[i]), (uint8_t)(file->first + index + i), PAGE_BYTES);
    return 0;
}

static void file_hold(struct page_cache *cache)
{
    container_of(cache, struct test_file, cache)->holds++;
}

static void file_release(struct page_cache *cache)
{
    struct test_file *file = container_of(cache, struct test_file, cache);

    assert_true(file->holds > 0);
    file->holds--;
}

static const struct page_cache_ops file_ops = {.fill = file_fill, .hold = file_hold, .release = file_release};

void make_file(struct test_file *file, uint64_t size, uint8_t first)
{
    *file = (struct test_file){.first = first};
    page_cache_init(&file->cache, &file_ops);
    atomic_store(&file->cache.size, size);
}

void end_file(struct test_file *file)
{
    assert_int_equal(file->holds, 0);
    page_cache_destroy(&file->cache);
}

/* ---- Mapping and touching ---- */

static void map_request_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot, unsigned flags,
                           struct page_cache *file)
{
    struct map_request request = {
        .addr = va,
        .size = pages * PAGE_SIZE,
        .prot = prot,
        .max_prot = R | W | X,
        .flags = flags | MAP_FIXED | (file ? 0 : MAP_ANONYMOUS),
        .file = file,
    };

    assert_int_equal(vspace_mmap(space, &request), va);
}

void map_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot)
{
    map_request_at(space, va, pages, prot, MAP_PRIVATE, NULL);
}

void map_shared_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot)
{
    map_request_at(space, va, pages, prot, MAP_SHARED, NULL);
}

void map_file_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot, struct test_file *file, bool shared)
{
    map_request_at(space, va, pages, prot, shared ? MAP_SHARED : MAP_PRIVATE, &file->cache);
}

uint8_t peek(struct vspace *space, vaddr_t va)
{
    uint8_t value;

    machine_load(space);
    assert_int_equal(machine_access(space, va, PF_U, &value, NULL), FAULT_RESOLVED);
    return value;
}

void poke(struct vspace *space, vaddr_t va, uint8_t value)
{
    machine_load(space);
    assert_int_equal(machine_access(space, va, PF_U | PF_W, &value, NULL), FAULT_RESOLVED);
}

static enum fault_outcome try_access(struct vspace *space, vaddr_t va, uint32_t access)
{
    uint8_t value = 0;

    machine_load(space);
    return machine_access(space, va, access, &value, NULL);
}

enum fault_outcome try_read(struct vspace *space, vaddr_t va)
{
    return try_access(space, va, PF_U);
}

enum fault_outcome try_write(struct vspace *space, vaddr_t va)
{
    return try_access(space, va, PF_U | PF_W);
}

enum fault_outcome try_fetch(struct vspace *space, vaddr_t va)
{
    return try_access(space, va, PF_U | PF_I);
}

pte_t entry_of(struct vspace *space, vaddr_t va)
{
    struct core_map_entry *leaf = node_find_leaf(space, va);

    return leaf ? pte_load(&node_entries(leaf)[pte_index(va, LEAF_LEVEL)]) : pte_none();
}

struct core_map_entry *frame_of(struct vspace *space, vaddr_t va)
{
    struct vpage_info *info = va2vpage_info(space, va);

    return info && info->present ? vpage_frame(info) : NULL;
}

/* ---- Regions ---- */

static bool count_one(const struct vregion *region, void *arg)
{
    (void)region;
    ++*(unsigned *)arg;
    return true;
}

unsigned count_regions(struct vspace *space)
{
    unsigned count = 0;

    vspace_for_each_region(space, count_one, &count);
    return count;
}

static bool describe_one(const struct vregion *region, void *arg)
{
    char *text = arg;
    size_t length = strlen(text);

    snprintf(text + length, 500 - length, "%s%lx+%lu %c%c%c", length ? ", " : "", vregion_start(region),
             region->size / PAGE_SIZE, region->prot & R ? 'r' : '-', region->prot & W ? 'w' : '-',
             region->prot & X ? 'x' : '-');
    return true;
}

void assert_regions(struct vspace *space, const char *expected)
{
    char text[500] = "";

    vspace_for_each_region(space, describe_one, text);
    assert_string_equal(text, expected);
}
