// SPDX-License-Identifier: MIT
/*
 * test_ext2_memory.c - each allocation of a call on ext2 fails once. The call then comes to what it should, or finds no memory and has
 * changed nothing: made again it does; and e2fsck finds nothing in either case.
 */
#include "ext2_support.h"

#include <linux/fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ext2_disk.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"

#define FAR (6 << 20) // reached through a tree of three levels in blocks of 1 KiB

/* "large" has blocks in the inode and in trees of all levels, "full" is a folder whose next name takes a block more. */
static void make_disk(void)
{
    char name[80];

    disk_make("-b 1024", 2048, NULL);
    mount_disk();
    assert_int_equal(write_file("large", 0, pattern, PATTERN_SIZE), PATTERN_SIZE);
    assert_int_equal(write_file("large", 1 << 20, pattern, 5000), 5000);
    assert_int_equal(write_file("large", FAR, pattern, 5000), 5000);
    assert_int_equal(write_file("small", 0, pattern, 100), 100);
    assert_int_equal(vfs_mkdir(&from_root, "a", 0755), 0);
    assert_int_equal(vfs_mkdir(&from_root, "a/folder", 0755), 0);
    assert_int_equal(vfs_mkdir(&from_root, "full", 0755), 0);
    for (unsigned i = 0; i < 15; i++) {
        snprintf(name, sizeof name, "full/a-name-that-takes-sixty-four-bytes-with-what-is-in-front-%02u", i);
        assert_int_equal(write_file(name, 0, "", 0), 0);
    }
    unmount_disk();
    disk_assert_clean();
}

/* ---- Calls ---- */

static int64_t create(void)
{
    return write_file("new", 0, "", 0);
}

static int64_t create_in_another_block(void)
{
    return write_file("full/another-name-that-needs-as-much-room-as-the-others-in-it", 0, "", 0);
}

static int64_t make_folder(void)
{
    return vfs_mkdir(&from_root, "new", 0755);
}

static int64_t make_link(void)
{
    static char text[301];

    memset(text, 't', 300);
    return vfs_symlink(&from_root, text, "new");
}

static int64_t remove_large(void)
{
    return vfs_unlink(&from_root, "large");
}

static int64_t remove_folder(void)
{
    return vfs_rmdir(&from_root, "a/folder");
}

static int64_t rename_in_place(void)
{
    return vfs_rename(&from_root, "small", &from_root, "renamed", 0);
}

static int64_t rename_into_another_block(void)
{
    return vfs_rename(&from_root, "small", &from_root, "full/a-name-with-which-another-block-has-to-begin-here-as-well", 0);
}

static int64_t rename_over(void)
{
    return vfs_rename(&from_root, "small", &from_root, "large", 0);
}

static int64_t move_folder(void)
{
    return vfs_rename(&from_root, "a/folder", &from_root, "full/folder", 0);
}

static int64_t cut_to(uint64_t size)
{
    return truncate_file("large", size);
}

static int64_t cut_to_nothing(void)
{
    return cut_to(0);
}

static int64_t cut_within_trees(void)
{
    return cut_to(20000);
}

static int64_t cut_within_the_last_tree(void)
{
    return cut_to(FAR + 1);
}

static int64_t write_far(void)
{
    int64_t done = write_file("small", FAR, pattern, 900);

    return done == 900 ? 0 : done;
}

static const struct {
    const char *name;
    int64_t (*act)(void);
} calls[] = {
    {"create", create},
    {"create_in_another_block", create_in_another_block},
    {"make_folder", make_folder},
    {"make_link", make_link},
    {"remove_large", remove_large},
    {"remove_folder", remove_folder},
    {"rename_in_place", rename_in_place},
    {"rename_into_another_block", rename_into_another_block},
    {"rename_over", rename_over},
    {"move_folder", move_folder},
    {"cut_to_nothing", cut_to_nothing},
    {"cut_within_trees", cut_within_trees},
    {"cut_within_the_last_tree", cut_within_the_last_tree},
    {"write_far", write_far},
};

/* => whether the n-th allocation was met */
static bool try_with_failure(size_t call, size_t writes, uint64_t n)
{
    disk_rewind(writes);
    mount_disk();
    reclaim_all();
    fail_arm(NULL, n, false);
    int64_t result = calls[call].act();
    bool met = fail_left() == 0;
    fail_arm(NULL, 0, false);
    if (result == -ENOMEM)
        result = calls[call].act();
    if (result != 0)
        fail_msg("%s: %ld, when allocation %lu had failed", calls[call].name, result, n);
    unmount_disk();
    disk_assert_clean();
    return met;
}

static void a_call_without_memory_can_be_made_again(void **state)
{
    (void)state;
    make_disk();
    size_t writes = disk_writes();
    for (size_t call = 0; call < ARRAY_SIZE(calls); call++) {
        uint64_t n = 1;
        while (try_with_failure(call, writes, n))
            n++;
        print_message("%s: each of %lu allocations failed once\n", calls[call].name, n - 1);
    }
}

static void what_was_cut_without_memory_reads_as_zeros_when_the_file_grows(void **state)
{
    static const uint8_t zeros[5000];

    (void)state;
    make_disk();
    size_t writes = disk_writes();
    for (uint64_t n = 1, left = 0; left == 0; n++) {
        disk_rewind(writes);
        mount_disk();
        reclaim_all();
        fail_arm(NULL, n, false);
        (void)!cut_to(1000);
        left = fail_left();
        fail_arm(NULL, 0, false);
        assert_int_equal(cut_to(1000), 0);
        assert_int_equal(cut_to(FAR + 5000), 0);
        assert_int_equal(read_file("large", FAR, ours, 5000), 5000);
        assert_memory_equal(ours, zeros, 5000);
        unmount_disk();
    }
}

static int64_t cut_with_no_memory_left(struct file *file, void *keep)
{
    struct inode *inode = file_inode(file);
    struct ext2 *fs = ext2_of(inode);
    struct ext2_cut cut;

    mutex_lock(&fs->lock);
    assert_int_equal(ext2_cut_begin(inode, *(const uint64_t *)keep, &cut), 0);
    mutex_unlock(&fs->lock);
    bool was = kalloc_use_reserve(true);
    hoard_take(0);
    page_cache_truncate(&inode->pages, *(const uint64_t *)keep << fs->block_shift);
    mutex_lock(&fs->lock);
    int error = ext2_cut_commit(inode, &cut);
    ext2_cut_end(&cut);
    mutex_unlock(&fs->lock);
    hoard_give_back();
    (void)kalloc_use_reserve(was);
    return error;
}

static void a_cut_that_has_begun_needs_no_memory_for_what_stays_in_the_file(void **state)
{
    static const uint8_t zeros[4096];
    uint64_t keep = (FAR >> 10) + 1;

    (void)state;
    make_disk();
    mount_disk();
    assert_int_equal(with_file("large", O_RDWR, cut_with_no_memory_left, &keep), 0);
    assert_int_equal(cut_to(FAR + 5000), 0);
    reclaim_all();
    assert_int_equal(read_file("large", FAR + 1024, ours, 3976), 3976);
    assert_memory_equal(ours, zeros, 3976);
    unmount_disk();
}

static int64_t append(struct file *file)
{
    struct io io = io_kernel(pattern, 1, 0);

    return file_write(file, &io);
}

/*
 * With the n-th allocation failing, while a page waits to be written whose place in the file has to be read again.
 *
 * => how many allocations were left until then
 */
static uint64_t append_with_failure(struct file *file, uint64_t n)
{
    struct io io = io_kernel(pattern, 1, 1 << 20);

    assert_int_equal(file_pwrite(file, &io), 1);
    reclaim_all();
    file_set_flags(file, O_APPEND);
    file->flags |= O_DSYNC;
    (void)kalloc_failed();
    fail_arm(NULL, n, true);
    int64_t result = append(file);
    uint64_t left = fail_left();
    fail_arm(NULL, 0, false);
    if (result == -ENOMEM && kalloc_failed()) // as trap.c does
        result = append(file);
    assert_true(result == 1 || result == -ENOMEM);
    return left;
}

/* What is in the file stays, though it is not on the disk. */
static void a_synchronous_append_that_lacks_memory_for_the_disk_is_not_done_twice(void **state)
{
    (void)state;
    make_disk();
    size_t writes = disk_writes();
    for (uint64_t n = 1, left = 0; left == 0; n++) {
        struct file *file;
        disk_rewind(writes);
        mount_disk();
        assert_int_equal(vfs_open(&from_root, "large", O_RDWR, 0, &file), 0);
        left = append_with_failure(file, n);
        assert_int_equal(inode_size(file_inode(file)), FAR + 5001);
        file_put(file);
        unmount_disk();
        disk_assert_clean();
    }
}

static int64_t dirty_and_write_back(struct file *file, void *bytes)
{
    struct inode *inode = file_inode(file);
    struct io io = io_kernel(memset(bytes, 'c', 3 * PAGE_SIZE), 3 * PAGE_SIZE, FAR);

    assert_int_equal(page_cache_write(&inode->pages, &io), 3 * PAGE_SIZE);
    while (page_caches_shrink(100) > 0) // the trees of blocks are no longer in memory
        ;
    assert_true(inode->pages.unclean > 0);
    bool was = kalloc_use_reserve(true);
    hoard_take(0);
    int error = page_cache_write_back(&inode->pages, 0, UINT64_MAX);
    hoard_give_back();
    (void)kalloc_use_reserve(was);
    return error;
}

/* Else nothing could come free when all memory is pages that have to be written first. */
static void files_are_written_back_without_memory(void **state)
{
    static char bytes[3 * PAGE_SIZE], back[3 * PAGE_SIZE];

    (void)state;
    make_disk();
    mount_disk();
    memset(bytes, 'b', sizeof bytes);
    assert_int_equal(write_file("large", FAR, bytes, sizeof bytes), sizeof bytes); // the last writer's close has cleaned it
    assert_int_equal(with_file("large", O_RDWR, dirty_and_write_back, bytes), 0);
    unmount_disk();
    disk_assert_clean();
    mount_disk();
    assert_int_equal(read_file("large", FAR, back, sizeof back), sizeof back);
    memset(bytes, 'c', sizeof bytes);
    assert_memory_equal(back, bytes, sizeof back);
    unmount_disk();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXT2_TEST(files_are_written_back_without_memory),
        EXT2_TEST(a_synchronous_append_that_lacks_memory_for_the_disk_is_not_done_twice),
        EXT2_TEST(a_call_without_memory_can_be_made_again),
        EXT2_TEST(a_cut_that_has_begun_needs_no_memory_for_what_stays_in_the_file),
        EXT2_TEST(what_was_cut_without_memory_reads_as_zeros_when_the_file_grows),
    };

    return RUN_TESTS(tests);
}
