// SPDX-License-Identifier: MIT
/*
 * poll.c - poll and ppoll.    Not here: select (select.c); the waiting itself (fs/poll.c).
 */
#include "sys/poll.h"

#include <asm/poll.h>

#include "arch/x86/time.h"
#include "lib/checked.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "proc/thread.h"
#include "sys/buffer.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* So many questions are asked without allocating memory. */
#define ENTRIES_ON_STACK 4

/* poll(2)'s arguments, to be kept when the call is restarted. */
struct poll_request {
    vaddr_t fds;            // of struct pollfd
    uint32_t count;
    uint64_t deadline;
};

static int read_entry(struct poll_entry *entry, vaddr_t address)
{
    struct pollfd pollfd;
    int error = copy_from_user(&pollfd, address, sizeof(pollfd));

    if (error)
        return error;
    *entry = (struct poll_entry){.events = (uint16_t)pollfd.events};
    if (pollfd.fd < 0)
        return 0;
    entry->file = descriptor_file(pollfd.fd);
    if (!entry->file)
        entry->revents = POLLNVAL;
    return 0;
}

/* Read all questions. => 0 or -EFAULT; the files of those before are to be put either way */
static int read_entries(const struct poll_request *request, struct poll_entry *entries, unsigned *read)
{
    for (*read = 0; *read < request->count; (*read)++) {
        int error = read_entry(&entries[*read], request->fds + *read * sizeof(struct pollfd));

        if (error)
            return error;
    }
    return 0;
}

static int write_answers(const struct poll_request *request, const struct poll_entry *entries)
{
    for (unsigned i = 0; i < request->count; i++) {
        vaddr_t address = request->fds + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);
        uint16_t revents = entries[i].revents;
        int error = copy_to_user(address, &revents, sizeof(revents));

        if (error)
            return error;
    }
    return 0;
}

void poll_entries_put(struct poll_entry *entries, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (entries[i].file)
            file_put(entries[i].file);
}

static unsigned count_answers(const struct poll_entry *entries, unsigned count)
{
    unsigned answers = 0;

    for (unsigned i = 0; i < count; i++)
        answers += entries[i].revents != 0;
    return answers;
}

static int64_t poll_with(const struct poll_request *request, struct poll_entry *entries)
{
    unsigned read;
    int64_t result = read_entries(request, entries, &read);

    if (!result) {
        // A number that names no file is an answer already: nothing to wait for.
        bool answered = count_answers(entries, read) != 0;

        result = poll_wait_files(entries, read, answered ? POLL_AT_ONCE : request->deadline);
    }
    poll_entries_put(entries, read);
    if (result < 0)
        return result;
    result = write_answers(request, entries);
    return result ? result : count_answers(entries, read);
}

static int64_t poll_run(const struct poll_request *request)
{
    struct poll_entry few[ENTRIES_ON_STACK], *many;
    size_t size = request->count * sizeof(*many);
    int64_t result;

    if (request->count > rlimit_current(RLIMIT_NOFILE))
        return -EINVAL;
    if (request->count <= ENTRIES_ON_STACK)
        return poll_with(request, few);
    many = buffer_alloc(size);
    if (!many)
        return -ENOMEM;
    result = poll_with(request, many);
    buffer_free(many, size);
    return result;
}

/* A stop interrupted poll: go on to the same deadline. */
static int64_t poll_again(struct restart_block *block)
{
    struct poll_request request = {block->args[0], block->args[1], block->args[2]};
    int64_t result = poll_run(&request);

    return result == -EINTR ? signal_restart_with(poll_again, block->args, 3) : result;
}

SYSCALL3(poll, vaddr_t, fds, uint32_t, count, int, milliseconds)
{
    struct poll_request request = {fds, count, POLL_FOREVER};
    int64_t result;

    if (milliseconds >= 0)
        request.deadline = milliseconds ? deadline_after(milliseconds * 1000000ull) : POLL_AT_ONCE;
    result = poll_run(&request);
    if (result == -EINTR) {
        uint64_t args[] = {request.fds, request.count, request.deadline};

        return signal_restart_with(poll_again, args, ARRAY_SIZE(args));
    }
    return result;
}

int poll_deadline(vaddr_t timeout, uint64_t *deadline)
{
    uint64_t ns;
    int error;

    *deadline = POLL_FOREVER;
    if (!timeout)
        return 0;
    error = user_timespec(timeout, &ns);
    if (!error)
        *deadline = ns ? deadline_after(ns) : POLL_AT_ONCE;
    return error;
}

int poll_take_mask(vaddr_t mask, uint64_t size)
{
    uint64_t blocked;

    if (!mask)
        return 0;
    if (size != sizeof(blocked))
        return -EINVAL;
    if (get_user_u64(&blocked, mask))
        return -EFAULT;
    signal_set_temporary_blocked(blocked);
    return 0;
}

/* A handler runs with the old mask saved in its frame; if none can run, the old mask is back before anything else. */
int64_t poll_result(int64_t result)
{
    struct thread *thread = current_thread();

    if (result == -EINTR)
        return -ERESTARTNOHAND;
    if (thread->restore_blocked) {
        thread->restore_blocked = false;
        signal_set_blocked(thread->saved_blocked);
    }
    return result;
}

SYSCALL5(ppoll, vaddr_t, fds, uint32_t, count, vaddr_t, timeout, vaddr_t, mask, uint64_t, mask_size)
{
    struct poll_request request = {fds, count, POLL_FOREVER};
    int64_t result = poll_deadline(timeout, &request.deadline);

    if (!result)
        result = poll_take_mask(mask, mask_size);
    if (result)
        return result;
    result = poll_run(&request);
    if (timeout)
        put_time_left(timeout, request.deadline);
    return poll_result(result);
}
