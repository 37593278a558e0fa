// SPDX-License-Identifier: MIT
/*
 * window.c - random operations on pages, and a naive model.
 *
 * What a kernel does not have (ENOSYS, or EINVAL for an advice) is left out. Ranges never leave a group: what lies beyond may
 * be somebody else's.
 */
#include "window.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct backing backing;

/* ---- Content ---- */

static uint64_t content_with(uint8_t tag, struct random *random)
{
    return (uint64_t)tag << 56 | random_next(random) >> 8 | 1;
}

static int nameless_file(size_t size)
{
    char name[] = "/tmp/soak.XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0 || unlink(name) < 0 || ftruncate(fd, size) < 0)
        return -1;
    return fd;
}

static uint64_t file_seed(unsigned page)
{
    return backing.seed + page;
}

bool backing_make(struct random *random)
{
    static unsigned char bytes[PAGE];

    backing.seed = content_with(FILE_TAG, random);
    backing.constant = nameless_file(FILE_PAGES * PAGE);
    backing.shared = nameless_file(SHARED_PAGES * PAGE);
    backing.added = shared_map(PAGE);
    CHECK(backing.constant >= 0 && backing.shared >= 0 && backing.added);
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        pattern_fill(bytes, PAGE, file_seed(i));
        CHECK_EQ(pwrite(backing.constant, bytes, PAGE, i * PAGE), PAGE);
    }
    return true;
}

bool backing_agrees(void)
{
    for (unsigned i = 0; i < SHARED_PAGES; i++) {
        uint64_t sum = 0;
        CHECK_EQ(pread(backing.shared, &sum, sizeof sum, i * PAGE), sizeof sum);
        CHECK_EQ(sum, backing.added[i]);
    }
    munmap(backing.added, PAGE);
    close(backing.constant);
    close(backing.shared);
    return true;
}

bool window_open(struct window *window)
{
    CHECK(pipe(window->pipe) == 0);
    CHECK(fcntl(window->pipe[0], F_SETFL, O_NONBLOCK) == 0);
    return true;
}

void window_close(struct window *window)
{
    close(window->pipe[0]);
    close(window->pipe[1]);
}

/* ---- Agreement ---- */

unsigned char *window_at(const struct window *window, unsigned page)
{
    return window->base + ((size_t)(page / window->group) * window->stride + page % window->group) * PAGE;
}

/* The kernel reads it for us. 0 or errno. */
static int kernel_reads(struct window *window, const void *at)
{
    char byte;

    if (write(window->pipe[1], at, 1) != 1)
        return errno;
    return read(window->pipe[0], &byte, 1) == 1 ? 0 : EIO;
}

static bool zeros(const unsigned char *at)
{
    for (size_t i = 0; i < PAGE; i += 8)
        CHECK_EQ(*(const uint64_t *)(at + i), 0);
    return true;
}

static bool page_agrees(struct window *window, unsigned number)
{
    const struct page *page = &window->page[number];
    const unsigned char *at = window_at(window, number);

    if (!page->mapped || !(page->rights & PROT_READ)) {
        CHECK_EQ(kernel_reads(window, at), EFAULT);
        return true;
    }
    CHECK_EQ(kernel_reads(window, at), 0);
    if (page->shared)
        return true;
    return page->content ? pattern_holds(at, PAGE, page->content) : zeros(at);
}

bool window_agrees(struct window *window)
{
    for (unsigned i = 0; i < window->count; i++) {
        if (page_agrees(window, i))
            continue;
        const struct page *page = &window->page[i];
        diag("page %u at %p: mapped %d rights %d file %d shared %d", i, (void *)window_at(window, i), page->mapped,
             page->rights, page->file, page->shared);
        return false;
    }
    return true;
}

/* ---- Steps ---- */

static int some_rights(struct random *random)
{
    static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

    return rights[random_below(random, 4)];
}

/* Pages [first, first + count) of one group. */
struct run {
    unsigned first, count;
};

static struct run some_run(const struct window *window, struct random *random)
{
    struct run run = {.first = random_below(random, window->count)};
    unsigned room = window->group - run.first % window->group;

    if (room > window->count - run.first)
        room = window->count - run.first;
    run.count = 1 + random_below(random, room);
    return run;
}

static bool all_mapped(const struct window *window, struct run run)
{
    for (unsigned i = run.first; i < run.first + run.count; i++) {
        if (!window->page[i].mapped)
            return false;
    }
    return true;
}

static bool step_map(struct window *window, struct random *random, struct run run)
{
    void *at = window_at(window, run.first);
    int rights = some_rights(random);

    CHECK(mmap(at, run.count * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    for (unsigned i = run.first; i < run.first + run.count; i++)
        window->page[i] = (struct page){.mapped = 1, .rights = rights};
    return true;
}

static bool step_map_file(struct window *window, struct random *random, struct run run)
{
    bool shared = random_one_in(random, 2);
    unsigned pages = shared ? SHARED_PAGES : FILE_PAGES, from = random_below(random, pages);
    void *at = window_at(window, run.first);
    int rights = some_rights(random);

    if (run.count > pages - from)
        run.count = pages - from;
    CHECK(mmap(at, run.count * PAGE, rights, MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE),
               shared ? backing.shared : backing.constant, from * PAGE) == at);
    for (unsigned i = 0; i < run.count; i++) {
        struct page page = {.mapped = 1, .rights = rights};
        if (shared)
            page.shared = 1 + from + i;
        else
            page.file = 1 + from + i, page.content = file_seed(from + i);
        window->page[run.first + i] = page;
    }
    return true;
}

static bool step_unmap(struct window *window, struct run run)
{
    CHECK(munmap(window_at(window, run.first), run.count * PAGE) == 0);
    memset(&window->page[run.first], 0, run.count * sizeof *window->page);
    return true;
}

static bool step_protect(struct window *window, struct random *random, struct run run)
{
    int rights = some_rights(random);

    if (!all_mapped(window, run))
        return true;
    CHECK(mprotect(window_at(window, run.first), run.count * PAGE, rights) == 0);
    for (unsigned i = run.first; i < run.first + run.count; i++)
        window->page[i].rights = rights;
    return true;
}

/* A private page is written by the program or by the kernel; to a shared one all add. */
static bool step_write(struct window *window, struct random *random, unsigned number)
{
    struct page *page = &window->page[number];
    unsigned char *at = window_at(window, number);
    char byte = 1;

    if (!page->mapped || !(page->rights & PROT_WRITE)) {
        CHECK(write(window->pipe[1], &byte, 1) == 1);
        CHECK_FAILS(read(window->pipe[0], at, 1), EFAULT);
        CHECK(read(window->pipe[0], &byte, 1) <= 1);
        return true;
    }
    if (page->shared) {
        unsigned amount = random_below(random, 1000);
        __atomic_fetch_add((uint64_t *)at, amount, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&backing.added[page->shared - 1], amount, __ATOMIC_SEQ_CST);
        return true;
    }
    page->content = content_with(window->tag, random);
    pattern_fill(at, PAGE, page->content);
    return true;
}

/* The kernel writes a whole page, which has other bytes then. */
static bool step_kernel_write(struct window *window, struct random *random, unsigned number)
{
    struct page *page = &window->page[number];
    unsigned char *at = window_at(window, number), bytes[PAGE];

    if (!page->mapped || !(page->rights & PROT_WRITE) || page->shared)
        return true;
    page->content = content_with(window->tag, random);
    pattern_fill(bytes, PAGE, page->content);
    CHECK_EQ(write(window->pipe[1], bytes, PAGE), PAGE);
    CHECK_EQ(read(window->pipe[0], at, PAGE), PAGE);
    return true;
}

/* One page goes elsewhere, with its content; a private anonymous one may grow by a page of zeros. */
static bool step_move(struct window *window, struct random *random, struct run from, struct run to)
{
    struct page page = window->page[from.first];
    bool anonymous = !page.file && !page.shared;
    unsigned size = anonymous && to.count > 1 && random_one_in(random, 2) ? 2 : 1;
    void *at = window_at(window, to.first);

    if (!page.mapped || (to.first <= from.first && from.first < to.first + size))
        return true;
    void *got = mremap(window_at(window, from.first), PAGE, size * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at);
    if (got == MAP_FAILED && errno == ENOSYS)
        return true;
    CHECK(got == at);
    window->page[from.first] = (struct page){0};
    window->page[to.first] = page;
    if (size == 2)
        window->page[to.first + 1] = (struct page){.mapped = 1, .rights = page.rights};
    return true;
}

/* Private pages lose what was written to them; locked ones refuse, so that they are asked one by one. */
static bool step_forget(struct window *window, struct run run)
{
    if (!all_mapped(window, run))
        return true;
    for (unsigned i = run.first; i < run.first + run.count; i++) {
        struct page *page = &window->page[i];
        if (madvise(window_at(window, i), PAGE, MADV_DONTNEED) == 0)
            page->content = page->file ? file_seed(page->file - 1) : 0;
        else
            CHECK_EQ(errno, EINVAL);
    }
    return true;
}

/* Locked or not, pages are what they were. There may be a limit, or a hole. */
static bool step_lock(struct window *window, struct random *random, struct run run)
{
    void *at = window_at(window, run.first);
    int result = random_one_in(random, 2) ? mlock(at, run.count * PAGE) : munlock(at, run.count * PAGE);

    CHECK(result == 0 || errno == ENOSYS || errno == ENOMEM || errno == EPERM || errno == EAGAIN);
    return true;
}

bool window_step(struct window *window, struct random *random)
{
    struct run run = some_run(window, random);

    switch (random_below(random, 16)) {
    case 0: case 1: return step_map(window, random, run);
    case 2: case 3: return step_map_file(window, random, run);
    case 4: return step_unmap(window, run);
    case 5: case 6: return step_protect(window, random, run);
    case 7: case 8: return step_kernel_write(window, random, run.first);
    case 9: return step_move(window, random, run, some_run(window, random));
    case 10: return step_forget(window, run);
    case 11: return step_lock(window, random, run);
    case 12: return page_agrees(window, run.first);
    default: return step_write(window, random, run.first);
    }
}

bool window_clear(struct window *window)
{
    for (unsigned i = 0; i < window->count; i += window->group) {
        unsigned pages = window->count - i < window->group ? window->count - i : window->group;
        CHECK(step_unmap(window, (struct run){i, pages}));
    }
    return true;
}
