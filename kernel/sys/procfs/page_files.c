// SPDX-License-Identifier: MIT
/*
 * page_files.c - /proc/PID/pagemap, /proc/kpagecount, /proc/kpageflags: eight bytes for each page or frame, at its number.
 *
 * Theory      Nothing is kept: a read makes the words that it asks for, some at a time, and copies them without a lock.
 */
#include "sys/procfs/page_files.h"

#include <linux/kernel-page-flags.h>

#include "fs/credentials.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/node.h"
#include "mm/vspace.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sys/procfs/node.h"

#define WORDS_AT_ONCE 32u
#define WORD sizeof(uint64_t)

/* Of pagemap; the frame's number is below them. */
#define PAGEMAP_PRESENT   (UINT64_C(1) << 63)
#define PAGEMAP_SWAP      (UINT64_C(1) << 62) // with the page's place in its area above five bits for the area's number
#define PAGEMAP_FILE      (UINT64_C(1) << 61)
#define PAGEMAP_EXCLUSIVE (UINT64_C(1) << 56)

/* Makes `count` words from number `first` on. => 0, -errno */
typedef int words_make(struct file *file, uint64_t first, unsigned count, uint64_t *words);

static int64_t read_words(struct file *file, struct io *io, uint64_t end, words_make *make)
{
    uint64_t words[WORDS_AT_ONCE];
    size_t total = 0;

    if (io->offset % WORD || io->left % WORD)
        return -EINVAL;
    while (io->left && io->offset / WORD < end) {
        uint64_t first = io->offset / WORD;
        unsigned count = MIN(MIN(io->left / WORD, end - first), (uint64_t)WORDS_AT_ONCE);
        int error = make(file, first, count, words);
        size_t moved = error ? 0 : io_copy_out(io, words, count * WORD);

        total += moved;
        if (moved < count * WORD)
            return total ? (int64_t)total : error ? error : -EFAULT;
    }
    return total;
}

/* ---- pagemap ---- */

/* => the leaf is locked; the frame's number is for the superuser */
static uint64_t page_word(const struct vpage_info *info, bool alone, bool privileged)
{
    const struct core_map_entry *page = vpage_frame(info);

    if (vpage_is_swapped(*info))
        return PAGEMAP_SWAP | (privileged ? info->ppn % SWAP_AREA_PAGES << 5 | info->ppn / SWAP_AREA_PAGES : 0);
    if (!info->present)
        return 0;
    return PAGEMAP_PRESENT | (frame_kind(page) == FRAME_FILE ? PAGEMAP_FILE : 0) |
           (alone && frame_refs(page) == 1 ? PAGEMAP_EXCLUSIVE : 0) | (privileged ? info->ppn : 0);
}

static uint64_t word_at(struct vspace *space, vaddr_t va, bool privileged)
{
    struct node_path path = node_walk(space, va);
    uint64_t word;

    if (!path.leaf)
        return 0;
    node_lock(path.leaf);
    word = leaf_covers(path.leaf, va)
               ? page_word(leaf_info(path.leaf, va), pte_is_writable(path.rights), privileged) : 0;
    node_unlock(path.leaf);
    return word;
}

static int make_pagemap(struct file *file, uint64_t first, unsigned count, uint64_t *words)
{
    struct vspace *space = process_vspace(proc_inode_of(file_inode(file))->process);
    bool privileged = credentials_is_root(current_credentials());

    for (unsigned i = 0; i < count; i++)
        words[i] = 0;
    if (!space)
        return 0;
    rwlock_read_lock(&space->lock);
    for (unsigned i = 0; i < count; i++)
        words[i] = word_at(space, (first + i) << PAGE_SHIFT, privileged);
    rwlock_read_unlock(&space->lock);
    vspace_put(space);
    return 0;
}

static int pagemap_open(struct file *file)
{
    return proc_check_inspect(proc_inode_of(file_inode(file)));
}

static int64_t pagemap_read(struct file *file, struct io *io)
{
    struct vspace *space = process_vspace(proc_inode_of(file_inode(file))->process);

    if (!space)
        return 0;
    vspace_put(space);
    return read_words(file, io, USER_END >> PAGE_SHIFT, make_pagemap);
}

const struct file_ops pagemap_ops = {.open = pagemap_open, .read = pagemap_read};

/* ---- kpagecount, kpageflags ---- */

static int make_counts(struct file *file, uint64_t first, unsigned count, uint64_t *words)
{
    (void)file;
    for (unsigned i = 0; i < count; i++) {
        const struct core_map_entry *page = &core_map[first + i];
        enum frame_kind kind = frame_kind(page);

        words[i] = kind == FRAME_ANON || kind == FRAME_HUGE ? frame_refs(page) : 0;
        if (kind == FRAME_FILE && frame_refs(page))
            words[i] = frame_refs(page) - 1; // without the page cache's
        if (kind == FRAME_SWAP && frame_refs(page))
            words[i] = frame_refs(page) - 1;
    }
    return 0;
}

#define FLAG(name) (UINT64_C(1) << KPF_##name)
#define KPF_RESERVED 32 // not in the UAPI header, but in the file
#define ANON_FLAGS   (FLAG(UPTODATE) | FLAG(MMAP) | FLAG(ANON) | FLAG(SWAPBACKED))

/* What a frame of a run that is mapped as a whole has besides. */
static uint64_t huge_flags(pfn_t pfn)
{
    pfn_t head = ALIGN_DOWN(pfn, PTES_PER_NODE);

    if (frame_kind(&core_map[head]) != FRAME_HUGE)
        return 0;
    return FLAG(THP) | (pfn == head ? FLAG(COMPOUND_HEAD) : FLAG(COMPOUND_TAIL));
}

static int make_flags(struct file *file, uint64_t first, unsigned count, uint64_t *words)
{
    static const uint64_t flags[FRAME_KINDS] = {
        [FRAME_RESERVED] = FLAG(RESERVED),
        [FRAME_IMAGE] = FLAG(RESERVED),
        [FRAME_FREE] = FLAG(BUDDY),
        [FRAME_SLAB] = FLAG(SLAB),
        [FRAME_NODE] = FLAG(PGTABLE),
        [FRAME_ANON] = ANON_FLAGS,
        [FRAME_HUGE] = ANON_FLAGS,
        [FRAME_FILE] = FLAG(UPTODATE) | FLAG(SWAPBACKED),
        [FRAME_ZERO] = FLAG(ZERO_PAGE),
        [FRAME_SWAP] = FLAG(UPTODATE) | FLAG(ANON) | FLAG(SWAPBACKED) | FLAG(SWAPCACHE),
    };

    (void)file;
    for (unsigned i = 0; i < count; i++) {
        const struct core_map_entry *page = &core_map[first + i];
        enum frame_kind kind = frame_kind(page);

        words[i] = flags[kind] | huge_flags(first + i);
        if ((kind == FRAME_FILE || kind == FRAME_SWAP) && frame_refs(page) > 1)
            words[i] |= FLAG(MMAP);
    }
    return 0;
}

static int64_t kpagecount_read(struct file *file, struct io *io)
{
    return read_words(file, io, core_map_frames, make_counts);
}

static int64_t kpageflags_read(struct file *file, struct io *io)
{
    return read_words(file, io, core_map_frames, make_flags);
}

const struct file_ops kpagecount_ops = {.read = kpagecount_read};
const struct file_ops kpageflags_ops = {.read = kpageflags_read};
