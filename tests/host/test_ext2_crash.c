// SPDX-License-Identifier: MIT
/*
 * test_ext2_crash.c - the machine stops after any one of the writes to the disk: e2fsck repairs what is there without asking, and what
 * was synced is there.
 *
 * GAUR_SECONDS: longer; GAUR_SEED: one run again.
 */
#include "ext2_support.h"

#include <stdio.h>
#include <string.h>

#include "ext2_disk.h"
#include "ext2_model.h"
#include "ext2_steps.h"

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

/* A folder that moves is written in two blocks, and whatever comes first is wrong: the one place where e2fsck has to ask. None moves. */
static void crash(const char *options)
{
    print_message("seed %u, mke2fs %s\n", take_seed(), options);
    disk_make(options, 8192, NULL);
    model_begin();
    mount_disk();
    make_folders();
    promise_count = 0;
    for (unsigned i = 0; i < 700; i++) {
        step(false);
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
    for (unsigned i = 0; i < 12 * effort(); i++)
        crash(i % 3 == 0 ? "-b 1024" : i % 3 == 1 ? "-b 4096" : "-b 2048");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXT2_TEST(after_a_crash_e2fsck_repairs_and_what_was_synced_is_there),
    };

    return RUN_TESTS(tests);
}
