// SPDX-License-Identifier: MIT
#include "ext2_steps.h"

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>

#include "ext2_model.h"
#include "ext2_support.h"

#define MAPPED UINT64_C(0x400000)

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
    int64_t our = read_link(name, ours, PAGE_SIZE);

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

const char *some_name(void)
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

void step_write(const char *name)
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

void step_symlink(const char *name)
{
    char target[200];

    memset(target, 'x', sizeof target);
    target[1 + pick(2) * 58 + pick(60)] = 0;
    same("symlink", name, vfs_symlink(&from_root, target, name), model_symlink(target, name));
}

static void step_rename(const char *name, const char *other, bool folders_move)
{
    struct model_stat stat;

    if (folders_move || (model_stat(name, &stat) == 0 && !S_ISDIR(stat.mode)))
        same("rename", name, vfs_rename(&from_root, name, &from_root, other, 0), model_rename(name, other));
}

static void step_chmod(const char *name)
{
    uint32_t mode = 0600 | pick(0100);
    struct model_stat stat;

    if (model_stat(name, &stat) == 0 && !S_ISLNK(stat.mode))
        same("chmod", name, with_path(name, work_chmod, &mode), model_chmod(name, mode));
}

void step(bool folders_move)
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
        step_rename(name, other, folders_move);
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

void compare_all(void)
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

void make_folders(void)
{
    static const char *const folders[] = {"a", "b", "a/c", "b/d"};

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(vfs_mkdir(&from_root, folders[i], 0755), 0);
        assert_int_equal(model_mkdir(folders[i]), 0);
    }
}
