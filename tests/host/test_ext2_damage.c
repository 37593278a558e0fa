// SPDX-License-Identifier: MIT
/*
 * test_ext2_damage.c - disks on which anything is wrong, and disks that fail: the kernel lives on.
 *
 * GAUR_SECONDS: longer; GAUR_SEED: one run again.
 */
#include "ext2_support.h"

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <stdio.h>

#include "ext2_disk.h"
#include "lib/errno.h"
#include "ext2_model.h"
#include "ext2_steps.h"

/* Everything that can be done, whatever comes of it. */
static void use_all(void)
{
    static const char *const folders[] = {"", "a/", "b/", "a/c/", "b/d/"};
    char name[60];

    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 16; j++) {
            snprintf(name, sizeof name, "%s%s%u", folders[i], j < 8 ? "file" : "a-name-that-is-longer-", j % 8);
            (void)!read_file(name, 0, ours, FILE_MAX);
            (void)!read_link(name, ours, PAGE_SIZE);
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

static int64_t lose_a_write(struct file *file, void *unused)
{
    static char page[4096] = "new";
    struct inode *inode = file_inode(file);
    struct io io = io_kernel(page, sizeof page, 0);

    (void)unused;
    assert_int_equal(file->ops->write(file, &io), sizeof page);
    disk_fail_after(0);
    assert_int_equal(inode->sb->ops->store(inode), -EIO); // as sync(2) does, or the thread that writes what is old
    disk_fail_after(SIZE_MAX);
    assert_int_equal(file->ops->fsync(file, false), -EIO);
    assert_int_equal(file->ops->fsync(file, false), 0);
    return 0;
}

static void what_sync_could_not_write_the_files_own_fsync_tells(void **state)
{
    (void)state;
    disk_make("-b 4096", 2048, NULL);
    mount_disk();
    assert_int_equal(write_file("file", 0, "old", 3), 3);
    assert_int_equal(with_file("file", O_RDWR, lose_a_write, NULL), 0);
    unmount_disk();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXT2_TEST(what_sync_could_not_write_the_files_own_fsync_tells),
        EXT2_TEST(damaged_disks_are_survived),
        EXT2_TEST(a_disk_that_fails_is_survived),
    };

    return RUN_TESTS(tests);
}
