// SPDX-License-Identifier: MIT
/*
 * test_ext2_random.c - random operations on a disk: what ext2 does is compared with the host's file system; what it leaves is judged by
 * e2fsck.
 *
 * GAUR_SECONDS: longer; GAUR_SEED: one run again.
 */
#include "ext2_support.h"

#include "ext2_disk.h"
#include "ext2_model.h"
#include "ext2_steps.h"

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
        step(true);
    }
    compare_all();
    unmount_disk();
    disk_assert_clean();
    mount_disk();
    compare_all();
    unmount_disk();
    model_end();
}

static void random_operations_are_as_on_the_host(void **state)
{
    static const char *const options[] = {"-b 1024", "-b 2048", "-b 4096", "-b 1024 -r 0", "-b 1024 -I 256 -O ^dir_index", "-b 4096 -g 512"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(options) * effort(); i++)
        random_operations(options[i % ARRAY_SIZE(options)], 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXT2_TEST(random_operations_are_as_on_the_host),
    };

    return RUN_TESTS(tests);
}
