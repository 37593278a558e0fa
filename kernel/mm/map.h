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
};

/* => the address, or -EINVAL, -ENOMEM, -EEXIST, -EPERM, -EOVERFLOW */
__must_check int64_t vspace_mmap(struct vspace *space, const struct map_request *request);

/* => 0, -EINVAL, or -ENOMEM (a region would have to be split, and there is no memory for it); then nothing changed */
__must_check int vspace_munmap(struct vspace *space, vaddr_t addr, uint64_t size);

/* => 0, -EINVAL, -EACCES (beyond max_prot), -ENOMEM (a hole; as on Linux, what lies before it is changed) */
__must_check int vspace_mprotect(struct vspace *space, vaddr_t addr, uint64_t size, uint32_t prot);

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
