// SPDX-License-Identifier: MIT
/*
 * faults_rows.c - the rows of the fault table.
 *
 * Each make function returns an address where the next touch is the row's fault. The codes are literals on purpose:
 * they are the table, not a computation that could be wrong in the same way as the kernel.
 */
#include "faults_rows.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

volatile unsigned char *rows_stack;
static unsigned char *made;
static size_t made_pages;
static pid_t holder;

/* File-backed memory that nobody has touched: pages of this program's own data and constants. */
static unsigned char own_data[8 * PAGE] __attribute__((aligned(4096))) = {1};
static const unsigned char own_constants[8 * PAGE] __attribute__((aligned(4096))) = {2};
static size_t next_data, next_constant;

static volatile unsigned char *fresh(void)
{
    made_pages = 2;
    made = pages_map(made_pages);
    return made;
}

static void unmap_made(void)
{
    if (made)
        pages_unmap(made, made_pages);
    made = NULL;
}

/* Below all that the stack has been so far; each call further down. */
static volatile unsigned char *below_stack(void)
{
    static unsigned long depth = 256 * 1024;

    depth += 64 * 1024;
    return (unsigned char *)__builtin_frame_address(0) - depth;
}

static volatile unsigned char *heap(void)
{
    unsigned char *end = (unsigned char *)syscall(SYS_brk, 0);

    if ((unsigned char *)syscall(SYS_brk, end + 4 * PAGE) != end + 4 * PAGE)
        return NULL;
    return end + 2 * PAGE;
}

static void heap_undo(void)
{
    syscall(SYS_brk, syscall(SYS_brk, 0) - 4 * (long)PAGE);
}

static volatile unsigned char *read_before(void)
{
    volatile unsigned char *page = fresh();

    if (page)
        touch_read(page);
    return page;
}

static volatile unsigned char *written_before(void)
{
    volatile unsigned char *page = fresh();

    if (page)
        touch_write(page);
    return page;
}

/* A page in swap, as the machine is asked for. */
static volatile unsigned char *swapped(void)
{
    volatile unsigned char *page = written_before();

    return page && madvise((void *)page, PAGE, MADV_PAGEOUT) == 0 ? page : NULL;
}

static volatile unsigned char *with_rights(volatile unsigned char *page, int rights)
{
    if (!page || mprotect((void *)page, PAGE, rights) < 0)
        return NULL;
    return page;
}

static volatile unsigned char *readonly_present(void)
{
    return with_rights(written_before(), PROT_READ);
}

static volatile unsigned char *readonly_absent(void)
{
    return with_rights(fresh(), PROT_READ);
}

static volatile unsigned char *readonly_text(void)
{
    volatile unsigned char *text = (unsigned char *)(uintptr_t)touch;

    touch_read(text);
    return text;
}

static volatile unsigned char *none_absent(void)
{
    return with_rights(fresh(), PROT_NONE);
}

static volatile unsigned char *none_present(void)
{
    return with_rights(written_before(), PROT_NONE);
}

static volatile unsigned char *data_untouched(void)
{
    return own_data + ++next_data * PAGE;
}

static volatile unsigned char *data_read_before(void)
{
    volatile unsigned char *page = data_untouched();

    touch_read(page);
    return page;
}

static volatile unsigned char *constant_untouched(void)
{
    return (unsigned char *)own_constants + ++next_constant * PAGE;
}

/* A file of one page and a half, mapped; `cut`: it loses all that when its first page has been written to. */
static volatile unsigned char *file_page(size_t pages, size_t at, int flags, bool cut)
{
    static unsigned char content[PAGE + PAGE / 2];

    memset(content, 'f', sizeof content);
    if (!file_put("mapped", content, sizeof content, 0600))
        return NULL;
    int fd = open("mapped", O_RDWR);
    made_pages = pages;
    made = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    bool good = made != MAP_FAILED;
    if (good && cut) {
        touch_write(made);
        good = ftruncate(fd, 0) == 0;
    }
    close(fd);
    unlink("mapped");
    if (good)
        return made + at * PAGE;
    made = NULL;
    return NULL;
}

static volatile unsigned char *private_untouched(void)
{
    return file_page(2, 0, MAP_PRIVATE, false);
}

static volatile unsigned char *shared_untouched(void)
{
    return file_page(2, 0, MAP_SHARED, false);
}

static volatile unsigned char *read_now(volatile unsigned char *page)
{
    if (page)
        touch_read(page);
    return page;
}

static volatile unsigned char *private_read_before(void)
{
    return read_now(private_untouched());
}

static volatile unsigned char *shared_read_before(void)
{
    return read_now(shared_untouched());
}

static volatile unsigned char *past_end(void)
{
    return file_page(4, 2, MAP_PRIVATE, false);
}

static volatile unsigned char *past_end_of_shared(void)
{
    return file_page(4, 2, MAP_SHARED, false);
}

static volatile unsigned char *shared_cut(void)
{
    return file_page(2, 0, MAP_SHARED, true);
}

static volatile unsigned char *private_cut(void)
{
    return file_page(2, 0, MAP_PRIVATE, true);
}

/* Shared memory without a file that anybody could name. */
static volatile unsigned char *shared_nameless(void)
{
    made_pages = 1;
    made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        made = NULL;
    return made;
}

/* After fork: copy the pages of the stack that this program goes on writing to, so that no such fault comes between. */
static void settle_stack(void)
{
    for (volatile unsigned char *at = (unsigned char *)__builtin_frame_address(0) - 4 * PAGE; at < rows_stack; at += PAGE)
        *at = *at;
    *rows_stack = *rows_stack;
}

/* A page that a sleeping child shares: writing it copies. */
static volatile unsigned char *shared_with_child(void)
{
    volatile unsigned char *page = written_before();

    holder = fork();
    if (holder == 0) {
        for (;;)
            pause();
    }
    settle_stack();
    return page;
}

static void end_holder(void)
{
    child_end(holder);
    unmap_made();
}

/* The child has been and is gone, after a write that made its part of the page table its own. */
static volatile unsigned char *left_by_child(void)
{
    made_pages = 2;
    made = pages_map_one_leaf(made_pages);
    if (!made)
        return NULL;
    memset(made, 'p', 2 * PAGE);
    pid_t pid = fork();
    if (pid == 0) {
        made[PAGE] = 'c';
        _exit(0);
    }
    child_wait(pid);
    settle_stack();
    return made;
}

/* The child lived until this process had page tables of its own for its stack, and has written nothing near the page. */
static volatile unsigned char *left_by_a_reader(void)
{
    volatile unsigned char *page = written_before();
    struct baton baton;

    if (!page || !baton_make(&baton))
        return NULL;
    pid_t pid = fork();
    if (pid == 0)
        _exit(!baton_wait(&baton));
    baton_pass(&baton);
    child_wait(pid);
    baton_drop(&baton);
    settle_stack();
    return page;
}

/* The page beside one that a sleeping child shares: not touched before fork. */
static volatile unsigned char *absent_beside_shared(void)
{
    return shared_with_child() ? made + PAGE : NULL;
}

static volatile unsigned char *nowhere(void)
{
    volatile unsigned char *page = fresh();

    unmap_made();
    return page;
}

static volatile unsigned char *beyond_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > 1UL << 30)
        limit.rlim_cur = 8 << 20;
    return (unsigned char *)__builtin_frame_address(0) - limit.rlim_cur - 256 * 1024;
}

/* Just above a mapping that lies in the stack's way: inside the gap that is kept between them. */
static volatile unsigned char *in_guard_gap(void)
{
    uintptr_t below = ((uintptr_t)__builtin_frame_address(0) - (3UL << 20)) & ~(PAGE - 1);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    made_pages = 1;
    made = mmap((void *)below, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (made == MAP_FAILED) {
        made = NULL;
        return NULL;
    }
    return made + PAGE;
}

static volatile unsigned char *kernel_address(void)
{
    return (unsigned char *)0xffff800000100000UL;
}

static volatile unsigned char *non_canonical(void)
{
    return (unsigned char *)0x0000900000000000UL;
}

const struct row rows[] = {
    {"first_write_below_the_stack", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "stack_growth", below_stack, NULL},
    {"first_read_below_the_stack", TOUCH_READ, 0x04, 0, 0, RESOLVED, "stack_growth_read", below_stack, NULL},
    {"first_write_to_the_heap", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "anonymous_write", heap, heap_undo},
    {"first_read_of_the_heap", TOUCH_READ, 0x04, 0, 0, RESOLVED, "anonymous_read", heap, heap_undo},
    {"first_write_to_anonymous_memory", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "anonymous_write", fresh, unmap_made},
    {"first_read_of_anonymous_memory", TOUCH_READ, 0x04, 0, 0, RESOLVED, "anonymous_read", fresh, unmap_made},
    {"write_to_the_zero_frame", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "zero_frame_write", read_before, unmap_made},
    {"first_read_of_program_constants", TOUCH_READ, 0x04, 0, 0, RESOLVED, "file_first_touch", constant_untouched, NULL},
    {"first_read_of_program_data", TOUCH_READ, 0x04, 0, 0, RESOLVED, "file_first_touch", data_untouched, NULL},
    {"first_write_to_program_data", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "file_first_touch", data_untouched, NULL},
    {"write_to_present_program_data", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "file_private_write", data_read_before, NULL},
    {"first_read_of_a_private_file", TOUCH_READ, 0x04, 0, 0, RESOLVED, "file_first_touch", private_untouched,
     unmap_made},
    {"first_write_to_a_private_file", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "file_first_touch", private_untouched,
     unmap_made},
    {"write_to_a_present_private_file", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "file_private_write", private_read_before,
     unmap_made},
    {"first_read_of_a_shared_file", TOUCH_READ, 0x04, 0, 0, RESOLVED, "file_first_touch", shared_untouched, unmap_made},
    {"first_write_to_a_shared_file", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "file_first_touch", shared_untouched,
     unmap_made},
    {"first_write_to_a_present_shared_file", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "file_shared_write", shared_read_before,
     unmap_made},
    {"first_read_of_shared_memory", TOUCH_READ, 0x04, 0, 0, RESOLVED, "file_first_touch", shared_nameless, unmap_made},
    {"first_write_to_shared_memory", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "file_first_touch", shared_nameless,
     unmap_made},
    {"write_to_a_cow_page_copies", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "cow_write", shared_with_child, end_holder},
    {"write_by_the_last_owner_takes_over", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "cow_write", left_by_child, unmap_made},
    {"write_under_a_node_that_was_shared", TOUCH_WRITE, 0x07, 0, 0, RESOLVED, "shared_node_write", left_by_a_reader,
     unmap_made},
    {"first_read_under_a_shared_node", TOUCH_READ, 0x04, 0, 0, RESOLVED, "anonymous_read", absent_beside_shared,
     end_holder},
    {"first_write_under_a_shared_node", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "anonymous_write", absent_beside_shared,
     end_holder},
    {"read_of_a_page_in_swap", TOUCH_READ, 0x04, 0, 0, RESOLVED, "swapped", swapped, unmap_made},
    {"write_to_a_page_in_swap", TOUCH_WRITE, 0x06, 0, 0, RESOLVED, "swapped", swapped, unmap_made},
    {"read_of_a_cow_page", TOUCH_READ, 0, 0, 0, NO_FAULT, "", shared_with_child, end_holder},
    {"write_to_a_present_readonly_page", TOUCH_WRITE, 0x07, 0, 0, ACCERR, "readonly_write", readonly_present,
     unmap_made},
    {"write_to_an_absent_readonly_page", TOUCH_WRITE, 0x06, 0, 0, ACCERR, "readonly_write", readonly_absent,
     unmap_made},
    {"write_to_program_text", TOUCH_WRITE, 0x07, 0, 0, ACCERR, "readonly_write", readonly_text, NULL},
    {"read_of_an_absent_prot_none_page", TOUCH_READ, 0x04, 0, 0, ACCERR, "prot_none", none_absent, unmap_made},
    {"write_to_an_absent_prot_none_page", TOUCH_WRITE, 0x06, 0, 0, ACCERR, "prot_none", none_absent, unmap_made},
    {"read_of_a_prot_none_page_with_content", TOUCH_READ, 0x04, 0, 0, ACCERR, "prot_none", none_present, unmap_made},
    {"fetch_from_a_present_page_of_data", TOUCH_FETCH, 0x15, 0, 0, ACCERR, "no_execute", written_before, unmap_made},
    {"fetch_from_an_absent_page_of_data", TOUCH_FETCH, 0x14, 0, 0x01, ACCERR, "no_execute", fresh, unmap_made},
    {"read_past_the_end_of_a_mapped_file", TOUCH_READ, 0x04, 0, 0, ADRERR, "past_end_of_file", past_end, unmap_made},
    {"write_past_the_end_of_a_mapped_file", TOUCH_WRITE, 0x06, 0, 0, ADRERR, "past_end_of_file", past_end, unmap_made},
    {"write_past_the_end_of_a_shared_file", TOUCH_WRITE, 0x06, 0, 0, ADRERR, "past_end_of_file", past_end_of_shared,
     unmap_made},
    {"read_of_a_page_that_the_file_has_lost", TOUCH_READ, 0x04, 0, 0, ADRERR, "past_end_of_file", shared_cut, unmap_made},
    {"write_to_a_page_that_the_file_has_lost", TOUCH_WRITE, 0x06, 0, 0, ADRERR, "past_end_of_file", shared_cut,
     unmap_made},
    {"read_of_a_private_copy_that_the_file_has_lost", TOUCH_READ, 0x04, 0, 0, ADRERR, "past_end_of_file", private_cut,
     unmap_made},
    {"read_of_an_address_in_no_region", TOUCH_READ, 0x04, 0, 0, MAPERR, "no_region", nowhere, NULL},
    {"write_to_an_address_in_no_region", TOUCH_WRITE, 0x06, 0, 0, MAPERR, "no_region", nowhere, NULL},
    {"fetch_from_an_address_in_no_region", TOUCH_FETCH, 0x14, 0, 0, MAPERR, "no_region", nowhere, NULL},
    {"read_beyond_the_limit_of_the_stack", TOUCH_READ, 0x04, 0, 0, MAPERR, "no_region", beyond_limit, NULL},
    {"write_beyond_the_limit_of_the_stack", TOUCH_WRITE, 0x06, 0, 0, MAPERR, "no_region", beyond_limit, NULL},
    {"write_into_the_guard_gap_of_the_stack", TOUCH_WRITE, 0x06, 0, 0, MAPERR, "no_region", in_guard_gap, unmap_made},
    {"read_of_a_kernel_address", TOUCH_READ, 0x04, 0x01, 0, KERNEL_SEGV, "kernel_address", kernel_address, NULL},
    {"write_to_a_kernel_address", TOUCH_WRITE, 0x06, 0x01, 0, KERNEL_SEGV, "kernel_address", kernel_address, NULL},
    {"read_of_a_non_canonical_address", TOUCH_READ, 0, 0, 0, GP, "non_canonical", non_canonical, NULL},
    {"write_to_a_non_canonical_address", TOUCH_WRITE, 0, 0, 0, GP, "non_canonical", non_canonical, NULL},
};
const size_t row_count = sizeof rows / sizeof *rows;
