// SPDX-License-Identifier: MIT
/*
 * map.h - change what a range of addresses is: mmap, munmap, mprotect, and the stack of a new program.
 *
 * Each operation checks, then prepares all that it needs, then commits without being able to fail. All take space->lock for
 * writing themselves and may sleep. Errors are Linux's.
 */
#ifndef MM_MAP_H
#define MM_MAP_H

#include "lib/types.h"
#include "mm/vregion.h"
#include "mm/vspace.h"

/* What to map. Values of prot and flags are those of <linux/mman.h>. */
struct map_request {
    vaddr_t addr;            // a hint, or the place (MAP_FIXED, MAP_FIXED_NOREPLACE)
    uint64_t size;           // bytes; rounded up to pages
    uint32_t prot;           // PROT_READ | PROT_WRITE | PROT_EXEC
    uint32_t max_prot;       // the rights that mprotect may give later; usually all
    uint32_t flags;          // MAP_PRIVATE or MAP_SHARED, MAP_ANONYMOUS, MAP_FIXED...
    struct page_cache *file; // NULL with MAP_ANONYMOUS; the map takes a hold of its own
    uint64_t offset;         // byte in the file, a multiple of PAGE_SIZE
    enum vr_purpose purpose;
    uint64_t lock_limit;     // bytes that may be locked in all: for MAP_LOCKED, and after mlockall(MCL_FUTURE)
};

/* What can be said of a request by its size and fixed address alone, which Linux does first. => 0, -EINVAL, -ENOMEM, -EPERM */
__must_check int map_check_place(const struct map_request *request);

/* => the address, or -EINVAL, -ENOMEM, -EEXIST, -EPERM, -EOVERFLOW, -EAGAIN (the limit of locked memory) */
__must_check int64_t vspace_mmap(struct vspace *space, const struct map_request *request);

/* => 0, -EINVAL, or -ENOMEM (a region would have to be split, and there is no memory for it); then nothing changed */
__must_check int vspace_munmap(struct vspace *space, vaddr_t addr, uint64_t size);

/* => 0, -EINVAL, -EACCES (beyond max_prot), -ENOMEM (a hole, or no memory); as on Linux, what lies before a hole or refusal is changed */
__must_check int vspace_mprotect(struct vspace *space, vaddr_t addr, uint64_t size, uint32_t prot);

/* What to remap. Values of flags are those of <linux/mman.h>. */
struct remap_request {
    vaddr_t addr, new_addr; // new_addr: with MREMAP_FIXED the place, with MREMAP_DONTUNMAP a hint
    uint64_t old_size, new_size;
    uint32_t flags;
    uint64_t lock_limit; // bytes that may be locked in all
};

/* => the address, or -EINVAL, -EFAULT (no region, or more than one), -ENOMEM, -EAGAIN (the limit of locked memory), -EPERM */
__must_check int64_t vspace_mremap(struct vspace *space, const struct remap_request *request);

/*
 * mlock(2) and munlock(2): `flags` (VR_LOCKED, VR_LOCK_ONFAULT, or none) for what lies in [addr, addr + size).
 *
 * => 0; -ENOMEM: a hole (what lies before it is changed), no memory, or more than `limit` bytes would be locked; -EINVAL
 */
__must_check int vspace_mlock(struct vspace *space, vaddr_t addr, uint64_t size, uint8_t flags, uint64_t limit);

/* mlockall(2): the same for all regions there are (`now`), and for all to come (`future`). => 0 or -ENOMEM */
__must_check int vspace_mlockall(struct vspace *space, bool now, uint8_t flags, uint8_t future, uint64_t limit);

/* Bytes in locked regions: VmLck; and whether `more` of them stay within `limit`. => space->lock held */
uint64_t vspace_locked_bytes(struct vspace *space);
bool vspace_may_lock(struct vspace *space, uint64_t more, uint64_t limit);

/* madvise(2). => 0, -EINVAL, -ENOMEM (a hole, or no memory), -EBADF, -EACCES, -EFAULT, -EINTR */
__must_check int vspace_madvise(struct vspace *space, vaddr_t addr, uint64_t size, int advice);

/* msync(2). => 0, -EINVAL, -ENOMEM (a hole), -EBUSY (MS_INVALIDATE of locked memory), what writing back returned */
__must_check int vspace_msync(struct vspace *space, vaddr_t addr, uint64_t size, int flags);

/*
 * Map the stack of a new program, growing down from `top`, `size` bytes of it at first, readable and writable, and
 * executable if asked.
 *
 * => a fresh space; 0 or -ENOMEM
 */
__must_check int vspace_map_stack(struct vspace *space, vaddr_t top, uint64_t size, bool executable);

/* Let mmap begin lower by `bytes`, a multiple of PAGE_SIZE, than the stack needs. => after vspace_map_stack */
void vspace_lower_mmap(struct vspace *space, uint64_t bytes);

#endif
