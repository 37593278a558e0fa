// SPDX-License-Identifier: MIT
#include "watch_layout.h"

#include "fs/dentry.h"
#include "fs/inode.h"
#include "mm/event.h"
#include "mm/page_cache.h"
#include "mm/stat.h"
#include "mm/vspace.h"
#include "mm/watch.h"
#include "proc/process.h"

#define AT(type, field) offsetof(struct type, field)

const uint16_t watch_layout[WATCH_LAYOUT_WORDS] = {
    FRAME_KINDS, VM_EVENTS, EVENT_TYPES, MAX_CPUS,
    sizeof(struct core_map_entry), AT(core_map_entry, lock), AT(core_map_entry, node.live),
    sizeof(struct vspace), AT(vspace, lock.word), AT(vspace, lock.changes), AT(vspace, regions), AT(vspace, region_count),
    AT(vspace, number), AT(vspace, root), AT(vspace, active), AT(vspace, brk_start), AT(vspace, link),
    sizeof(struct vregion), AT(vregion, link), AT(vregion, dir), AT(vregion, va_base), AT(vregion, size), AT(vregion, prot),
    AT(vregion, shared), AT(vregion, flags), AT(vregion, purpose), AT(vregion, file), AT(vregion, file_offset),
    sizeof(struct page_cache), AT(page_cache, ops), sizeof(struct page_cache_ops), AT(page_cache_ops, describe),
    sizeof(struct inode), AT(inode, alias), AT(inode, pages),
    sizeof(struct dentry), AT(dentry, name), AT(dentry, name_length), AT(dentry, parent), AT(dentry, deleted), AT(dentry, nameless),
    sizeof(struct process), AT(process, id), AT(process, parent_id), AT(process, threads), AT(process, thread_count), AT(process, state),
    AT(process, vspace), AT(process, comm),
    sizeof(struct thread), AT(thread, in_process), AT(thread, parked), AT(thread, kthread.state),
    sizeof(struct pid), AT(pid, process), sizeof(struct watch_control),
};
