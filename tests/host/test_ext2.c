// SPDX-License-Identifier: MIT
/*
 * test_ext2.c - ext2 with the names above it and the page cache below, on a disk that mke2fs has made: calls one by one, and what is on
 * disks. What ext2 leaves is judged by e2fsck.
 */
#include "ext2_support.h"

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "ext2_disk.h"
#include "ext2_model.h"
#include "ext2_steps.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"

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

/* On the disk, which has blocks of 1 KiB and one group. */
static unsigned links_on_disk(uint64_t ino)
{
    const struct ext2_group *group = (const void *)(disk_data() + 2048);
    const struct ext2_super_block *super = (const void *)(disk_data() + EXT2_SUPER_OFFSET);
    const uint8_t *table = disk_data() + (size_t)group->inode_table * 1024;

    return ((const struct ext2_disk_inode *)(table + (ino - 1) * super->inode_size))->links;
}

/* Between what the file system does of unlink(2) and what is done above it. */
static int64_t store_in_the_middle(const struct path *path, void *unused)
{
    struct inode *inode = path->dentry->inode, *dir = path->dentry->parent->inode;

    (void)unused;
    assert_int_equal(links_on_disk(inode->ino), 1);
    assert_int_equal(dir->ops->unlink(dir, path->dentry), 0);
    assert_int_equal(links_on_disk(inode->ino), 0);
    inode->dirty = true;
    assert_int_equal(inode->sb->ops->sync(inode->sb), 0);
    assert_int_equal(links_on_disk(inode->ino), 0);
    inode->nlink = 0;
    return 0;
}

/* It has no name on the disk any more: with a link, e2fsck would not know what to do. */
static void an_inode_whose_last_name_goes_stays_dead_whoever_stores_it(void **state)
{
    (void)state;
    disk_make("-b 1024", 2048, NULL);
    mount_disk();
    assert_int_equal(write_file("file", 0, pattern, 5000), 5000);
    assert_int_equal(sync_file("file"), 0);
    assert_int_equal(with_path("file", store_in_the_middle, NULL), 0);
    unmount_disk();
    disk_assert_clean();
}

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
        EXT2_TEST(an_inode_whose_last_name_goes_stays_dead_whoever_stores_it),
    };

    return RUN_TESTS(tests);
}
