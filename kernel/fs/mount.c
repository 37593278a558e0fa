// SPDX-License-Identifier: MIT
/*
 * mount.c - the mount table: where each super block is seen, and the steps across mount points in a walk.
 *
 * Theory      A walk that reaches a dentry with mounts on it asks the table for (mount, dentry) and goes on at the root
 *             found, again and again, since mounts stack. The dentry's own count makes the question rare.
 * Locking     One spinlock for the table. A mount is busy while anybody but the table and the asker holds it; that is
 *             exact, since new references start from the table, under its lock, or from one already held.
 */
#include "fs/mount.h"

#include <linux/mount.h>
#include <stdatomic.h>

#include "fs/inode.h"
#include "fs/text.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sync/wait.h"

// As <linux/fs.h> and umount2(2) number them.
#define MNT_FORCE  1
#define MNT_DETACH 2

#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

static struct spinlock table_lock = SPINLOCK_INIT("mount table", RANK_MOUNTS);
static struct list table = LIST_INIT(table);    // all mounts with a place, oldest first
static _Atomic int next_id = 1;
static struct wait_queue visit_over = WAIT_QUEUE_INIT(visit_over);

bool mount_is_read_only(const struct mount *mount)
{
    return (mount->flags & MS_RDONLY) || (mount->sb->flags & SB_READ_ONLY);
}

void mount_get(struct mount *mount)
{
    atomic_fetch_add_explicit(&mount->refs, 1, memory_order_relaxed);
}

static void mount_free(struct mount *mount)
{
    dentry_put(mount->root);
    super_block_put(mount->sb);
    text_free(mount->source);
    slab_free(mount);
}

void mount_put(struct mount *mount)
{
    if (atomic_fetch_sub_explicit(&mount->refs, 1, memory_order_acq_rel) == 1)
        mount_free(mount);
}

// A mount of `root` and what is below, in no table. Takes its own references. NULL: no memory.
static struct mount *mount_create(struct super_block *sb, struct dentry *root, const char *source)
{
    struct mount *mount = slab_zalloc(sizeof *mount);

    if (mount == NULL)
        return NULL;
    mount->source = text_copy(source != NULL ? source : "none");
    if (mount->source == NULL) {
        slab_free(mount);
        return NULL;
    }
    super_block_get(sb);
    dentry_get(root);
    mount->refs = 1;
    mount->id = atomic_fetch_add(&next_id, 1);
    mount->sb = sb;
    mount->root = root;
    list_init(&mount->link);
    return mount;
}

struct mount *mount_create_detached(struct super_block *sb, const char *source)
{
    return mount_create(sb, sb->root, source);
}

// The topmost mount on exactly this place. => table_lock held
static struct mount *mount_find_locked(const struct path *path)
{
    struct mount *mount;

    list_for_each_entry(mount, &table, link) {
        if (mount->parent == path->mount && mount->mountpoint == path->dentry)
            return mount;
    }
    return NULL;
}

// One step down. false: nothing is mounted there.
static bool mount_descend_once(struct path *path)
{
    struct mount *mount;
    struct path old = *path;

    spin_lock(&table_lock);
    mount = mount_find_locked(path);
    if (mount != NULL)
        mount_get(mount);
    spin_unlock(&table_lock);
    if (mount == NULL)
        return false;
    dentry_get(mount->root);
    *path = (struct path){mount, mount->root};
    path_put(&old);
    return true;
}

void mount_descend(struct path *path)
{
    while (path->dentry->mounts != 0 && mount_descend_once(path))
        ;
}

bool mount_ascend(struct path *path)
{
    struct path old = *path;
    struct path above = {NULL, NULL};

    if (path->dentry != path->mount->root)
        return false;
    spin_lock(&table_lock);
    if (path->mount->parent != NULL) {
        above = (struct path){path->mount->parent, path->mount->mountpoint};
        path_get(&above);
    }
    spin_unlock(&table_lock);
    if (above.mount == NULL)
        return false;
    *path = above;
    path_put(&old);
    return true;
}

struct path mount_root_path(void)
{
    struct path path;

    spin_lock(&table_lock);
    path.mount = list_first_entry(&table, struct mount, link);
    path.dentry = path.mount->root;
    path_get(&path);
    spin_unlock(&table_lock);
    return path;
}

struct mount *mount_of_super_block(struct super_block *sb)
{
    struct mount *mount;

    spin_lock(&table_lock);
    list_for_each_entry(mount, &table, link) {
        if (mount->sb == sb) {
            mount_get(mount);
            spin_unlock(&table_lock);
            return mount;
        }
    }
    spin_unlock(&table_lock);
    return NULL;
}

// Begin a visit to the mount that follows `id` in the table.
static struct mount *visit_after(int id)
{
    struct mount *mount, *best = NULL;

    spin_lock(&table_lock);
    list_for_each_entry(mount, &table, link) {
        if (mount->id > id && (best == NULL || mount->id < best->id))
            best = mount;
    }
    if (best != NULL)
        atomic_fetch_add(&best->visits, 1);
    spin_unlock(&table_lock);
    return best;
}

static void visit_end(struct mount *mount)
{
    atomic_fetch_sub(&mount->visits, 1); // then it may go
    wake_all(&visit_over);
}

// Give up the table's reference. => the mount is not in the table any more; no lock held that a visit may need
static void put_detached(struct mount *mount)
{
    wait_event(&visit_over, atomic_load(&mount->visits) == 0);
    mount_put(mount);
}

void mounts_for_each(bool (*fn)(struct mount *mount, void *arg), void *arg)
{
    bool more = true;
    int id = 0;

    while (more) {
        struct mount *mount = visit_after(id);

        if (mount == NULL)
            return;
        id = mount->id;
        more = fn(mount, arg);
        visit_end(mount);
    }
}

// Into the table at `at` (NULL: as the root). The table takes over the caller's reference.
static void mount_attach(struct mount *mount, const struct path *at)
{
    if (at != NULL)
        path_get(at);
    spin_lock(&table_lock);
    if (at != NULL) {
        mount->parent = at->mount;
        mount->mountpoint = at->dentry;
        at->dentry->mounts++;
    }
    list_add_tail(&table, &mount->link);
    spin_unlock(&table_lock);
}

int mount_create_root(struct file_system_type *type, const char *options)
{
    struct super_block *sb;
    struct mount *mount;
    int error = type->mount(type, &(struct mount_request){.source = "rootfs", .options = options}, &sb);

    if (error != 0)
        return error;
    mount = mount_create(sb, sb->root, "rootfs");
    super_block_put(sb);
    if (mount == NULL)
        return -ENOMEM;
    mount_attach(mount, NULL);
    return 0;
}

// A volatile file system makes a new dentry for each look-up, so what is mounted on one would never be found.
static bool is_lasting(const struct path *at)
{
    return !(at->dentry->sb->flags & SB_VOLATILE) || at->dentry == at->dentry->sb->root;
}

static bool same_place_and_source(const struct path *at, const struct super_block *sb)
{
    return at->mount->sb == sb && at->dentry == at->mount->root;
}

int vfs_mount(const struct path *at, const char *type_name, const struct mount_request *request,
              const struct credentials *credentials)
{
    struct file_system_type *type = file_system_find(type_name);
    struct super_block *sb;
    struct mount *mount;
    int error;

    if (!credentials_privileged(credentials))
        return -EPERM;
    if (type == NULL)
        return -ENODEV;
    if (!inode_is_directory(path_inode(at)))
        return -ENOTDIR;
    if (!is_lasting(at))
        return -EINVAL;
    error = type->mount(type, request, &sb);
    if (error != 0)
        return error;
    if (same_place_and_source(at, sb)) {
        super_block_put(sb);
        return -EBUSY;
    }
    mount = mount_create(sb, sb->root, request->source);
    super_block_put(sb);
    if (mount == NULL)
        return -ENOMEM;
    mount->flags = request->flags & MOUNT_FLAGS;
    mount_attach(mount, at);
    return 0;
}

int vfs_remount(const struct path *at, unsigned flags, const char *options, const struct credentials *credentials)
{
    struct super_block *sb = at->mount->sb;
    int error = 0;

    if (!credentials_privileged(credentials))
        return -EPERM;
    if (at->dentry != at->mount->root)
        return -EINVAL;
    if (sb->ops->remount != NULL)
        error = sb->ops->remount(sb, flags, options);
    if (error == 0)
        at->mount->flags = flags & MOUNT_FLAGS;
    return error;
}

int vfs_bind(const struct path *from, const struct path *at, const struct credentials *credentials)
{
    struct mount *mount;

    if (!credentials_privileged(credentials))
        return -EPERM;
    if (inode_is_directory(path_inode(from)) != inode_is_directory(path_inode(at)))
        return -ENOTDIR;
    if (!is_lasting(at))
        return -EINVAL;
    mount = mount_create(from->mount->sb, from->dentry, from->mount->source);
    if (mount == NULL)
        return -ENOMEM;
    mount->flags = from->mount->flags;
    mount_attach(mount, at);
    return 0;
}

static bool has_mounts_below_locked(const struct mount *mount)
{
    struct mount *other;

    list_for_each_entry(other, &table, link) {
        if (other->parent == mount)
            return true;
    }
    return false;
}

// => table_lock held; the table's reference to the mount, and the mount's to its place, are now the caller's
static struct path mount_detach_locked(struct mount *mount)
{
    struct path place = {mount->parent, mount->mountpoint};

    place.dentry->mounts--;
    mount->parent = NULL;
    mount->mountpoint = NULL;
    list_remove(&mount->link);
    return place;
}

// Detach everything that lies on `mount`, deepest last found first.
static void detach_below(struct mount *mount)
{
    for (;;) {
        struct mount *other, *child = NULL;
        struct path place;

        spin_lock(&table_lock);
        list_for_each_entry(other, &table, link) {
            if (other->parent == mount || (child != NULL && other->parent == child))
                child = other;
        }
        if (child != NULL)
            place = mount_detach_locked(child);
        spin_unlock(&table_lock);
        if (child == NULL)
            return;
        put_detached(child);
        path_put(&place);
    }
}

int vfs_umount(const struct path *at, unsigned flags, const struct credentials *credentials)
{
    struct mount *mount = at->mount;
    struct path place = {NULL, NULL};
    int error = 0;

    if (!credentials_privileged(credentials))
        return -EPERM;
    if (at->dentry != mount->root || mount->parent == NULL)
        return -EINVAL;
    if (flags & MNT_DETACH)
        detach_below(mount);
    spin_lock(&table_lock);
    if (mount->parent == NULL)
        error = -EINVAL;
    else if (!(flags & MNT_DETACH) && (mount->refs > 2 || has_mounts_below_locked(mount)))
        error = -EBUSY;
    else
        place = mount_detach_locked(mount);
    spin_unlock(&table_lock);
    if (error != 0)
        return error;
    put_detached(mount);
    path_put(&place);
    return 0;
}

static bool sync_one(struct mount *mount, void *arg __maybe_unused)
{
    if (mount->sb->ops->sync != NULL)
        (void)mount->sb->ops->sync(mount->sb);
    return true;
}

void vfs_sync(void)
{
    mounts_for_each(sync_one, NULL);
}
