// SPDX-License-Identifier: MIT
/*
 * super_block.c - instances of file systems, and the list of their types.
 */
#include <stdatomic.h>

#include "fs/device_number.h"
#include "fs/mount.h"
#include "lib/log.h"
#include "lib/string.h"

// Types only ever join, at the end, so readers need no lock.
static struct list types = LIST_INIT(types);
static struct spinlock types_lock = SPINLOCK_INIT("file-system types", RANK_SUPERBLOCK);

static _Atomic uint32_t next_anonymous_device = 1;

void register_filesystem(struct file_system_type *type)
{
    ASSERT(file_system_find(type->name) == NULL);
    spin_lock(&types_lock);
    list_add_tail(&types, &type->link);
    spin_unlock(&types_lock);
}

struct file_system_type *file_system_find(const char *name)
{
    struct file_system_type *type;

    list_for_each_entry(type, &types, link) {
        if (strcmp(type->name, name) == 0)
            return type;
    }
    return NULL;
}

void file_systems_for_each(bool (*fn)(const struct file_system_type *type, void *arg), void *arg)
{
    struct file_system_type *type;

    list_for_each_entry(type, &types, link) {
        if (!fn(type, arg))
            return;
    }
}

void super_block_init(struct super_block *sb, const struct file_system_type *type, const struct super_block_ops *ops)
{
    memset(sb, 0, sizeof *sb);
    rwlock_init(&sb->tree, "directory tree", RANK_DIRECTORY);
    sb->refs = 1;
    sb->type = type;
    sb->ops = ops;
    sb->device = device_make(0, atomic_fetch_add(&next_anonymous_device, 1));
    sb->next_ino = 1;
}

void super_block_get(struct super_block *sb)
{
    atomic_fetch_add_explicit(&sb->refs, 1, memory_order_relaxed);
}

bool super_block_try_get(struct super_block *sb)
{
    uint32_t refs = sb->refs;

    while (refs != 0 && !atomic_compare_exchange_weak(&sb->refs, &refs, refs + 1))
        ;
    return refs != 0;
}

void super_block_put(struct super_block *sb)
{
    if (atomic_fetch_sub_explicit(&sb->refs, 1, memory_order_acq_rel) == 1)
        sb->ops->release(sb);
}
