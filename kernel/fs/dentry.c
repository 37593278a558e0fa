// SPDX-License-Identifier: MIT
/*
 * dentry.c - names: making, finding, linking, moving them. Nothing here looks at permissions or disks.
 */
#include "fs/dentry.h"

#include <stdatomic.h>

#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"

// FNV-1a: short names, no table, spreads well enough for a balanced tree's key.
static uint32_t name_hash(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash;
}

static struct dentry *dentry_alloc(const char *name, size_t length)
{
    struct dentry *dentry = slab_alloc(sizeof *dentry + length + 1);

    if (dentry == NULL)
        return NULL;
    memset(dentry, 0, sizeof *dentry);
    dentry->refs = 1;
    dentry->name = dentry->inline_name;
    dentry->name_length = (uint8_t)length;
    memcpy(dentry->name, name, length);
    dentry->name[length] = 0;
    list_init(&dentry->in_order);
    return dentry;
}

struct dentry *dentry_create_nameless(struct inode *inode, const char *name)
{
    struct dentry *dentry = dentry_alloc(name, strnlen(name, NAME_MAX_LENGTH));

    if (dentry == NULL)
        return NULL;
    dentry->nameless = true;
    dentry->parent = dentry;
    dentry->sb = inode->sb;
    dentry_set_inode(dentry, inode);
    return dentry;
}

struct dentry *dentry_create_root(struct inode *inode)
{
    struct dentry *dentry = dentry_create_nameless(inode, "/");

    if (dentry != NULL)
        dentry->nameless = false;
    return dentry;
}

struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length)
{
    struct dentry *dentry = dentry_alloc(name, length);

    if (dentry == NULL)
        return NULL;
    dentry->hash = name_hash(name, length);
    dentry->sb = parent->sb;
    dentry_get(parent);
    dentry->parent = parent;
    return dentry;
}

void dentry_set_inode(struct dentry *dentry, struct inode *inode)
{
    dentry->inode = inode;
    inode_set_alias(inode, dentry);
}

void dentry_get(struct dentry *dentry)
{
    uint32_t before = atomic_fetch_add_explicit(&dentry->refs, 1, memory_order_relaxed);

    ASSERT(before != 0);
}

bool dentry_try_get(struct dentry *dentry)
{
    uint32_t before = dentry->refs;

    while (before != 0) {
        if (atomic_compare_exchange_weak(&dentry->refs, &before, before + 1))
            return true;
    }
    return false;
}

static bool dentry_drop(struct dentry *dentry)
{
    uint32_t before = atomic_fetch_sub_explicit(&dentry->refs, 1, memory_order_acq_rel);

    ASSERT(before != 0);
    return before == 1;
}

// => the parent, on which the dentry's reference is now the caller's; NULL for a root
static struct dentry *dentry_free(struct dentry *dentry)
{
    struct dentry *parent = dentry->parent;

    if (dentry->inode != NULL) {
        inode_forget_alias(dentry->inode, dentry);
        inode_put(dentry->inode);
    }
    if (dentry->name != dentry->inline_name)
        slab_free(dentry->name);
    slab_free(dentry);
    return parent != dentry ? parent : NULL;
}

// A loop and no recursion, since a chain of unlinked directories may be long.
void dentry_put(struct dentry *dentry)
{
    while (dentry != NULL && dentry_drop(dentry))
        dentry = dentry_free(dentry);
}

static int name_compare(uint32_t hash, const char *name, size_t length, const struct dentry *dentry)
{
    if (hash != dentry->hash)
        return hash < dentry->hash ? -1 : 1;
    if (length != dentry->name_length)
        return length < dentry->name_length ? -1 : 1;
    return memcmp(name, dentry->name, length);
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length)
{
    uint32_t hash = name_hash(name, length);
    struct tree_node *node = parent->inode->directory.by_name.root;

    while (node != NULL) {
        struct dentry *dentry = container_of(node, struct dentry, by_name);
        int order = name_compare(hash, name, length, dentry);

        if (order == 0) {
            dentry_get(dentry);
            return dentry;
        }
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

static bool dentry_less(const struct tree_node *a, const struct tree_node *b)
{
    const struct dentry *x = container_of(a, struct dentry, by_name);

    return name_compare(x->hash, x->name, x->name_length, container_of(b, struct dentry, by_name)) < 0;
}

static void directory_add(struct directory *directory, struct dentry *dentry)
{
    tree_insert(&directory->by_name, &dentry->by_name, dentry_less);
    list_add_tail(&directory->in_order, &dentry->in_order);
    dentry->cookie = directory->next_cookie++;
    directory->count++;
}

static void directory_remove(struct directory *directory, struct dentry *dentry)
{
    tree_remove(&directory->by_name, &dentry->by_name);
    list_remove(&dentry->in_order);
    directory->count--;
}

void dentry_link(struct dentry *dentry)
{
    DEBUG_ASSERT(rwlock_held_write(&dentry->sb->tree));
    dentry_get(dentry);
    directory_add(&dentry->parent->inode->directory, dentry);
    dentry->linked = true;
}

void dentry_unlink(struct dentry *dentry)
{
    DEBUG_ASSERT(rwlock_held_write(&dentry->sb->tree));
    directory_remove(&dentry->parent->inode->directory, dentry);
    dentry->linked = false;
    dentry->deleted = true;
    dentry_put(dentry);
}

// With no reference left nobody can find it, not even as an inode's alias.
bool dentry_try_forget(struct dentry *dentry)
{
    uint32_t only = 1;

    DEBUG_ASSERT(rwlock_held_write(&dentry->sb->tree));
    if (!atomic_compare_exchange_strong(&dentry->refs, &only, 0))
        return false;
    directory_remove(&dentry->parent->inode->directory, dentry);
    dentry_put(dentry_free(dentry));
    return true;
}

void dentry_move(struct dentry *dentry, struct dentry *new_parent, char *name, size_t length)
{
    struct dentry *old_parent = dentry->parent;

    DEBUG_ASSERT(rwlock_held_write(&dentry->sb->tree));
    directory_remove(&old_parent->inode->directory, dentry);
    if (dentry->name != dentry->inline_name)
        slab_free(dentry->name);
    dentry->name = name;
    dentry->name_length = (uint8_t)length;
    dentry->hash = name_hash(name, length);
    dentry_get(new_parent);
    dentry->parent = new_parent;
    directory_add(&new_parent->inode->directory, dentry);
    dentry_put(old_parent);
}

bool dentry_is_under(const struct dentry *dentry, const struct dentry *ancestor)
{
    while (dentry != ancestor && dentry->parent != dentry)
        dentry = dentry->parent;
    return dentry == ancestor;
}

// Down to some name that has none below, away with it, and so on from its parent.
__cold void dentry_destroy_tree(struct dentry *root)
{
    struct dentry *dentry = root;

    rwlock_write_lock(&root->sb->tree);
    for (;;) {
        struct list *names = &dentry->inode->directory.in_order;
        struct dentry *parent = dentry->parent;

        if (inode_is_directory(dentry->inode) && !list_empty(names)) {
            dentry = list_first_entry(names, struct dentry, in_order);
            continue;
        }
        if (dentry == root)
            break;
        dentry_unlink(dentry);
        dentry = parent;
    }
    rwlock_write_unlock(&root->sb->tree);
}
