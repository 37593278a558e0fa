// SPDX-License-Identifier: MIT
/*
 * devfs.c - the type "devtmpfs": every mount shows the same tmpfs, which drivers fill at boot.
 */
#include "fs/devfs.h"

#include <linux/limits.h>
#include <linux/stat.h>

#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

static struct super_block *instance;
static struct mount *own_mount;         // for look-ups of ours, in no table

static int devfs_mount(struct file_system_type *type __maybe_unused, const struct mount_request *request __maybe_unused,
                       struct super_block **out)
{
    super_block_get(instance);
    *out = instance;
    return 0;
}

static struct file_system_type devfs_type = {.name = "devtmpfs", .mount = devfs_mount};

void devfs_init(void)
{
    register_filesystem(&devfs_type);
    if (tmpfs_create_instance(&devfs_type, "mode=755,nr_inodes=0", &instance) == 0)
        own_mount = mount_create_detached(instance, "devtmpfs");
    if (own_mount == NULL)
        panic("no memory for devtmpfs");
}

static struct lookup own_lookup(void)
{
    struct path root = {own_mount, instance->root};

    return (struct lookup){.start = root, .root = root, .credentials = &kernel_credentials};
}

// Make the folders on the way to `name`.
static void make_folders(const struct lookup *lookup, const char *name)
{
    char folder[NAME_MAX_LENGTH / 4];

    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - name);

        ASSERT(length < sizeof folder);
        memcpy(folder, name, length);
        folder[length] = 0;
        (void)!vfs_mkdir(lookup, folder, 0755);
    }
}

void devfs_create_node(const char *name, uint32_t mode, device_t number)
{
    struct lookup lookup = own_lookup();
    int error;

    make_folders(&lookup, name);
    error = vfs_mknod(&lookup, name, mode, number);
    if (error != 0)
        panic("devtmpfs: cannot make %s: error %d", name, -error);
}

void devfs_create_link(const char *name, const char *target)
{
    struct lookup lookup = own_lookup();
    int error;

    make_folders(&lookup, name);
    error = vfs_symlink(&lookup, target, name);
    if (error != 0)
        panic("devtmpfs: cannot make %s: error %d", name, -error);
}

void devfs_create_folder(const char *name, uint32_t mode)
{
    struct lookup lookup = own_lookup();

    (void)!vfs_mkdir(&lookup, name, mode);
}

void devfs_mount_on_root(void)
{
    struct path root = mount_root_path(), dev;
    struct lookup lookup = {.start = root, .root = root, .credentials = &kernel_credentials};

    if (vfs_lookup(&lookup, "/dev", LOOKUP_DIRECTORY, &dev) == 0) {
        if (vfs_mount(&dev, "devtmpfs", &(struct mount_request){.source = "devtmpfs"}, &kernel_credentials) != 0)
            printk(LOG_WARNING "devtmpfs: cannot be mounted on /dev");
        path_put(&dev);
    }
    path_put(&root);
}
