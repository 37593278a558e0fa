// SPDX-License-Identifier: MIT
/*
 * memory.c - brk, mmap, munmap, mprotect, mremap: decode for mm/map.h.
 *
 * Not here    What is said of memory that is mapped already: memory_advice.c, memory_lock.c.
 */
#include <linux/mman.h>

#include "lib/checked.h"
#include "mm/map.h"
#include "mm/page_cache.h"
#include "sys/descriptor.h"
#include "sys/memory_lock.h"
#include "sys/syscall.h"

/* After mlockall(MCL_FUTURE): what the heap gains is locked and present. */
static vaddr_t __cold locked_brk(struct vspace *space, vaddr_t end)
{
    vaddr_t before = ALIGN_UP(vspace_brk(space, 0), PAGE_SIZE);
    vaddr_t after = vspace_brk_limited(space, end, rlimit_locked_memory());

    if (after > before)
        memory_populate(before, after - before, false);
    return after;
}

/* => the end of the heap after the call, moved or not; never an error */
SYSCALL1(brk, vaddr_t, end)
{
    struct vspace *space = current_process()->vspace;

    return unlikely(space->lock_future) ? locked_brk(space, end) : vspace_brk(space, end);
}

/* What MAP_SHARED_VALIDATE allows of a file that knows no flags of its own: what MAP_SHARED always knew. */
#define VALID_FLAGS                                                                                                      \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_GROWSDOWN |         \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |                    \
     (uint32_t)MAP_HUGE_MASK << MAP_HUGE_SHIFT)

/* The rights that a mapping of `file` may get later: a shared one cannot write what is not open for writing. */
static uint32_t most_rights(const struct file *file, uint32_t flags)
{
    uint32_t all = PROT_READ | PROT_WRITE | PROT_EXEC;

    if (file && (flags & MAP_TYPE) != MAP_PRIVATE && !(file->mode & FILE_WRITE))
        return all & ~PROT_WRITE;
    return all;
}

/* Everything but what the file itself says, in Linux's order. */
static int check_map(const struct map_request *request, const struct file *file)
{
    int type = request->flags & MAP_TYPE, error = map_check_place(request);
    uint64_t end;

    if (error)
        return error;
    if (file && (add_overflows(request->offset, ALIGN_UP(request->size, PAGE_SIZE), &end) || end > INT64_MAX))
        return -EOVERFLOW;
    if (type != MAP_PRIVATE && type != MAP_SHARED && (type != MAP_SHARED_VALIDATE || !file))
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (request->flags & ~(uint32_t)VALID_FLAGS))
        return -EOPNOTSUPP;
    if (!file && type != MAP_PRIVATE && (request->flags & MAP_GROWSDOWN))
        return -EINVAL;
    return request->flags & MAP_HUGETLB ? -ENOMEM : 0; // there are no huge pages, so that none is free
}

/* Whether a new mapping is locked, as far as can be told without the space's lock. */
static inline bool may_be_locked(uint32_t flags)
{
    return (flags & MAP_LOCKED) || current_process()->vspace->lock_future;
}

static int64_t map(struct map_request *request, struct file *file)
{
    int error = check_map(request, file);

    if (error)
        return error;
    request->max_prot = most_rights(file, request->flags);
    if (file) {
        error = file_mmap(file, request->prot, request->flags, &request->file);

        if (error)
            return error;
        if (request->flags & MAP_GROWSDOWN) // nothing with a file behind it grows down
            return -EINVAL;
        if (!request->file)
            request->flags |= MAP_ANONYMOUS;
    }
    int64_t addr = vspace_mmap(current_process()->vspace, request);
    if (addr >= 0 && unlikely((request->flags & MAP_POPULATE) || may_be_locked(request->flags)))
        memory_populate((vaddr_t)addr, request->size, (request->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE);
    return addr;
}

#define HUGE_SHIFT 21 // of the size that a huge page has if none is said

/* A huge page has one of two sizes, and no file here is made of them. => 0 or -EINVAL */
static int check_huge(uint32_t flags, uint64_t size)
{
    uint32_t said = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK, shift = said ? said : HUGE_SHIFT;

    if (!(flags & MAP_ANONYMOUS) || (shift != HUGE_SHIFT && shift != 30))
        return -EINVAL;
    return ALIGN_UP(size, UINT64_C(1) << shift) == 0 ? -EINVAL : 0;
}

SYSCALL6(mmap, vaddr_t, addr, uint64_t, size, uint32_t, prot, uint32_t, flags, int, fd, uint64_t, offset)
{
    struct map_request request = {
        .addr = addr, .size = size, .prot = prot, .flags = flags, .offset = offset, .purpose = VR_GENERAL,
        .lock_limit = unlikely(may_be_locked(flags)) ? rlimit_locked_memory() : UINT64_MAX,
    };
    struct file *file = NULL;
    int64_t result;

    if (!IS_ALIGNED(offset, PAGE_SIZE))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        file = descriptor_file(fd);
        if (!file)
            return -EBADF;
    }
    result = unlikely(flags & MAP_HUGETLB) ? check_huge(flags, size) : 0;
    if (!result)
        result = map(&request, file);
    if (file)
        file_put(file);
    return result;
}

SYSCALL5(mremap, vaddr_t, addr, uint64_t, old_size, uint64_t, new_size, uint32_t, flags, vaddr_t, new_addr)
{
    struct remap_request request = {
        .addr = addr, .new_addr = new_addr, .old_size = old_size, .new_size = new_size, .flags = flags,
        .lock_limit = rlimit_locked_memory(),
    };
    int64_t result = vspace_mremap(current_process()->vspace, &request);

    if (result >= 0 && new_size > old_size)
        memory_populate((vaddr_t)result, new_size, false);
    return result;
}

SYSCALL2(munmap, vaddr_t, addr, uint64_t, size)
{
    return vspace_munmap(current_process()->vspace, addr, size);
}

SYSCALL3(mprotect, vaddr_t, addr, uint64_t, size, uint32_t, prot)
{
    return vspace_mprotect(current_process()->vspace, addr, size, prot);
}
