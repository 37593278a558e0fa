// SPDX-License-Identifier: MIT
/*
 * inode.c - the life of an inode, its times and size. Permissions are in permission.c.
 */
#include "fs/inode.h"

#include <linux/stat.h>

#include "arch/x86/time.h"
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"

static struct slab_cache inode_cache;

// Guards every inode's alias against the dentry's end.
static struct spinlock alias_lock = SPINLOCK_INIT("inode alias", RANK_DENTRY);

void inode_cache_init(void)
{
    slab_cache_init(&inode_cache, "inode", sizeof(struct inode));
}

struct inode *inode_alloc(void)
{
    return slab_cache_alloc(&inode_cache);
}

void inode_free(struct inode *inode)
{
    slab_cache_free(&inode_cache, inode);
}

void inode_init(struct inode *inode, struct super_block *sb, uint64_t ino, uint32_t mode)
{
    int64_t now = (int64_t)clock_realtime_ns();

    memset(inode, 0, sizeof *inode);
    inode->ino = ino;
    inode->refs = 1;
    inode->nlink = 1;
    inode->mode = mode;
    inode->atime = now;
    inode->mtime = now;
    inode->ctime = now;
    inode->sb = sb;
    rwlock_init(&inode->lock, "inode", RANK_INODE);
    if (S_ISDIR(mode)) {
        list_init(&inode->directory.in_order);
        inode->directory.next_cookie = 2; // 0 and 1 are "." and ".."
    }
}

void inode_get(struct inode *inode)
{
    uint32_t before = atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);

    ASSERT(before != 0);
}

void inode_put(struct inode *inode)
{
    uint32_t before = atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel);

    ASSERT(before != 0);
    if (before == 1)
        inode->sb->ops->evict(inode);
}

struct dentry *inode_alias(struct inode *inode)
{
    struct dentry *dentry;

    spin_lock(&alias_lock);
    dentry = inode->alias;
    if (dentry != NULL && !dentry_try_get(dentry))
        dentry = NULL;
    spin_unlock(&alias_lock);
    return dentry;
}

void inode_set_alias(struct inode *inode, struct dentry *dentry)
{
    if (inode->alias == dentry)
        return;
    spin_lock(&alias_lock);
    inode->alias = dentry;
    spin_unlock(&alias_lock);
}

void inode_forget_alias(struct inode *inode, struct dentry *dentry)
{
    spin_lock(&alias_lock);
    if (inode->alias == dentry)
        inode->alias = NULL;
    spin_unlock(&alias_lock);
}

// Count one up (or down), unless the count says that the other side is there.
static int writers_change(struct inode *inode, int32_t step)
{
    int32_t before = inode->writers;

    do {
        if (step > 0 ? before < 0 : before > 0)
            return -ETXTBSY;
    } while (!atomic_compare_exchange_weak(&inode->writers, &before, before + step));
    return 0;
}

int inode_get_write(struct inode *inode)
{
    return writers_change(inode, 1);
}

void inode_put_write(struct inode *inode)
{
    inode->writers--;
}

int inode_deny_write(struct inode *inode)
{
    return writers_change(inode, -1);
}

void inode_allow_write(struct inode *inode)
{
    inode->writers++;
}

/*
 * As "relatime": only if content or attributes have changed since, or a day has passed. So reading mostly writes
 * nothing.
 */
void inode_touch_atime(struct inode *inode)
{
    const int64_t day = 24 * 3600 * (int64_t)NS_PER_SECOND;
    int64_t now = (int64_t)clock_realtime_ns();

    if (inode->atime <= inode->mtime || inode->atime <= inode->ctime || now - inode->atime >= day) {
        inode->atime = now;
        inode->dirty = true;
    }
}

void inode_touch_mtime(struct inode *inode)
{
    int64_t now = (int64_t)clock_realtime_ns();

    inode->mtime = now;
    inode->ctime = now;
    inode->dirty = true;
}

void inode_touch_ctime(struct inode *inode)
{
    inode->ctime = (int64_t)clock_realtime_ns();
    inode->dirty = true;
}

uint64_t inode_size(struct inode *inode)
{
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        return inode->pages.size;
    case S_IFLNK:
        return inode->link != NULL ? strlen(inode->link) : 0;
    case S_IFDIR:
        return inode->directory.count * 20ull + 40; // as tmpfs on Linux counts
    default:
        return 0;
    }
}

__cold int64_t inode_readlink(struct inode *inode, char *buffer, size_t size)
{
    size_t length;

    if (!inode_is(inode, S_IFLNK))
        return -EINVAL;
    if (inode->ops->readlink != NULL)
        return inode->ops->readlink(inode, buffer, size);
    length = MIN(strlen(inode->link), size);
    memcpy(buffer, inode->link, length);
    return (int64_t)length;
}

void inode_pages_hold(struct page_cache *pages)
{
    inode_get(container_of(pages, struct inode, pages));
}

void inode_pages_release(struct page_cache *pages)
{
    inode_put(container_of(pages, struct inode, pages));
}

int inode_pages_punch(struct page_cache *pages, uint64_t offset, uint64_t size)
{
    return vfs_punch_inode(container_of(pages, struct inode, pages), offset, offset + size, true);
}

__cold int inode_pages_describe(struct page_cache *pages, char *buffer, size_t size, struct map_identity *identity)
{
    struct inode *inode = container_of(pages, struct inode, pages);
    struct dentry *dentry = inode_alias(inode);
    int64_t length;

    identity->major = device_major((device_t)inode->sb->device);
    identity->minor = device_minor((device_t)inode->sb->device);
    identity->inode = inode->ino;
    if (dentry == NULL)
        return (int)strlcpy(buffer, " (deleted)", size);
    length = vfs_dentry_name(dentry, buffer, size);
    dentry_put(dentry);
    return (int)length;
}
