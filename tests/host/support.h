// SPDX-License-Identifier: MIT
/*
 * support.h - what the tests of the memory manager share: setting up, touching, counting, panics.
 *
 * Every test made with TEST() begins with the counters noted, and ends with verify clean, no space or hold left, and as
 * many frames of each kind as before.
 */
#ifndef HOST_SUPPORT_H
#define HOST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine.h"

#include "arch/x86/pte.h"
#include "mm/page_cache.h"
#include "mm/stat.h"
#include "mm/verify.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, support_begin, support_end)
#define RUN_TESTS(tests) (machine_boot(), cmocka_run_group_tests(tests, NULL, NULL))

int support_begin(void **state);
int support_end(void **state);

/* ---- Frames ---- */

struct frame_counts {
    uint64_t of[FRAME_KINDS];
};

/* Frames by kind, with nothing kept in caches. */
struct frame_counts count_frames(void);
void assert_frames_equal(const struct frame_counts *before);

/* Take free frames until `left` are left, and give them back. */
void hoard_take(uint64_t left);
void hoard_give_back(void);

/* ---- Verify ---- */

/* The bits of the invariants that verify finds broken; the first lines are kept for messages. */
uint32_t verify_broken(void);
void assert_verify_clean(void);

/* Verify names the invariant. Others may be named too: one corruption often breaks several. */
void assert_broken(enum invariant invariant);

/* ---- Panics ---- */

/* function(arg) panics with `text` in its message. It runs in a copy of the process, so the state stays as it is. */
void assert_panics(void (*function)(void *arg), void *arg, const char *text);

/* ---- Counters ---- */

/* Events since support_begin or the last call are these, and no others (taking and giving back frames aside). */
#define assert_events(...) assert_events_are((const uint64_t[VM_EVENTS]){__VA_ARGS__}, __FILE__, __LINE__)
void assert_events_are(const uint64_t expected[VM_EVENTS], const char *file, int line);
void forget_events(void);

/* ---- Spaces ---- */

#define R VR_READ
#define W VR_WRITE
#define X VR_EXEC

/* An empty space, loaded on CPU 0; and the end of one, wherever it is loaded. */
struct vspace *make_space(void);
void end_space(struct vspace *space);
struct vspace *fork_space(struct vspace *parent);

/* A file whose page i is full of the byte `first + i`, and that counts its holds. Pages are read on demand. */
struct test_file {
    struct page_cache cache;
    uint8_t first;
    int holds;
    int fill_error; // what reading it gives, unless 0
};
void make_file(struct test_file *file, uint64_t size, uint8_t first);
void end_file(struct test_file *file);

/* mmap at a fixed place, which must work. `file` NULL: anonymous. `offset` in pages. */
void map_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot);
void map_shared_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot);
void map_file_at(struct vspace *space, vaddr_t va, unsigned pages, unsigned prot, struct test_file *file, bool shared);

/* Accesses by the program, which must work. The space is loaded on this CPU first. */
uint8_t peek(struct vspace *space, vaddr_t va);
void poke(struct vspace *space, vaddr_t va, uint8_t value);

/* Accesses that may not. => FAULT_RESOLVED or why not */
enum fault_outcome try_read(struct vspace *space, vaddr_t va);
enum fault_outcome try_write(struct vspace *space, vaddr_t va);
enum fault_outcome try_fetch(struct vspace *space, vaddr_t va);

/* The entry of a page and its frame, none and NULL when there is no leaf; the number of regions. */
pte_t entry_of(struct vspace *space, vaddr_t va);
struct core_map_entry *frame_of(struct vspace *space, vaddr_t va);
unsigned count_regions(struct vspace *space);

/* A byte per region, "va+pages rights", for comparing whole layouts: "10000+4 rw-, 20000+1 r--". */
void assert_regions(struct vspace *space, const char *expected);

#endif
