// SPDX-License-Identifier: MIT
/*
 * select.c - select and pselect, by way of poll: three sets of numbers become a list of questions, and the answers
 * three sets.
 */
#include <asm/poll.h>
#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/bitmap.h"
#include "lib/checked.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/buffer.h"
#include "sys/descriptor.h"
#include "sys/poll.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* What each set asks for, as Linux's fs/select.c has it. */
#define SET_READ (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SET_WRITE (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SET_EXCEPT POLLPRI

enum { READ, WRITE, EXCEPT, SETS };

static const uint32_t set_bits[SETS] = {SET_READ, SET_WRITE, SET_EXCEPT};

struct select_request {
    unsigned count;             // numbers below this are asked
    vaddr_t user[SETS];         // the sets; 0: none
    uint64_t deadline;
};

/* Kernel copies of the sets, and the questions they make. One buffer: first the entries, then the sets. */
struct select_work {
    struct poll_entry *entries;
    uint64_t *sets[SETS];
    unsigned asked;
};

static size_t set_size(const struct select_request *request)
{
    return BITMAP_WORDS(request->count) * sizeof(uint64_t);
}

static size_t work_size(const struct select_request *request)
{
    return request->count * sizeof(struct poll_entry) + SETS * set_size(request);
}

/* => 0, -EFAULT */
static int read_sets(const struct select_request *request, struct select_work *work)
{
    for (int i = 0; i < SETS; i++) {
        memset(work->sets[i], 0, set_size(request));
        if (request->user[i] && copy_from_user(work->sets[i], request->user[i], set_size(request)))
            return -EFAULT;
    }
    return 0;
}

static uint32_t wanted(const struct select_work *work, unsigned fd)
{
    uint32_t events = 0;

    for (int i = 0; i < SETS; i++)
        if (bitmap_test(work->sets[i], fd))
            events |= set_bits[i];
    return events;
}

/* => 0, -EBADF; work->asked files are held either way */
static int make_entries(const struct select_request *request, struct select_work *work)
{
    for (unsigned fd = 0; fd < request->count; fd++) {
        uint32_t events = wanted(work, fd);
        struct file *file;

        if (!events)
            continue;
        file = descriptor_file(fd);
        if (!file)
            return -EBADF;
        work->entries[work->asked++] = (struct poll_entry){.file = file, .events = events};
    }
    return 0;
}

/* Leave in the sets what is ready. => the number of bits left */
static unsigned answer_sets(const struct select_request *request, struct select_work *work)
{
    unsigned next = 0, ready = 0;

    for (unsigned fd = 0; fd < request->count; fd++) {
        uint32_t revents;

        if (!wanted(work, fd))
            continue;
        revents = work->entries[next++].revents;
        for (int i = 0; i < SETS; i++) {
            if (!bitmap_test(work->sets[i], fd))
                continue;
            if (revents & set_bits[i])
                ready++;
            else
                bitmap_clear(work->sets[i], fd);
        }
    }
    return ready;
}

static int write_sets(const struct select_request *request, const struct select_work *work)
{
    for (int i = 0; i < SETS; i++)
        if (request->user[i] && copy_to_user(request->user[i], work->sets[i], set_size(request)))
            return -EFAULT;
    return 0;
}

/* Ask no more after files that have only told what no set wants: poll tells of errors and hang-ups unasked. */
static void drop_unwanted(struct select_work *work)
{
    for (unsigned i = 0; i < work->asked; i++) {
        struct poll_entry *entry = &work->entries[i];

        if (!entry->revents)
            continue;
        file_put(entry->file);
        entry->file = NULL;
        entry->revents = 0;
    }
}

/* => as poll_wait_files, but what no set wants does not end the wait */
static int wait_for_wanted(struct select_work *work, uint64_t deadline)
{
    for (;;) {
        int result = poll_wait_files(work->entries, work->asked, deadline);

        if (result <= 0)
            return result;
        for (unsigned i = 0; i < work->asked; i++)
            if (work->entries[i].revents & work->entries[i].events)
                return result;
        drop_unwanted(work);
    }
}

static int64_t select_with(const struct select_request *request, struct select_work *work)
{
    unsigned ready;
    int64_t result = read_sets(request, work);

    if (!result)
        result = make_entries(request, work);
    if (!result)
        result = wait_for_wanted(work, request->deadline);
    poll_entries_put(work->entries, work->asked);
    if (result < 0)
        return result;
    ready = answer_sets(request, work);
    result = write_sets(request, work);
    return result ? result : ready;
}

static int64_t select_run(struct select_request *request)
{
    struct select_work work = {0};
    size_t size;
    int64_t result;
    char *buffer;

    // Numbers beyond the table are not looked at, as on Linux.
    request->count = MIN(request->count, file_table_size(current_process()->files));
    size = work_size(request);
    buffer = buffer_alloc(size);
    if (!buffer)
        return poll_result(-ENOMEM);
    work.entries = (struct poll_entry *)buffer;
    for (int i = 0; i < SETS; i++)
        work.sets[i] = (uint64_t *)(buffer + request->count * sizeof(struct poll_entry) + i * set_size(request));
    result = select_with(request, &work);
    buffer_free(buffer, size);
    return poll_result(result);
}

/* As poll_deadline, from a struct timeval; unlike elsewhere, microseconds beyond a second are taken. */
static int select_deadline(vaddr_t timeout, uint64_t *deadline)
{
    struct timeval time;
    uint64_t ns;

    *deadline = POLL_FOREVER;
    if (!timeout)
        return 0;
    if (copy_from_user(&time, timeout, sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_usec < 0)
        return -EINVAL;
    if (mul_overflows(time.tv_sec, NS_PER_SECOND, &ns) || add_overflows(ns, (uint64_t)time.tv_usec * 1000, &ns))
        return 0;
    *deadline = ns ? deadline_after(ns) : POLL_AT_ONCE;
    return 0;
}

SYSCALL5(select, int, count, vaddr_t, read, vaddr_t, write, vaddr_t, except, vaddr_t, timeout)
{
    struct select_request request = {count, {read, write, except}, POLL_FOREVER};
    int64_t result = select_deadline(timeout, &request.deadline);

    if (result)
        return result;
    if (count < 0)
        return -EINVAL;
    result = select_run(&request);
    if (timeout && request.deadline != POLL_FOREVER)
        put_timeval(timeout, time_left(request.deadline));
    return result;
}

/* `mask`: the address of { address of a signal mask, its size }, or 0. */
SYSCALL6(pselect6, int, count, vaddr_t, read, vaddr_t, write, vaddr_t, except, vaddr_t, timeout, vaddr_t, mask)
{
    struct select_request request = {count, {read, write, except}, POLL_FOREVER};
    uint64_t pair[2] = {0, 0};
    int64_t result;

    if (mask && copy_from_user(pair, mask, sizeof(pair)))
        return -EFAULT;
    result = poll_deadline(timeout, &request.deadline);
    if (!result && count < 0)
        result = -EINVAL;
    if (!result)
        result = poll_take_mask(pair[0], pair[1]);
    if (result)
        return result;
    result = select_run(&request);
    if (timeout)
        put_time_left(timeout, request.deadline);
    return result;
}
