// SPDX-License-Identifier: MIT
/*
 * model_steps.c - random steps, each done to the kernel and to the model.
 *
 * Four CPUs; each keeps a space loaded over many steps, so that its TLB is full of what later steps change. In some steps
 * only a few frames are free: then the kernel may answer that there is no memory, and must have changed nothing.
 */
#include "model.h"
#include "swap_device.h"

#include <linux/mman.h>
#include <stdio.h>
#include <string.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/usercopy.h"

#define CPUS 4
#define SCARCE_ONE_IN 60
#define HOT_PAGES 8
#define HOT_STEPS 50

static struct {
    struct random random;
    uint64_t seed;
    unsigned number;
    bool scarce;   // few frames are free in this step
    unsigned hot;  // where most of the steps happen for a while
    struct test_file files[MODEL_FILES];
    char what[200];
} step;

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15; // splitmix64, by Sebastiano Vigna; public domain

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

unsigned random_below(struct random *random, unsigned limit)
{
    return (unsigned)(random_next(random) % limit);
}

static unsigned below(unsigned limit)
{
    return random_below(&step.random, limit);
}

#define say(...) snprintf(step.what, sizeof step.what, __VA_ARGS__)

static void __printf_like(3, 4) mismatch(int64_t got, int64_t expected, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fail_msg("GAUR_SEED=%lu step %u, %s: %s is %#lx, the model says %#lx", step.seed, step.number, step.what, text, got,
             expected);
}

static void expect(int64_t got, int64_t expected, const char *what)
{
    if (got != expected)
        mismatch(got, expected, "%s", what);
}

/* ---- Who and where ---- */

/* Run on some CPU from now on. Mostly with the space that it has already. => a space in use */
static struct model_space *some_space(void)
{
    struct model_space *space;

    if (machine_loaded() && below(8) == 0)
        machine_idle();
    machine_set_cpu(below(CPUS));
    if (below(24) > 0)
        for (space = model_spaces; space < model_spaces + MODEL_SPACES; space++)
            if (space->space && space->space == machine_loaded())
                return space;
    do
        space = &model_spaces[below(MODEL_SPACES)];
    while (!space->space);
    return space;
}

/* Whether a page is one below `pages`, or in the window of huge pages. */
static bool is_among(unsigned page, unsigned pages)
{
    return page < pages || (page >= FIRST_HUGE && page < MODEL_PAGES);
}

/* Such a page, mostly one of those that other steps are about, too. */
static unsigned some_page(unsigned pages)
{
    unsigned hot = step.hot + below(HOT_PAGES);

    if (is_among(hot, pages) && below(4))
        return hot;
    return below(3) ? below(MIN(pages, (unsigned)FIRST_HUGE)) : FIRST_HUGE + below(HUGE_PAGES);
}

/* A page, and how many from there on, within one window. */
static unsigned some_range(unsigned pages, unsigned *count)
{
    unsigned first = some_page(pages), room = model_window_end(first) - first;

    *count = 1 + below(below(4) ? MIN(room, 8u) : room);
    return first;
}

static unsigned some_prot(void)
{
    static const uint8_t choices[] = {R | W, R | W, R | W, R | W, R, R, 0, R | X, R | W | X};

    return choices[below(ARRAY_SIZE(choices))];
}

/* ---- Accesses ---- */

static void check_access(struct model_space *space, unsigned number, uint32_t access, uint8_t byte)
{
    enum fault_outcome got, expected = model_access(space, number, access);
    struct model_page *page = &space->pages[number];

    machine_load(space->space);
    got = machine_access(space->space, model_va(number) + BYTE_AT, access, &byte, NULL);
    if (step.scarce && got == FAULT_OOM)
        return;
    expect(got, expected, "outcome");
    if (got != FAULT_RESOLVED)
        return;
    if (access & PF_W)
        model_write(page, byte);
    else
        expect(byte, model_read(page), "byte");
    if (page->object || !(page->prot & R))
        return;
    got = machine_access(space->space, model_va(number) + BYTE_AT + 1 + below(8), PF_U, &byte, NULL);
    expect(got, FAULT_RESOLVED, "outcome of a second access");
    expect(byte, 0, "byte that was never written");
}

static void step_touch(struct model_space *space)
{
    static const uint32_t kinds[] = {PF_W, PF_W, PF_W, PF_W, 0, 0, 0, PF_I};
    unsigned page = some_page(MODEL_PAGES);
    uint32_t access = kinds[below(ARRAY_SIZE(kinds))];

    if (below(4))
        access |= PF_U;
    say("access %x to page %u", access, page);
    check_access(space, page, access, (uint8_t)(1 + below(255)));
}

/* Read all that may be read: nothing has changed that should not. */
static void step_compare(struct model_space *space)
{
    for (unsigned i = 0; i < MODEL_PAGES; i += i < FIRST_HUGE ? 1 : 1 + below(16)) {
        if (!space->pages[i].mapped)
            continue;
        say("compare page %u", i);
        check_access(space, i, PF_U, 0);
    }
}

/* The kernel copies a few pages for the program: it moves what lies before the first page that it may not touch. */
static void step_copy(struct model_space *space)
{
    static uint8_t buffer[4 * PAGE_SIZE];
    bool write = below(2);
    unsigned page = some_page(FIRST_HUGE), count = 0;

    for (; count < 3 && page + count + 1 < model_window_end(page); count++)
        if (model_access(space, page + count, write ? PF_W : 0) != FAULT_RESOLVED)
            break;
    uint64_t size = count * PAGE_SIZE;
    say("copy %s pages %u to %u", write ? "to" : "from", page, page + count);
    machine_load(space->space);
    if (write)
        for (unsigned i = 0; i < count; i++) {
            memset(buffer + i * PAGE_SIZE, 0, PAGE_SIZE);
            buffer[i * PAGE_SIZE + BYTE_AT] = (uint8_t)below(256);
        }
    uint64_t done = write ? copy_to_user_partial(model_va(page), buffer, size)
                          : copy_from_user_partial(buffer, model_va(page), size);
    if (!step.scarce)
        expect((int64_t)done, (int64_t)size, "bytes copied");
    for (unsigned i = 0; i < count && i * PAGE_SIZE + BYTE_AT < done; i++) {
        struct model_page *each = &space->pages[page + i];
        if (write)
            model_write(each, buffer[i * PAGE_SIZE + BYTE_AT]);
        else
            expect(buffer[i * PAGE_SIZE + BYTE_AT], model_read(each), "byte copied");
    }
}

/* read(2) and write(2) of a file, beside those who map it. */
static void step_file(void)
{
    unsigned number = below(MODEL_FILES), index = below(FILE_PAGES);
    uint8_t byte = (uint8_t)below(256);
    struct io io = io_kernel(&byte, 1, index * PAGE_SIZE + BYTE_AT);
    bool write = below(2);

    say("%s file %u page %u", write ? "write" : "read", number, index);
    int64_t done = write ? page_cache_write(&step.files[number].cache, &io)
                         : page_cache_read(&step.files[number].cache, &io);
    if (step.scarce && done == -ENOMEM)
        return;
    expect(done, 1, "result");
    if (write)
        model_files[number].byte[index] = byte;
    else
        expect(byte, model_files[number].byte[index], "byte read");
}

/* ---- Regions ---- */

/* What to map: private or shared, anonymous or a part of a file. */
static struct map_request some_request(struct model_page *page, unsigned count)
{
    struct map_request request = {.size = count * PAGE_SIZE - below(2), .max_prot = R | W | X};

    request.prot = some_prot();
    *page = (struct model_page){.mapped = true, .shared = below(3) == 0 && count <= MAP_PAGES};
    request.flags = page->shared ? MAP_SHARED : MAP_PRIVATE;
    if (below(2)) {
        unsigned file = below(MODEL_FILES);
        page->index = below(FILE_PAGES);
        page->object = &model_files[file];
        request.file = &step.files[file].cache;
        request.offset = page->index * PAGE_SIZE;
        if (page->shared && below(4) == 0)
            request.max_prot = R | X;
        request.prot &= request.max_prot;
    } else {
        request.flags |= MAP_ANONYMOUS;
    }
    page->prot = (uint8_t)request.prot;
    page->max_prot = (uint8_t)request.max_prot;
    return request;
}

static void step_mmap(struct model_space *space)
{
    unsigned count, first = some_range(FIRST_STACK, &count);
    bool fixed = first >= FIRST_HUGE || below(2);
    struct model_page page;
    struct map_request request = some_request(&page, count);
    int room = fixed ? (int)first : model_find_room(space, count);

    if (fixed) {
        request.addr = model_va(first);
        request.flags |= MAP_FIXED;
    }
    say("mmap %s %s %s, %u pages at %d, rights %x", fixed ? "fixed" : "anywhere", page.shared ? "shared" : "private",
        page.object ? "file" : "anonymous", count, room, request.prot);
    int64_t result = vspace_mmap(space->space, &request);
    if (step.scarce && result == -ENOMEM)
        return;
    expect(result, room < 0 ? -ENOMEM : (int64_t)model_va((unsigned)room), "result");
    if (room < 0)
        return;
    if (page.shared && !page.object)
        page.object = model_object_create(count);
    model_map(space, (unsigned)room, count, &page);
}

/* Memory that can have huge pages, in the place of what lay in its window. */
static void step_map_huge(struct model_space *space)
{
    const struct model_page page = {.mapped = true, .prot = R | W, .max_prot = R | W | X};
    struct map_request request = {
        .addr = model_va(FIRST_HUGE), .size = HUGE_PAGES * PAGE_SIZE, .prot = R | W, .max_prot = R | W | X,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
    };

    say("mmap of the window of huge pages");
    int64_t result = vspace_mmap(space->space, &request);
    if (step.scarce && result == -ENOMEM)
        return;
    expect(result, (int64_t)request.addr, "result");
    model_map(space, FIRST_HUGE, HUGE_PAGES, &page);
}

static void step_munmap(struct model_space *space)
{
    unsigned count, first = some_range(FIRST_STACK, &count);

    if (below(8) == 0) { // all of a window, so that nodes go
        first = below(3) ? below(2) ? 0 : FIRST_HEAP : FIRST_HUGE;
        count = model_window_end(first) - first;
    }
    say("munmap %u pages at %u", count, first);
    int result = vspace_munmap(space->space, model_va(first), count * PAGE_SIZE);
    if (step.scarce && result == -ENOMEM)
        return;
    expect(result, 0, "result");
    model_unmap(space, first, count);
}

/* Whether the kernel has given rights that were not there, when -ENOMEM may mean both a hole and no memory. */
static bool was_protected(struct model_space *space, unsigned first, unsigned changed, unsigned prot)
{
    for (unsigned i = first; i < first + changed; i++)
        if (space->pages[i].prot != prot) {
            rwlock_read_lock(&space->space->lock);
            bool done = va2vregion(space->space, model_va(i))->prot == prot;
            rwlock_read_unlock(&space->space->lock);
            return done;
        }
    return false;
}

static void step_mprotect(struct model_space *space)
{
    unsigned count, changed, first = some_range(MODEL_PAGES, &count), prot = some_prot();
    int expected = model_protect(space, first, count, prot, &changed);

    say("mprotect %u pages at %u to %x", count, first, prot);
    int result = vspace_mprotect(space->space, model_va(first), count * PAGE_SIZE, prot);
    if (step.scarce && result == -ENOMEM && !was_protected(space, first, changed, prot))
        return;
    expect(result, expected, "result");
    for (unsigned i = first; i < first + changed; i++)
        space->pages[i].prot = (uint8_t)prot;
}

/* How many pages from `first` on lie in one region of the kernel's, at most `count`. */
static unsigned within_region(struct model_space *space, unsigned first, unsigned count)
{
    rwlock_read_lock(&space->space->lock);
    struct vregion *region = va2vregion(space->space, model_va(first));
    uint64_t pages = region ? (vregion_end(region) - model_va(first)) / PAGE_SIZE : 0;
    rwlock_read_unlock(&space->space->lock);
    return (unsigned)MIN(pages, (uint64_t)count);
}

/* Move a part of a region to a fixed place, perhaps shorter, perhaps leaving an empty one behind. */
static void step_mremap(struct model_space *space)
{
    unsigned count, first = some_range(FIRST_HEAP, &count);
    unsigned to = first < FIRST_HEAP ? below(FIRST_HEAP) : FIRST_HUGE + below(HUGE_PAGES);
    bool dontunmap = below(3) == 0;
    unsigned now = dontunmap ? count : 1 + below(count);

    if (step.scarce || to + now > model_window_end(to) || (first + count > to && to + now > first))
        return; // without memory a part may be done, as on Linux
    say("mremap %u pages at %u to %u at %u%s", count, first, now, to, dontunmap ? ", leaving empty ones" : "");
    unsigned movable = within_region(space, first, count);
    const struct remap_request request = {
        .addr = model_va(first), .new_addr = model_va(to), .old_size = count * PAGE_SIZE, .new_size = now * PAGE_SIZE,
        .flags = MREMAP_MAYMOVE | MREMAP_FIXED | (dontunmap ? MREMAP_DONTUNMAP : 0), .lock_limit = UINT64_MAX,
    };
    int64_t result = vspace_mremap(space->space, &request);
    if (movable == 0) {
        expect(result, -EFAULT, "result");
        return;
    }
    model_unmap(space, to, now);
    if (!dontunmap && movable >= now)
        model_unmap(space, first + now, count - now);
    expect(result, movable < now ? -EFAULT : (int64_t)model_va(to), "result");
    if (result > 0)
        model_move(space, first, to, now, dontunmap);
}

static void step_dontneed(struct model_space *space)
{
    unsigned count, first = some_range(MODEL_PAGES, &count);
    bool hole = false;

    if (step.scarce)
        return;
    for (unsigned i = first; i < first + count; i++)
        hole |= !space->pages[i].mapped;
    say("MADV_DONTNEED %u pages at %u", count, first);
    expect(vspace_madvise(space->space, model_va(first), count * PAGE_SIZE, MADV_DONTNEED), hole ? -ENOMEM : 0, "result");
    model_forget_content(space, first, count);
}

/* Cut a file and let it grow again: what comes back is what lies behind it. */
static void step_truncate(struct model_space *space)
{
    unsigned number = below(MODEL_FILES), pages = below(FILE_PAGES + 1);

    (void)space;
    say("cut file %u to %u pages", number, pages);
    page_cache_truncate(&step.files[number].cache, pages * PAGE_SIZE);
    page_cache_truncate(&step.files[number].cache, FILE_PAGES * PAGE_SIZE);
    model_cut_object(&model_files[number], pages);
    for (unsigned i = pages; i < FILE_PAGES; i++)
        model_files[number].byte[i] = (uint8_t)(100 * number + i);
}

static void step_brk(struct model_space *space)
{
    vaddr_t end = model_va(FIRST_HEAP) + below(HEAP_PAGES * PAGE_SIZE + 1), old = space->brk;

    if (below(10) == 0)
        end -= PAGE_SIZE; // perhaps below its start
    vaddr_t expected = model_brk(space, end, false);
    say("brk %#lx after %#lx", end, old);
    vaddr_t result = vspace_brk(space->space, end);
    if (step.scarce && result == old)
        return;
    expect((int64_t)result, (int64_t)expected, "result");
    (void)model_brk(space, end, true);
}

/* ---- Processes ---- */

static struct model_space *free_place(void)
{
    for (unsigned i = 0; i < MODEL_SPACES; i++)
        if (!model_spaces[i].space)
            return &model_spaces[i];
    return NULL;
}

static void step_fork(struct model_space *parent)
{
    struct model_space *child = free_place();

    say("fork of space %u", (unsigned)(parent - model_spaces));
    if (!child)
        return;
    int result = vspace_fork(parent->space, &child->space);
    if (step.scarce && result == -ENOMEM)
        return;
    expect(result, 0, "result");
    model_fork(parent, child);
}

/* The last one stays. */
static void step_exit(struct model_space *space)
{
    unsigned count = 0;

    for (unsigned i = 0; i < MODEL_SPACES; i++)
        count += model_spaces[i].space != NULL;
    say("exit of space %u", (unsigned)(space - model_spaces));
    if (count < 2)
        return;
    end_space(space->space);
    model_exit(space);
}

/* ---- Memory gets short ---- */

/* Pages leave, or what only the swap cache holds does: no program may tell. */
static void step_evict(struct model_space *space)
{
    unsigned target = 1 + below(40);

    (void)space;
    say("%u pages leave", target);
    if (below(4))
        (void)clock_evict(target);
    else
        (void)swap_shrink_cache(target);
}

/* ---- The whole ---- */

static void do_step(struct model_space *space)
{
    static void (*const steps[])(struct model_space *) = {
        step_mmap, step_mmap, step_munmap, step_mprotect, step_mprotect, step_brk, step_fork, step_copy, step_compare,
        step_mremap, step_dontneed, step_truncate, step_evict, step_map_huge,
    };
    unsigned choice = below(100);

    if (choice < 66)
        step_touch(space);
    else if (choice < 68)
        step_file();
    else if (choice < 71)
        step_exit(space);
    else
        steps[below(ARRAY_SIZE(steps))](space);
}

void step_once(void)
{
    struct model_space *space = some_space();

    if (step.number++ % HOT_STEPS == 0)
        step.hot = below(2) ? below(FIRST_HUGE) : FIRST_HUGE + below(HUGE_PAGES);
    step.scarce = below(SCARCE_ONE_IN) == 0;
    if (step.scarce)
        hoard_take(below(5));
    do_step(space);
    if (step.scarce)
        hoard_give_back();
    if (verify_broken())
        fail_msg("GAUR_SEED=%lu step %u, %s: verify finds something", step.seed, step.number, step.what);
}

/* The first space: below the windows no room, a heap, and a stack of two pages. */
static void make_first(struct model_space *first)
{
    const struct model_page stack = {.mapped = true, .prot = R | W, .max_prot = R | W | X};
    struct vspace *space = make_space();

    *first = (struct model_space){.space = space, .brk = model_va(FIRST_HEAP), .stack_low = FIRST_HUGE - 2};
    map_at(space, PAGE_SIZE, (unsigned)(model_va(0) / PAGE_SIZE) - 1, 0);
    vspace_set_brk_start(space, model_va(FIRST_HEAP));
    atomic_store(&space->stack_limit, STACK_PAGES * PAGE_SIZE);
    assert_int_equal(vspace_map_stack(space, model_va(FIRST_HUGE - 1) + PAGE_SIZE, 2 * PAGE_SIZE, false), 0);
    space->mmap_top = model_va(MAP_PAGES - 1) + PAGE_SIZE;
    model_map(first, first->stack_low, 2, &stack);
}

void steps_begin(uint64_t seed)
{
    step.random.state = step.seed = seed;
    step.number = 0;
    for (unsigned file = 0; file < MODEL_FILES; file++) {
        make_file(&step.files[file], FILE_PAGES * PAGE_SIZE, (uint8_t)(100 * file));
        model_files[file] = (struct model_object){.refs = 1, .pages = FILE_PAGES};
        for (unsigned i = 0; i < FILE_PAGES; i++)
            model_files[file].byte[i] = (uint8_t)(100 * file + i);
    }
    swap_device_add(below(2) ? 40 : DEVICE_PAGES, NULL, 0); // in half of the runs it is soon full
    make_first(&model_spaces[0]);
}

void steps_end(void)
{
    for (unsigned i = 0; i < MODEL_SPACES; i++)
        if (model_spaces[i].space) {
            end_space(model_spaces[i].space);
            model_exit(&model_spaces[i]);
        }
    for (unsigned file = 0; file < MODEL_FILES; file++) {
        end_file(&step.files[file]);
        assert_int_equal(model_files[file].refs, 1);
    }
    swap_device_remove();
}
