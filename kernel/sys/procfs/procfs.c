// SPDX-License-Identifier: MIT
/*
 * procfs.c - the file systems "proc" and "sysfs": inodes, look-up and lists of names over the tables of nodes (node.h).
 *
 * Nothing is kept: each look-up makes an inode, which goes with the last file or path that uses it. So a name is there
 * exactly as long as what it is about, and the file system has no lock.
 */
#include "sys/procfs/procfs.h"

#include <linux/fs.h>
#include <linux/magic.h>

#include "fs/credentials.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/procfs/node.h"

#define DT_OF_MODE(mode) ((mode) >> 12)

/* Positions in a directory: 0 and 1 are "." and "..", then the table's names, then numbers. */
#define FIRST_CHILD 2
#define FIRST_NUMBER 256

static struct slab_cache inode_cache;
static const struct inode_ops directory_ops, link_ops, jump_ops, text_ops;
static const struct file_ops directory_file_ops;
static struct file_system_type sys_type;

/* ---- Inodes ---- */

/* The same for the same thing: which node, of which process, which number, below task/ or not. */
static uint64_t inode_number(const struct proc_node *node, const struct process *process, uint32_t number, bool of_thread)
{
    uint64_t id = process ? process->id : 0;

    return id << 44 | (uint64_t)(number & 0xfffff) << 24 | (uint64_t)of_thread << 23 | ((uintptr_t)node & 0x7fffff);
}

/* What belongs to a process belongs to its effective user, unless it must not be looked into. */
static void set_owner(struct inode *inode, struct process *process)
{
    spin_lock(&process->lock);
    if (!process->not_dumpable) {
        inode->uid = process->credentials->euid;
        inode->gid = process->credentials->egid;
    }
    spin_unlock(&process->lock);
}

static void set_ops(struct inode *inode, const struct proc_node *node)
{
    switch (inode->mode & S_IFMT) {
    case S_IFDIR:
        inode->ops = &directory_ops;
        inode->file_ops = &directory_file_ops;
        inode->nlink = 2;
        break;
    case S_IFLNK:
        inode->ops = node->follow ? &jump_ops : &link_ops;
        break;
    default:
        inode->ops = &text_ops;
        inode->file_ops = node->flags & PROC_RAW ? node->ops : &proc_text_ops;
    }
}

/* => takes over the reference to `process`, also when it fails; NULL: no memory */
static struct proc_inode *proc_inode_create(struct super_block *sb, const struct proc_node *node,
                                            struct process *process, uint32_t number, bool of_thread)
{
    struct proc_inode *inode = slab_cache_alloc(&inode_cache);

    if (!inode) {
        if (process)
            process_put(process);
        return NULL;
    }
    inode_init(&inode->inode, sb, inode_number(node, process, number, of_thread), node->mode);
    inode->node = node;
    inode->process = process;
    inode->number = number;
    inode->of_thread = of_thread;
    set_ops(&inode->inode, node);
    if (process)
        set_owner(&inode->inode, process);
    return inode;
}

static void proc_evict(struct inode *inode)
{
    struct proc_inode *proc_inode = container_of(inode, struct proc_inode, inode);

    if (proc_inode->process)
        process_put(proc_inode->process);
    slab_cache_free(&inode_cache, proc_inode);
}

int proc_check_inspect(const struct proc_inode *inode)
{
    if (!(inode->node->flags & PROC_INSPECT) || inspect_allowed(inode->process))
        return 0;
    return -EACCES;
}

/* Attributes follow from what a name is about. */
static int proc_setattr(struct inode *inode, const struct attributes *attributes)
{
    (void)inode, (void)attributes;
    return -EPERM;
}

/* What a name holds is only known once it is read: every size is 0, or in /sys a page for files, as on Linux. */
static void proc_getattr(struct inode *inode, struct kstat *stat)
{
    bool sys = inode->sb->type == &sys_type;

    stat->size = sys && S_ISREG(inode->mode) ? PAGE_SIZE : 0;
    stat->blocks = 0;
    stat->block_size = sys ? PAGE_SIZE : 1024;
}

/* "> file" truncates first: there is nothing to do. */
static int proc_truncate(struct inode *inode, uint64_t size)
{
    (void)inode, (void)size;
    return 0;
}

/* ---- Look-up ---- */

static const struct proc_node *find_child(const struct proc_node *node, const char *name)
{
    for (const struct proc_node *child = node->children; child && child->name; child++)
        if (!strcmp(child->name, name))
            return child;
    return NULL;
}

/* A number as it would be listed: no sign, no leading zero. => -1: it is none */
static int64_t parse_number(const char *name)
{
    uint64_t number = 0;

    if (!name[0] || (name[0] == '0' && name[1]))
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || number > INT32_MAX / 10)
            return -1;
        number = number * 10 + (*name - '0');
    }
    return number > INT32_MAX ? -1 : (int64_t)number;
}

/* => the inode of a listed number in *out; 0, -ENOENT, -ENOMEM */
static int find_number(const struct proc_inode *dir, const char *name, struct proc_inode **out)
{
    const struct proc_listing *listing = dir->node->listing;
    int64_t number = listing ? parse_number(name) : -1;
    struct process *process;

    if (number < 0)
        return -ENOENT;
    if (listing->of_processes) {
        process = process_find(number);
        if (!process)
            return -ENOENT;
    } else {
        if (listing->next(dir, number) != number)
            return -ENOENT;
        process = process_get(dir->process);
    }
    *out = proc_inode_create(dir->inode.sb, listing->node, process, number, dir->of_thread || listing->of_threads);
    if (*out && listing->mode)
        (*out)->inode.mode = listing->mode(*out);
    return *out ? 0 : -ENOMEM;
}

static int proc_lookup(struct inode *dir_inode, struct dentry *child)
{
    const struct proc_inode *dir = proc_inode_of(dir_inode);
    const struct proc_node *node = find_child(dir->node, child->name);
    struct proc_inode *inode;
    int error = 0;

    if (dir->process && dir->process->state == PROCESS_DEAD)
        return -ENOENT;
    if (node) {
        inode = proc_inode_create(dir_inode->sb, node, dir->process ? process_get(dir->process) : NULL, dir->number,
                                  dir->of_thread);
        error = inode ? 0 : -ENOMEM;
    } else {
        error = find_number(dir, child->name, &inode);
    }
    if (!error)
        dentry_set_inode(child, &inode->inode);
    return error;
}

static const struct inode_ops directory_ops = {.lookup = proc_lookup, .getattr = proc_getattr, .setattr = proc_setattr};

/* ---- Lists of names ---- */

static bool emit(struct dir_emitter *emitter, const struct proc_inode *dir, const struct proc_node *node,
                 const char *name, uint64_t position, uint32_t number)
{
    uint64_t ino = inode_number(node, dir->process, number, dir->of_thread);

    return emitter->emit(emitter, name, strlen(name), ino, DT_OF_MODE(node->mode), position + 1);
}

/* "." and "..": both told with the directory's own inode number. */
static bool emit_dots(const struct proc_inode *dir, uint64_t *position, struct dir_emitter *emitter)
{
    for (; *position < FIRST_CHILD; ++*position)
        if (!emit(emitter, dir, dir->node, *position ? ".." : ".", *position, dir->number))
            return false;
    return true;
}

static bool emit_children(const struct proc_inode *dir, uint64_t *position, struct dir_emitter *emitter)
{
    const struct proc_node *child = dir->node->children;
    uint64_t at = FIRST_CHILD;

    for (; child && child->name; child++, at++) {
        if (at < *position)
            continue;
        if (!emit(emitter, dir, child, child->name, at, dir->number))
            return false;
        *position = at + 1;
    }
    return true;
}

static bool emit_numbers(const struct proc_inode *dir, uint64_t *position, struct dir_emitter *emitter)
{
    const struct proc_listing *listing = dir->node->listing;
    char name[12];
    int64_t number;

    *position = MAX(*position, (uint64_t)FIRST_NUMBER);
    while (listing && (number = listing->next(dir, *position - FIRST_NUMBER)) >= 0) {
        snprintf(name, sizeof(name), "%u", (uint32_t)number);
        if (!emit(emitter, dir, listing->node, name, FIRST_NUMBER + number, number))
            return false;
        *position = FIRST_NUMBER + number + 1;
    }
    return true;
}

static int proc_readdir(struct file *file, uint64_t *position, struct dir_emitter *emitter)
{
    const struct proc_inode *dir = proc_inode_of(file_inode(file));

    if (dir->process && dir->process->state == PROCESS_DEAD)
        return -ENOENT;
    if (*position < FIRST_NUMBER && (!emit_dots(dir, position, emitter) || !emit_children(dir, position, emitter)))
        return 0;
    emit_numbers(dir, position, emitter);
    return 0;
}

static const struct file_ops directory_file_ops = {.readdir = proc_readdir};

/* ---- Links ---- */

static int64_t proc_readlink(struct inode *inode, char *buffer, size_t size)
{
    const struct proc_inode *proc_inode = proc_inode_of(inode);
    int error = proc_check_inspect(proc_inode);

    return error ? error : proc_inode->node->link(proc_inode, buffer, size);
}

/* Links that are more than their text; for the others -> their text. */
static int proc_follow(struct inode *inode, struct path *out)
{
    const struct proc_inode *proc_inode = proc_inode_of(inode);
    int error = proc_check_inspect(proc_inode);

    return error ? error : proc_inode->node->follow(proc_inode, out);
}

static const struct inode_ops link_ops = {.readlink = proc_readlink, .getattr = proc_getattr, .setattr = proc_setattr};
static const struct inode_ops jump_ops = {
    .readlink = proc_readlink, .follow = proc_follow, .getattr = proc_getattr, .setattr = proc_setattr,
};
static const struct inode_ops text_ops = {
    .getattr = proc_getattr, .setattr = proc_setattr, .truncate = proc_truncate,
};

/* ---- The file system ---- */

static void proc_statfs(struct super_block *sb, struct kstatfs *out)
{
    uint64_t magic = sb->type == &sys_type ? SYSFS_MAGIC : PROC_SUPER_MAGIC;

    *out = (struct kstatfs){.type = magic, .block_size = PAGE_SIZE, .name_max = NAME_MAX_LENGTH};
}

static void proc_release(struct super_block *sb)
{
    if (sb->root)
        dentry_put(sb->root);
    slab_free(sb);
}

static const struct super_block_ops super_ops = {
    .evict = proc_evict,
    .statfs = proc_statfs,
    .release = proc_release,
};

static int proc_mount(struct file_system_type *type, const struct mount_request *request, struct super_block **out)
{
    struct super_block *sb = slab_zalloc(sizeof(*sb));
    struct proc_inode *root;

    (void)request;
    if (!sb)
        return -ENOMEM;
    super_block_init(sb, type, &super_ops);
    sb->flags = SB_VOLATILE;
    root = proc_inode_create(sb, type == &sys_type ? &sys_root_node : &proc_root_node, NULL, 0, false);
    if (root) {
        sb->root = dentry_create_root(&root->inode);
        if (!sb->root)
            inode_put(&root->inode);
    }
    if (!sb->root) {
        super_block_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}

static struct file_system_type proc_type = {.name = "proc", .mount = proc_mount};
static struct file_system_type sys_type = {.name = "sysfs", .mount = proc_mount};

struct process *procfs_process(const struct file *file)
{
    const struct inode *inode = file_inode(file);

    if (inode->ops != &directory_ops || proc_inode_of(inode)->node != &proc_process_node)
        return NULL;
    return proc_inode_of(inode)->process;
}

void procfs_init(void)
{
    slab_cache_init(&inode_cache, "proc inode", sizeof(struct proc_inode));
    register_filesystem(&sys_type);
    register_filesystem(&proc_type);
}
