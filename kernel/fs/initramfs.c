// SPDX-License-Identifier: MIT
/*
 * initramfs.c - fill the root from the archives that the boot loader left in memory.
 *
 * Theory      The archive lies in reserved frames. A file whose data begins at a page boundary gets those frames
 *             themselves as its pages (all but the last, when that is not full); other data is copied. Frames behind
 *             the point reached that no file took are given to the allocator on the way, so that unpacking needs
 *             hardly more memory than the archive had.
 * Failure     A corrupt archive or too little memory panics with one line; an entry that cannot be made, since its
 *             folder is missing, is told and left out, as on Linux.
 */
#include "fs/initramfs.h"

#include <linux/stat.h>

#include "arch/x86/boot_info.h"
#include "arch/x86/time.h"
#include "fs/cpio.h"
#include "fs/text.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/core_map.h"
#include "mm/slab.h"

// A file of several names, of which some are still to come: found again by device and inode number.
struct hard_link {
    uint32_t ino, dev_major, dev_minor;
    struct path path;                   // with references
    struct hard_link *next;
};

struct unpacking {
    struct cpio cpio;
    struct lookup lookup;
    const char *kept;                   // from here on, the archive's frames are still reserved
    const char *adopted, *adopted_end;  // frames that the entry in turn has taken
    struct hard_link *links;
    unsigned entries, adopted_pages;
};

// Give the frames between what is kept and `end` to the allocator, and keep what follows.
static void release_until(struct unpacking *unpacking, const char *end)
{
    end = (const char *)ALIGN_DOWN((vaddr_t)end, PAGE_SIZE);
    if (end <= unpacking->kept)
        return;
    frame_release_reserved(V2P(unpacking->kept), V2P(end));
    unpacking->kept = end;
}

// An entry is done, its name no longer needed: give away what lies before the point reached, but what it adopted.
static void release_behind(struct unpacking *unpacking)
{
    if (unpacking->adopted != NULL) {
        release_until(unpacking, unpacking->adopted);
        unpacking->kept = unpacking->adopted_end;
        unpacking->adopted = NULL;
    }
    release_until(unpacking, unpacking->cpio.base + unpacking->cpio.at);
}

static void check(const struct cpio_entry *entry, int error)
{
    if (error == -ENOMEM || error == -ENOSPC)
        panic("initramfs: not enough memory to unpack %s", entry->name);
    if (error != 0)
        printk(LOG_WARNING "initramfs: cannot make %s: error %d", entry->name, -error);
}

// Make the archive's own frames the first `pages` pages of the file.
static int adopt_pages(struct unpacking *unpacking, struct inode *inode, const char *data, uint64_t pages)
{
    if (pages == 0)
        return 0;
    unpacking->adopted = data;
    unpacking->adopted_end = data + pages * PAGE_SIZE;
    for (uint64_t index = 0; index < pages; index++) {
        struct core_map_entry *page = frame_adopt(V2P(data + index * PAGE_SIZE), FRAME_FILE);
        int error = page_cache_insert(&inode->pages, index, page);

        if (error != 0)
            return error;
    }
    unpacking->adopted_pages += (unsigned)pages;
    return 0;
}

static bool is_zero(const char *from, const char *to)
{
    while (from < to && *from == 0)
        from++;
    return from == to;
}

// How many of the file's pages can be the archive's frames. The last one only if what follows the data in it is zero.
static uint64_t adoptable_pages(const struct unpacking *unpacking, const struct cpio_entry *entry)
{
    const char *end = entry->data + entry->size, *frame_end = (const char *)ALIGN_UP((vaddr_t)end, PAGE_SIZE);

    if (!IS_ALIGNED((vaddr_t)entry->data, PAGE_SIZE) || entry->data < unpacking->kept)
        return 0;
    if (frame_end <= unpacking->cpio.base + unpacking->cpio.size && is_zero(end, frame_end))
        return (uint64_t)(frame_end - entry->data) / PAGE_SIZE;
    return entry->size / PAGE_SIZE;
}

static int copy_rest(struct inode *inode, const struct cpio_entry *entry, uint64_t from)
{
    struct io io = io_kernel((char *)(uintptr_t)entry->data + from, entry->size - from, from);
    int64_t copied = page_cache_write(&inode->pages, &io);

    return copied < 0 ? (int)copied : io.left == 0 ? 0 : -ENOMEM;
}

static int fill_file(struct unpacking *unpacking, struct inode *inode, const struct cpio_entry *entry)
{
    uint64_t pages = adoptable_pages(unpacking, entry);
    uint64_t adopted = MIN(pages * PAGE_SIZE, (uint64_t)entry->size);
    int error = adopt_pages(unpacking, inode, entry->data, pages);

    inode->pages.size = adopted;
    if (error == 0 && adopted < entry->size)
        error = copy_rest(inode, entry, adopted);
    tmpfs_account_adopted(inode);
    return error;
}

static void set_owner_and_time(struct inode *inode, const struct cpio_entry *entry)
{
    inode->uid = entry->uid;
    inode->gid = entry->gid;
    inode->mode = (inode->mode & S_IFMT) | (entry->mode & 07777);
    inode->mtime = (int64_t)(entry->mtime * NS_PER_SECOND);
}

static struct hard_link **find_link(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    struct hard_link **link = &unpacking->links;

    while (*link != NULL && ((*link)->ino != entry->ino || (*link)->dev_major != entry->dev_major ||
                             (*link)->dev_minor != entry->dev_minor))
        link = &(*link)->next;
    return link;
}

static int remember_link(struct unpacking *unpacking, const struct cpio_entry *entry, const struct path *path)
{
    struct hard_link *link = slab_alloc(sizeof *link);

    if (link == NULL)
        return -ENOMEM;
    *link = (struct hard_link){entry->ino, entry->dev_major, entry->dev_minor, *path, unpacking->links};
    path_get(path);
    unpacking->links = link;
    return 0;
}

static void forget_links(struct unpacking *unpacking)
{
    while (unpacking->links != NULL) {
        struct hard_link *link = unpacking->links;

        unpacking->links = link->next;
        path_put(&link->path);
        slab_free(link);
    }
}

static int make_symlink(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    char *target = text_alloc((size_t)entry->size + 1);
    int error;

    if (target == NULL)
        return -ENOMEM;
    memcpy(target, entry->data, entry->size);
    target[entry->size] = 0;
    error = vfs_symlink(&unpacking->lookup, target, entry->name);
    text_free(target);
    return error;
}

// Make the name: by a link to what an earlier entry made, or anew.
static int make_name(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    const struct lookup *lookup = &unpacking->lookup;
    struct hard_link *earlier;

    switch (entry->mode & S_IFMT) {
    case S_IFDIR:
        return vfs_mkdir(lookup, entry->name, entry->mode & 07777);
    case S_IFLNK:
        return make_symlink(unpacking, entry);
    default:
        earlier = entry->nlink > 1 ? *find_link(unpacking, entry) : NULL;
        if (earlier != NULL)
            return vfs_link(&earlier->path, lookup, entry->name);
        return vfs_mknod(lookup, entry->name, entry->mode, device_make(entry->rdev_major, entry->rdev_minor));
    }
}

// The name is taken, by an earlier archive or by nobody's care: folders stay, the rest gives way.
static int make_again(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    int error;

    if (S_ISDIR(entry->mode)) {
        struct path path;

        error = vfs_lookup(&unpacking->lookup, entry->name, LOOKUP_DIRECTORY, &path);
        if (error == 0) {
            path_put(&path);
            return 0;
        }
    }
    error = vfs_unlink(&unpacking->lookup, entry->name);
    return error != 0 ? error : make_name(unpacking, entry);
}

static int finish_entry(struct unpacking *unpacking, const struct cpio_entry *entry, const struct path *path)
{
    struct inode *inode = path_inode(path);
    int error = 0;

    if (inode_is(inode, S_IFREG) && entry->size > 0 && inode->pages.size == 0)
        error = fill_file(unpacking, inode, entry);
    set_owner_and_time(inode, entry);
    if (error == 0 && entry->nlink > 1 && !S_ISDIR(entry->mode) && *find_link(unpacking, entry) == NULL)
        error = remember_link(unpacking, entry, path);
    return error;
}

static void unpack_entry(struct unpacking *unpacking, const struct cpio_entry *entry)
{
    struct path path;
    int error = make_name(unpacking, entry);

    if (error == -EEXIST)
        error = make_again(unpacking, entry);
    if (error == 0)
        error = vfs_lookup(&unpacking->lookup, entry->name, 0, &path);
    if (error == 0) {
        error = finish_entry(unpacking, entry, &path);
        path_put(&path);
    }
    check(entry, error);
    unpacking->entries++;
}

static void unpack(struct unpacking *unpacking)
{
    struct cpio_entry entry;

    for (;;) {
        switch (cpio_next(&unpacking->cpio, &entry)) {
        case CPIO_ENTRY:
            unpack_entry(unpacking, &entry);
            break;
        case CPIO_TRAILER:
            forget_links(unpacking);
            break;
        case CPIO_END:
            forget_links(unpacking);
            return;
        case CPIO_CORRUPT:
            panic("initramfs: %s, at byte %llu of %llu", unpacking->cpio.problem,
                  (unsigned long long)unpacking->cpio.at, (unsigned long long)unpacking->cpio.size);
        }
        release_behind(unpacking);
    }
}

void initramfs_unpack(void)
{
    static struct unpacking unpacking;
    const struct boot_info *info = boot_info();
    struct path root = mount_root_path();

    unpacking = (struct unpacking){
        .cpio = {.base = P2V(info->initrd), .size = info->initrd_size},
        .lookup = {.start = root, .root = root, .credentials = &kernel_credentials},
        .kept = P2V(ALIGN_UP(info->initrd, PAGE_SIZE)),
    };
    if (info->initrd_size == 0)
        panic("no root file system: the boot loader gave no initramfs (-initrd)");
    unpack(&unpacking);
    release_until(&unpacking, unpacking.cpio.base + unpacking.cpio.size + PAGE_SIZE - 1);
    path_put(&root);
    printk("initramfs: %u entries from %llu KiB, %u pages adopted", unpacking.entries,
           (unsigned long long)(info->initrd_size / 1024), unpacking.adopted_pages);
}
