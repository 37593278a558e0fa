// SPDX-License-Identifier: MIT
#include "ext2_support.h"

#include <linux/fcntl.h>
#include <stdlib.h>

#include "ext2_disk.h"
#include "fs/char_device.h"
#include "fs/ext2/ext2.h"
#include "fs/epoll.h"
#include "fs/file_lock.h"
#include "fs/writeback.h"
#include "mm/reclaim.h"

uint8_t ours[FILE_MAX], theirs[FILE_MAX], pattern[PATTERN_SIZE];

/* ---- What is not linked ---- */

uint64_t clock_realtime_ns(void)
{
    static uint64_t now = UINT64_C(1700000000) * 1000000000;

    return now += 1000000;
}

const struct char_device *char_device_find(device_t number)
{
    (void)number;
    return NULL;
}

const struct file_ops fifo_file_ops;

const struct file_ops *block_file_ops(device_t number);
const struct file_ops *block_file_ops(device_t number)
{
    (void)number;
    return NULL;
}

void epoll_forget(struct file *file)
{
    (void)file;
}

void file_locks_release(struct inode *inode, const void *owner)
{
    (void)inode, (void)owner;
}

/* ---- The file system and its names ---- */

static struct mount *mounted;
struct lookup from_root;

int try_mount(unsigned flags)
{
    struct file_system_type *type = file_system_find("ext2");
    struct mount_request request = {.source = "vda", .device = DISK_NUMBER, .flags = flags};
    struct super_block *sb;
    int error = type->mount(type, &request, &sb);

    if (error)
        return error;
    mounted = mount_create_detached(sb, "vda");
    super_block_put(sb);
    from_root = (struct lookup){
        .start = {mounted, sb->root}, .root = {mounted, sb->root}, .credentials = &kernel_credentials};
    return 0;
}

void mount_disk(void)
{
    assert_int_equal(try_mount(0), 0);
}

void unmount_disk(void)
{
    mount_put(mounted);
    mounted = NULL;
}

int64_t with_file(const char *name, unsigned flags, int64_t (*work)(struct file *, void *), void *arg)
{
    struct file *file;
    int error = vfs_open(&from_root, name, flags | O_NOFOLLOW, 0644, &file);
    if (error)
        return error;
    int64_t result = work(file, arg);
    file_put(file);
    return result;
}

static int64_t work_write(struct file *file, void *io)
{
    return file_pwrite(file, io);
}

static int64_t work_read(struct file *file, void *io)
{
    return file_pread(file, io);
}

static int64_t work_truncate(struct file *file, void *size)
{
    return file_truncate(file, *(uint64_t *)size);
}

static int64_t work_sync(struct file *file, void *unused)
{
    (void)unused;
    return file_sync(file, false);
}

int64_t write_file(const char *name, uint64_t offset, const void *data, size_t size)
{
    struct io io = io_kernel((void *)(uintptr_t)data, size, offset);

    return with_file(name, O_WRONLY | O_CREAT, work_write, &io);
}

int64_t read_file(const char *name, uint64_t offset, void *data, size_t size)
{
    struct io io = io_kernel(data, size, offset);

    return with_file(name, O_RDONLY, work_read, &io);
}

int64_t truncate_file(const char *name, uint64_t size)
{
    return with_file(name, O_WRONLY, work_truncate, &size);
}

int64_t sync_file(const char *name)
{
    return with_file(name, O_RDONLY, work_sync, NULL);
}

int64_t with_path(const char *name, int64_t (*work)(const struct path *, void *), void *arg)
{
    struct path path;
    int error = vfs_lookup(&from_root, name, 0, &path);
    if (error)
        return error;
    int64_t result = work(&path, arg);
    path_put(&path);
    return result;
}

struct bytes {
    void *data;
    size_t size;
};

static int64_t work_readlink(const struct path *path, void *bytes)
{
    return vfs_readlink(path, ((struct bytes *)bytes)->data, ((struct bytes *)bytes)->size);
}

int64_t read_link(const char *name, void *data, size_t size)
{
    struct bytes bytes = {data, size};

    return with_path(name, work_readlink, &bytes);
}

struct counter {
    struct dir_emitter emitter;
    int64_t count;
};

static bool count_name(struct dir_emitter *emitter, const char *name, size_t length, uint64_t ino, unsigned type, uint64_t next)
{
    struct counter *counter = container_of(emitter, struct counter, emitter);

    (void)name, (void)length, (void)ino, (void)type, (void)next;
    if (counter->count % 7 == 6) { // no room now and then
        counter->count++;
        return false;
    }
    counter->count++;
    return true;
}

static int64_t work_count(struct file *file, void *arg)
{
    struct counter counter = {.emitter = {count_name}};
    int64_t names = 0, before;

    (void)arg;
    do {
        before = names;
        counter.count = 0;
        int error = file_readdir(file, &counter.emitter);
        if (error)
            return error;
        names += counter.count == 7 ? 6 : counter.count;
    } while (names != before);
    return names;
}

int64_t count_names(const char *name)
{
    return with_file(name, O_RDONLY | O_DIRECTORY, work_count, NULL);
}

/* ---- Chance ---- */

unsigned pick(unsigned count)
{
    return (unsigned)rand() % count;
}

static unsigned seed;

unsigned take_seed(void)
{
    const char *text = getenv("GAUR_SEED");

    seed = text ? (unsigned)atoi(text) : seed + 1;
    srand(seed);
    return seed;
}

unsigned effort(void)
{
    const char *text = getenv("GAUR_SECONDS");

    return text ? 1 + (unsigned)atoi(text) / 5 : 1;
}

/* No thread: what is to be on the disk is synced. */
int writeback_start(void)
{
    return 0;
}

/* ---- A test ---- */

int ext2_begin(void **state)
{
    static bool initialised;

    if (!initialised) {
        initialised = true;
        inode_cache_init();
        file_cache_init();
        ext2_init();
        shrink_init();
        for (size_t i = 0; i < PATTERN_SIZE; i++)
            pattern[i] = (uint8_t)(i * 7 + i / 256);
    }
    reclaim_all();
    return support_begin(state);
}
