// SPDX-License-Identifier: MIT
/*
 * test_ext2.c - ext2 with the names above it and the page cache below, on a disk that mke2fs has made. What it does is compared with
 * the host's file system; what it leaves is judged by e2fsck.
 *
 * GAUR_SECONDS: longer random tests; GAUR_SEED: one run again.
 */
#include "support.h"

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext2_disk.h"
#include "ext2_model.h"
#include "fs/char_device.h"
#include "fs/ext2/ext2.h"
#include "fs/epoll.h"
#include "fs/file.h"
#include "fs/file_lock.h"
#include "fs/nameless.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"

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
static struct lookup from_root;

static int try_mount(unsigned flags)
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

static void mount_disk(void)
{
    assert_int_equal(try_mount(0), 0);
}

static void unmount_disk(void)
{
    mount_put(mounted);
    mounted = NULL;
}

static int64_t with_file(const char *name, unsigned flags, int64_t (*work)(struct file *, void *), void *arg)
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

static int64_t write_file(const char *name, uint64_t offset, const void *data, size_t size)
{
    struct io io = io_kernel((void *)(uintptr_t)data, size, offset);

    return with_file(name, O_WRONLY | O_CREAT, work_write, &io);
}

static int64_t read_file(const char *name, uint64_t offset, void *data, size_t size)
{
    struct io io = io_kernel(data, size, offset);

    return with_file(name, O_RDONLY, work_read, &io);
}

static int64_t truncate_file(const char *name, uint64_t size)
{
    return with_file(name, O_WRONLY, work_truncate, &size);
}

static int64_t sync_file(const char *name)
{
    return with_file(name, O_RDONLY, work_sync, NULL);
}

static int64_t with_path(const char *name, int64_t (*work)(const struct path *, void *), void *arg)
{
    struct path path;
    int error = vfs_lookup(&from_root, name, 0, &path);
    if (error)
        return error;
    int64_t result = work(&path, arg);
    path_put(&path);
    return result;
}

static int64_t work_link(const struct path *path, void *to)
{
    return vfs_link(path, &from_root, to);
}

static int64_t work_stat(const struct path *path, void *stat)
{
    vfs_stat(path, stat);
    return 0;
}

static int64_t work_chmod(const struct path *path, void *mode)
{
    struct attributes attributes = {.valid = ATTR_MODE, .mode = *(uint32_t *)mode};

    return vfs_set_attributes(path, &attributes, &kernel_credentials);
}

struct bytes {
    void *data;
    size_t size;
};

static int64_t work_readlink(const struct path *path, void *bytes)
{
    return vfs_readlink(path, ((struct bytes *)bytes)->data, ((struct bytes *)bytes)->size);
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

static int64_t count_names(const char *name)
{
    return with_file(name, O_RDONLY | O_DIRECTORY, work_count, NULL);
}

/* ---- Both at once ---- */

#define FILE_MAX 400000
#define MAPPED   UINT64_C(0x400000)

static uint8_t ours[FILE_MAX], theirs[FILE_MAX], pattern[70000];

static void same(const char *what, const char *name, int64_t our, int64_t their)
{
    if (our != their)
        fail_msg("%s %s: %ld, the host says %ld", what, name, our, their);
}

static void compare_content(const char *name)
{
    int64_t our = read_file(name, 0, ours, FILE_MAX);

    same("read", name, our, model_read(name, 0, theirs, FILE_MAX));
    if (our > 0 && memcmp(ours, theirs, (size_t)our))
        for (size_t i = 0;; i++)
            if (ours[i] != theirs[i])
                fail_msg("%s: byte %zu is %u, the host says %u", name, i, ours[i], theirs[i]);
}

static void compare_link(const char *name)
{
    struct bytes bytes = {ours, PAGE_SIZE};
    int64_t our = with_path(name, work_readlink, &bytes);

    same("readlink", name, our, model_readlink(name, theirs, PAGE_SIZE));
    if (our > 0)
        assert_memory_equal(ours, theirs, (size_t)our);
}

static void compare(const char *name)
{
    struct kstat our;
    struct model_stat their;
    int64_t result = with_path(name, work_stat, &our);

    same("stat", name, result, model_stat(name, &their));
    if (result)
        return;
    same("mode", name, our.mode, their.mode);
    if (!S_ISDIR(our.mode)) {
        same("links", name, our.nlink, their.nlink);
        same("size", name, (int64_t)our.size, (int64_t)their.size);
    }
    if (S_ISREG(our.mode))
        compare_content(name);
    else if (S_ISLNK(our.mode))
        compare_link(name);
    else if (S_ISDIR(our.mode) && strcmp(name, ".") != 0) // the root has lost+found
        same("names", name, count_names(name), model_count(name));
}

static unsigned pick(unsigned count)
{
    return (unsigned)rand() % count;
}

/* A name out of few, so that operations meet. */
static const char *some_name(void)
{
    static char names[4][40];
    static unsigned next;
    static const char *const folders[] = {"", "a/", "b/", "a/c/", "b/d/"};
    char *name = names[next++ % 4];

    if (pick(6) == 0)
        snprintf(name, sizeof names[0], "%s%s", folders[pick(3)], pick(2) ? "c" : "d");
    else
        snprintf(name, sizeof names[0], "%s%s%u", folders[pick(5)], pick(3) ? "file" : "a-name-that-is-longer-", pick(8));
    return name;
}

static void step_write(const char *name)
{
    uint64_t offset = pick(4) == 0 ? pick(300000) : pick(20000);
    size_t size = pick(3) == 0 ? pick(sizeof pattern - 300) : pick(3000);
    const void *data = pattern + pick(256);

    same("write", name, write_file(name, offset, data, size), model_write(name, offset, data, size));
}

/* One byte, through a shared mapping. */
struct poke {
    uint64_t offset;
    uint8_t byte;
};

static int64_t work_poke(struct file *file, void *arg)
{
    struct page_cache *pages = &file_inode(file)->pages;
    const struct poke *poking = arg;
    struct vspace *space;

    if (poking->offset >= pages->size)
        return 0;
    space = make_space();
    static_assert(offsetof(struct test_file, cache) == 0, "a page cache will do for a file of the tests");
    map_file_at(space, MAPPED, FILE_MAX / PAGE_SIZE + 1, R | W, (struct test_file *)pages, true);
    poke(space, MAPPED + poking->offset, poking->byte);
    end_space(space);
    return 1;
}

static void step_poke(const char *name)
{
    struct poke poking = {pick(3) == 0 ? pick(FILE_MAX) : pick(20000), (uint8_t)pick(256)};
    struct model_stat stat;

    if (model_stat(name, &stat) == 0 && S_ISREG(stat.mode) &&
        with_file(name, O_RDWR, work_poke, &poking) == 1)
        assert_int_equal(model_write(name, poking.offset, &poking.byte, 1), 1);
}

static void step_truncate(const char *name)
{
    uint64_t size = pick(3) == 0 ? pick(FILE_MAX) : pick(30000);

    same("truncate", name, truncate_file(name, size), model_truncate(name, size));
}

static void step_symlink(const char *name)
{
    char target[200];

    memset(target, 'x', sizeof target);
    target[1 + pick(2) * 58 + pick(60)] = 0;
    same("symlink", name, vfs_symlink(&from_root, target, name), model_symlink(target, name));
}

static bool crashing;

/* A folder that moves is written in two blocks, and whatever comes first is wrong: the one place where e2fsck has to ask. */
static void step_rename(const char *name, const char *other)
{
    struct model_stat stat;

    if (!crashing || (model_stat(name, &stat) == 0 && !S_ISDIR(stat.mode)))
        same("rename", name, vfs_rename(&from_root, name, &from_root, other, 0), model_rename(name, other));
}

static void step_chmod(const char *name)
{
    uint32_t mode = 0600 | pick(0100);
    struct model_stat stat;

    if (model_stat(name, &stat) == 0 && !S_ISLNK(stat.mode))
        same("chmod", name, with_path(name, work_chmod, &mode), model_chmod(name, mode));
}

static void step(void)
{
    const char *name = some_name(), *other = some_name();

    switch (pick(16)) {
    case 0:
        same("truncate", name, truncate_file(name, 0), model_truncate(name, 0));
        break;
    case 1:
    case 2:
        step_truncate(name);
        break;
    case 3:
        step_rename(name, other);
        break;
    case 4:
        same("link", name, with_path(name, work_link, (void *)(uintptr_t)other), model_link(name, other));
        break;
    case 5:
    case 6:
        same("unlink", name, vfs_unlink(&from_root, name), model_unlink(name));
        break;
    case 7:
        same("mkdir", name, vfs_mkdir(&from_root, name, 0755), model_mkdir(name));
        break;
    case 8:
        if (pick(3) == 0)
            same("rmdir", name, vfs_rmdir(&from_root, name), model_rmdir(name));
        break;
    case 9:
        step_symlink(name);
        break;
    case 10:
        step_chmod(name);
        break;
    case 11:
        compare(name);
        break;
    case 12:
        if (pick(4) == 0)
            (void)sync_file(name);
        break;
    case 13:
        step_poke(name);
        break;
    default:
        step_write(name);
    }
}

static void compare_all(void)
{
    static const char *const folders[] = {"", "a/", "b/", "a/c/", "b/d/"};
    char name[60];

    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 19; j++) {
            if (j < 16)
                snprintf(name, sizeof name, "%s%s%u", folders[i], j < 8 ? "file" : "a-name-that-is-longer-", j % 8);
            else
                snprintf(name, sizeof name, "%s%s", folders[i], j == 16 ? "c" : j == 17 ? "d" : ".");
            compare(name);
        }
}

static unsigned seed;

static unsigned take_seed(void)
{
    const char *text = getenv("GAUR_SEED");

    seed = text ? (unsigned)atoi(text) : seed + 1;
    srand(seed);
    return seed;
}

static void make_folders(void)
{
    static const char *const folders[] = {"a", "b", "a/c", "b/d"};

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(vfs_mkdir(&from_root, folders[i], 0755), 0);
        assert_int_equal(model_mkdir(folders[i]), 0);
    }
}

/* => the run was right, and e2fsck thinks so too */
static void random_operations(const char *options, unsigned count)
{
    print_message("seed %u, mke2fs %s\n", take_seed(), options);
    disk_make(options, 8192, NULL);
    model_begin();
    mount_disk();
    make_folders();
    for (unsigned i = 0; i < count; i++) {
        if (i % 400 == 399) {
            unmount_disk();
            disk_assert_clean();
            mount_disk();
        }
        step();
    }
    compare_all();
    unmount_disk();
    disk_assert_clean();
    mount_disk();
    compare_all();
    unmount_disk();
    model_end();
}

static unsigned effort(void)
{
    const char *text = getenv("GAUR_SECONDS");

    return text ? 1 + (unsigned)atoi(text) / 5 : 1;
}

static void random_operations_are_as_on_the_host(void **state)
{
    static const char *const options[] = {"-b 1024", "-b 2048", "-b 4096", "-b 1024 -r 0", "-b 1024 -I 256 -O ^dir_index", "-b 4096 -g 512"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(options) * effort(); i++)
        random_operations(options[i % ARRAY_SIZE(options)], 1200);
}

/* ---- Crashes ---- */

#define SYNCED 6

/* What fsync has promised of some files, from one write of the disk to another. */
struct promise {
    size_t from, until;
    unsigned file;
    size_t size;
    uint8_t byte;
};

static struct promise promises[400];
static unsigned promise_count;

static void keep_file(unsigned file)
{
    char name[20];
    struct promise *promise = &promises[promise_count++];
    size_t size = 1 + pick(30000);
    uint8_t byte = (uint8_t)(1 + pick(255));

    snprintf(name, sizeof name, "keep%u", file);
    for (unsigned i = 0; i + 1 < promise_count; i++)
        if (promises[i].file == file && promises[i].until == SIZE_MAX)
            promises[i].until = disk_writes();
    memset(ours, byte, size);
    (void)!truncate_file(name, 0);
    assert_int_equal(write_file(name, 0, ours, size), size);
    assert_int_equal(sync_file(name), 0);
    *promise = (struct promise){disk_writes(), SIZE_MAX, file, size, byte};
}

static void check_promises(size_t writes)
{
    char name[20];

    for (unsigned i = 0; i < promise_count; i++) {
        const struct promise *promise = &promises[i];
        if (writes < promise->from || writes > promise->until)
            continue;
        snprintf(name, sizeof name, "keep%u", promise->file);
        assert_int_equal(read_file(name, 0, ours, FILE_MAX), promise->size);
        for (size_t j = 0; j < promise->size; j++)
            assert_int_equal(ours[j], promise->byte);
    }
}

static void crash(const char *options)
{
    print_message("seed %u, mke2fs %s\n", take_seed(), options);
    disk_make(options, 8192, NULL);
    model_begin();
    mount_disk();
    make_folders();
    promise_count = 0;
    for (unsigned i = 0; i < 700; i++) {
        step();
        if (pick(15) == 0 && promise_count < ARRAY_SIZE(promises))
            keep_file(pick(SYNCED));
    }
    size_t writes = pick((unsigned)disk_writes());
    unmount_disk();
    disk_rewind(writes);
    if (!disk_repair())
        fail_msg("e2fsck -p cannot repair the disk after %zu writes", writes);
    disk_assert_clean();
    mount_disk();
    check_promises(writes);
    unmount_disk();
    disk_assert_clean();
    model_end();
}

static void after_a_crash_e2fsck_repairs_and_what_was_synced_is_there(void **state)
{
    (void)state;
    crashing = true;
    for (unsigned i = 0; i < 12 * effort(); i++)
        crash(i % 3 == 0 ? "-b 1024" : i % 3 == 1 ? "-b 4096" : "-b 2048");
    crashing = false;
}

/* ---- Damage ---- */

/* Everything that can be done, whatever comes of it. */
static void use_all(void)
{
    static const char *const folders[] = {"", "a/", "b/", "a/c/", "b/d/"};
    struct bytes bytes = {ours, PAGE_SIZE};
    char name[60];

    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 16; j++) {
            snprintf(name, sizeof name, "%s%s%u", folders[i], j < 8 ? "file" : "a-name-that-is-longer-", j % 8);
            (void)!read_file(name, 0, ours, FILE_MAX);
            (void)!with_path(name, work_readlink, &bytes);
            if (pick(3) == 0)
                (void)!write_file(name, pick(100000), pattern, pick(5000));
            if (pick(4) == 0)
                (void)!truncate_file(name, pick(5000));
            if (pick(4) == 0)
                (void)!vfs_unlink(&from_root, name);
        }
    for (unsigned i = 0; i < 5; i++)
        (void)!count_names(i ? folders[i] : "/");
}

/* Where the metadata are: most of what is changed lies there. */
static void damage(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t at = pick(4) ? pick(600 * 1024) : pick((unsigned)disk_size());
        disk_data()[at] ^= pick(2) ? 1u << pick(8) : pick(256);
    }
}

static void damaged_disks_are_survived(void **state)
{
    (void)state;
    print_message("seed %u\n", take_seed());
    disk_make("-b 1024", 2048, NULL);
    model_begin();
    mount_disk();
    make_folders();
    for (unsigned i = 0; i < 300; i++)
        if (pick(2))
            step_write(some_name());
        else
            step_symlink(some_name());
    unmount_disk();
    size_t writes = disk_writes();
    for (unsigned i = 0; i < 150 * effort(); i++) {
        disk_rewind(writes);
        damage(1 + pick(i % 3 ? 10 : 2000));
        if (try_mount(pick(4) ? 0 : MS_RDONLY) == 0) {
            use_all();
            unmount_disk();
        }
    }
    model_end();
}

static void a_disk_that_fails_is_survived(void **state)
{
    (void)state;
    print_message("seed %u\n", take_seed());
    disk_make("-b 1024", 2048, NULL);
    model_begin();
    mount_disk();
    make_folders();
    unmount_disk();
    size_t writes = disk_writes();
    for (unsigned i = 0; i < 60 * effort(); i++) {
        disk_rewind(writes);
        disk_fail_after(pick(300));
        if (try_mount(0) == 0) {
            use_all();
            unmount_disk();
        }
    }
    disk_fail_after(SIZE_MAX);
    model_end();
}

/* ---- One by one ---- */

static void what_mke2fs_packs_is_found(void **state)
{
    (void)state;
    model_begin();
    assert_int_equal(model_mkdir("a"), 0);
    assert_int_equal(model_write("a/file1", 5, "hello", 5), 5);
    assert_int_equal(model_write("a/file2", 300000, pattern, 60000), 60000);
    assert_int_equal(model_symlink("short", "file3"), 0);
    memset(theirs, 'l', 300);
    theirs[300] = 0;
    assert_int_equal(model_symlink((char *)theirs, "file4"), 0);
    disk_make("-b 1024", 4096, model_folder());
    assert_int_equal(try_mount(MS_RDONLY), 0);
    compare_all();
    assert_int_equal(write_file("a/file1", 0, "x", 1), -EROFS);
    assert_int_equal(vfs_mkdir(&from_root, "new", 0755), -EROFS);
    unmount_disk();
    assert_int_equal(disk_writes(), 0);
    model_end();
}

static void the_disk_may_be_full_and_is_not_after_an_unlink(void **state)
{
    struct kstatfs before, after;
    int64_t done;
    uint64_t size = 0;

    (void)state;
    disk_make("-b 1024", 512, NULL);
    mount_disk();
    vfs_statfs(&from_root.root, &before);
    for (size_t part = 7000; part > 0; part = part > 1000 ? 1000 : part > 1 ? 1 : 0)
        while ((done = write_file("big", size, pattern, part)) > 0)
            size += (uint64_t)done;
    assert_int_equal(done, -ENOSPC);
    assert_int_equal(vfs_mkdir(&from_root, "a", 0755), -ENOSPC);
    assert_int_equal(write_file("empty", 0, pattern, 1), -ENOSPC);
    assert_int_equal(vfs_unlink(&from_root, "empty"), 0);
    unmount_disk();
    disk_assert_clean();
    mount_disk();
    assert_int_equal(read_file("big", 0, ours, FILE_MAX), MIN(size, (uint64_t)FILE_MAX));
    assert_int_equal(vfs_unlink(&from_root, "big"), 0);
    vfs_statfs(&from_root.root, &after);
    assert_int_equal(after.blocks_free, before.blocks_free);
    assert_int_equal(after.files_free, before.files_free);
    unmount_disk();
    disk_assert_clean();
}

static void a_file_may_be_large_and_sparse(void **state)
{
    uint64_t far = UINT64_C(5000) << 20;

    (void)state;
    disk_make("-b 1024", 1024, NULL);
    mount_disk();
    assert_int_equal(write_file("sparse", far, "end", 3), 3);
    assert_int_equal(write_file("sparse", 100 << 20, "mid", 3), 3);
    assert_int_equal(read_file("sparse", far - 2, ours, 100), 5);
    assert_memory_equal(ours, "\0\0end", 5);
    unmount_disk();
    disk_assert_clean();
    mount_disk();
    assert_int_equal(read_file("sparse", 100 << 20, ours, 3), 3);
    assert_memory_equal(ours, "mid", 3);
    assert_int_equal(truncate_file("sparse", 200 << 20), 0);
    assert_int_equal(write_file("sparse", UINT64_C(1) << 45, "x", 1), -EFBIG);
    unmount_disk();
    disk_assert_clean();
}

static void a_large_directory_loses_its_index_and_no_name(void **state)
{
    char name[80];

    (void)state;
    model_begin();
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "name-%u-with-some-length-so-that-it-takes-blocks", i);
        assert_int_equal(model_write(name, 0, "", 0), 0);
    }
    disk_make("-b 1024 -N 1024", 2048, model_folder());
    mount_disk();
    assert_int_equal(count_names("/"), 300 + 3); // and lost+found
    for (unsigned i = 0; i < 300; i += 2) {
        snprintf(name, sizeof name, "name-%u-with-some-length-so-that-it-takes-blocks", i);
        assert_int_equal(vfs_unlink(&from_root, name), 0);
        snprintf(name, sizeof name, "another-%u", i);
        assert_int_equal(write_file(name, 0, "x", 1), 1);
    }
    assert_int_equal(count_names("/"), 300 + 3);
    unmount_disk();
    disk_assert_clean();
    model_end();
}

static void what_is_not_supported_is_refused(void **state)
{
    (void)state;
    disk_make("-t ext4 -b 4096", 4096, NULL);
    assert_int_equal(try_mount(MS_RDONLY), -EINVAL);
    disk_make("-b 4096 -O huge_file", 4096, NULL); // can be read
    assert_int_equal(try_mount(0), -EINVAL);
    assert_int_equal(try_mount(MS_RDONLY), 0);
    unmount_disk();
    memset(disk_data(), 0, disk_size());
    assert_int_equal(try_mount(0), -EINVAL);
}

static void a_file_that_is_open_lives_without_a_name(void **state)
{
    struct file *file;
    struct io io = io_kernel(ours, 5, 0);

    (void)state;
    disk_make("-b 1024", 1024, NULL);
    mount_disk();
    assert_int_equal(write_file("file", 0, "hello", 5), 5);
    assert_int_equal(vfs_open(&from_root, "file", O_RDWR, 0, &file), 0);
    assert_int_equal(vfs_unlink(&from_root, "file"), 0);
    assert_int_equal(sync_file("/"), 0);
    assert_int_equal(file_pread(file, &io), 5);
    file_put(file);
    unmount_disk();
    disk_assert_clean();
}

static void names_that_nobody_uses_leave_memory_and_are_found_again(void **state)
{
    struct mount_request request = {.source = "vda", .device = DISK_NUMBER};
    struct path held, here;
    uint64_t before;
    char name[40];

    (void)state;
    disk_make("-b 4096 -N 1024", 4096, NULL);
    mount_disk();
    assert_int_equal(vfs_mkdir(&from_root, "a", 0755), 0);
    assert_int_equal(vfs_mkdir(&from_root, "here", 0755), 0); // where all that are mounted are found
    assert_int_equal(vfs_lookup(&from_root, "here", 0, &here), 0);
    assert_int_equal(vfs_mount(&here, "ext2", &request, &kernel_credentials), 0);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "a/file%u", i);
        assert_int_equal(write_file(name, 0, pattern, 10), 10);
    }
    assert_int_equal(vfs_lookup(&from_root, "a/file7", 0, &held), 0);
    before = frames_by_kind(FRAME_SLAB) + frames_by_kind(FRAME_FILE);
    reclaim_all();
    assert_int_equal(held.dentry->parent->inode->directory.count, 1);
    assert_true(frames_by_kind(FRAME_SLAB) + frames_by_kind(FRAME_FILE) + 300 < before);
    path_put(&held);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "a/file%u", i);
        assert_int_equal(read_file(name, 0, ours, 100), 10);
    }
    mount_descend(&here);
    assert_int_equal(vfs_umount(&here, 0, &kernel_credentials), 0);
    path_put(&here);
    unmount_disk();
    disk_assert_clean();
}

static int begin(void **state)
{
    static bool initialised;

    if (!initialised) {
        initialised = true;
        inode_cache_init();
        file_cache_init();
        ext2_init();
        shrink_init();
        for (size_t i = 0; i < sizeof pattern; i++)
            pattern[i] = (uint8_t)(i * 7 + i / 256);
    }
    reclaim_all();
    return support_begin(state);
}

#define EXT2_TEST(name) cmocka_unit_test_setup_teardown(name, begin, support_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXT2_TEST(what_mke2fs_packs_is_found),
        EXT2_TEST(the_disk_may_be_full_and_is_not_after_an_unlink),
        EXT2_TEST(a_file_may_be_large_and_sparse),
        EXT2_TEST(a_large_directory_loses_its_index_and_no_name),
        EXT2_TEST(what_is_not_supported_is_refused),
        EXT2_TEST(a_file_that_is_open_lives_without_a_name),
        EXT2_TEST(names_that_nobody_uses_leave_memory_and_are_found_again),
        EXT2_TEST(random_operations_are_as_on_the_host),
        EXT2_TEST(after_a_crash_e2fsck_repairs_and_what_was_synced_is_there),
        EXT2_TEST(damaged_disks_are_survived),
        EXT2_TEST(a_disk_that_fails_is_survived),
    };

    return RUN_TESTS(tests);
}
