// SPDX-License-Identifier: MIT
/*
 * process_vm.c - process_vm_readv and process_vm_writev: copy between the memory of two processes.
 *
 * Through a frame of the kernel, a page at a time: either side may fault, but never while the other one is locked.
 */
#include <linux/uio.h>

#include "fs/segments.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/remote.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/syscall.h"

/* One call under way. */
struct transfer {
    struct segments local;
    vaddr_t remote;             // struct iovec in our memory, of addresses in the other's
    uint64_t remote_count;
    struct vspace *space;
    char *frame;
    bool write;
};

/* Up to a frame's worth at `va` of the other space. => bytes moved; -EFAULT, -ENOMEM: none were */
static int64_t move_some(struct transfer *t, vaddr_t va, size_t size)
{
    int64_t moved;
    size_t copied;

    size = MIN(size, PAGE_SIZE - (va & PAGE_MASK));
    if (t->write) {
        size = segments_copy_in(&t->local, t->frame, size);
        return size ? vspace_write_memory(t->space, va, t->frame, size) : -EFAULT;
    }
    moved = vspace_read_memory(t->space, va, t->frame, size);
    if (moved <= 0)
        return moved;
    copied = segments_copy_out(&t->local, t->frame, moved);
    return copied ? (int64_t)copied : -EFAULT;
}

/* One remote buffer. => bytes moved, *error if it ended early */
static uint64_t move_buffer(struct transfer *t, const struct iovec *buffer, int64_t *error)
{
    uint64_t done = 0, size = MIN(buffer->iov_len, t->local.left);

    while (done < size) {
        uint64_t wanted = MIN(size - done, PAGE_SIZE - (((vaddr_t)buffer->iov_base + done) & PAGE_MASK));
        int64_t moved = move_some(t, (vaddr_t)buffer->iov_base + done, wanted);

        if (moved < 0) {
            *error = moved;
            break;
        }
        done += moved;
        if ((uint64_t)moved < wanted) {
            *error = -EFAULT;
            break;
        }
    }
    return done;
}

static int64_t move_all(struct transfer *t)
{
    uint64_t total = 0;
    int64_t error = 0;

    for (uint64_t i = 0; i < t->remote_count && t->local.left && !error; i++) {
        struct iovec buffer;

        if (copy_from_user(&buffer, t->remote + i * sizeof(buffer), sizeof(buffer)))
            error = -EFAULT;
        else
            total += move_buffer(t, &buffer, &error);
    }
    return total ? (int64_t)total : error;
}

/* Sizes that are none, and whether there is anything to copy. => bytes > 0 or not: 1 or 0; -EINVAL, -EFAULT */
static int check_remote(const struct transfer *t)
{
    int some = 0;

    for (uint64_t i = 0; i < t->remote_count; i++) {
        struct iovec buffer;

        if (copy_from_user(&buffer, t->remote + i * sizeof(buffer), sizeof(buffer)))
            return -EFAULT;
        if ((int64_t)buffer.iov_len < 0)
            return -EINVAL;
        some |= buffer.iov_len != 0;
    }
    return some;
}

/* The address space of a process that we may look into, with a reference. => 0, -ESRCH, -EPERM */
static int open_space(pid_t pid, struct vspace **out)
{
    struct process *process = process_find_by_tid(pid);
    int error = 0;

    if (!process)
        return -ESRCH;
    *out = NULL;
    if (!inspect_allowed(process))
        error = -EPERM;
    else
        *out = process_vspace(process);
    process_put(process);
    return error || *out ? error : -ESRCH;
}

static int64_t run(struct transfer *t, pid_t pid)
{
    int64_t result = open_space(pid, &t->space);

    if (result)
        return result;
    t->frame = kalloc();
    result = t->frame ? move_all(t) : -ENOMEM;
    if (t->frame)
        kfree(t->frame);
    vspace_put(t->space);
    return result;
}

static int64_t transfer(pid_t pid, struct transfer *t, vaddr_t local, uint64_t local_count, uint64_t flags)
{
    int64_t result;

    if (flags || local_count > UIO_MAXIOV)
        return -EINVAL;
    result = segments_begin(&t->local, local, local_count);
    if (result || !t->local.left)
        return result;
    if (t->remote_count > UIO_MAXIOV)
        return -EINVAL;
    result = check_remote(t);
    return result > 0 ? run(t, pid) : result;
}

SYSCALL6(process_vm_readv, pid_t, pid, vaddr_t, local, uint64_t, local_count, vaddr_t, remote, uint64_t, remote_count,
         uint64_t, flags)
{
    struct transfer t = {.remote = remote, .remote_count = remote_count};

    return transfer(pid, &t, local, local_count, flags);
}

SYSCALL6(process_vm_writev, pid_t, pid, vaddr_t, local, uint64_t, local_count, vaddr_t, remote, uint64_t, remote_count,
         uint64_t, flags)
{
    struct transfer t = {.remote = remote, .remote_count = remote_count, .write = true};

    return transfer(pid, &t, local, local_count, flags);
}
