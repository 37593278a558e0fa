// SPDX-License-Identifier: MIT
/*
 * file_copy.c - bytes from file to file inside the kernel, reading and writing with flags, and the old getdents.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of <linux/fs.h>; the C library here has none. */
enum { HIGH_PRIORITY = 1, DATA_SYNCED = 2, SYNCED = 4 };

static char big[3 * PAGE + 100], back[sizeof big];

static int from, to;

static bool make(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 + i / PAGE);
    from = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600);
    to = open("to", O_RDWR | O_CREAT | O_TRUNC, 0600);
    return from >= 0 && to >= 0 && write(from, big, sizeof big) == sizeof big && lseek(from, 0, SEEK_SET) == 0;
}

static void drop(void)
{
    close(from);
    close(to);
}

static ssize_t copy(int in, off_t *in_at, int out, off_t *out_at, size_t size, unsigned flags)
{
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}

/* Some file systems copy less at a time. */
static ssize_t copy_all(off_t *in_at, off_t *out_at, size_t size)
{
    ssize_t done = 0, part;

    while ((size_t)done < size && (part = copy(from, in_at, to, out_at, size - done, 0)) > 0)
        done += part;
    return done;
}

static bool copy_moves_both_positions(void)
{
    CHECK(make());
    CHECK_EQ(copy_all(NULL, NULL, sizeof big), sizeof big);
    CHECK_EQ(lseek(from, 0, SEEK_CUR), sizeof big);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), sizeof big);
    CHECK_EQ(pread(to, back, sizeof back, 0), sizeof big);
    CHECK(memcmp(big, back, sizeof big) == 0);
    CHECK_EQ(copy(from, NULL, to, NULL, 10, 0), 0);     // the end
    drop();
    return true;
}

static bool copy_at_offsets_leaves_positions_alone(void)
{
    off_t in_at = 1000, out_at = 50;

    CHECK(make());
    CHECK_EQ(copy_all(&in_at, &out_at, 5000), 5000);
    CHECK(in_at == 6000 && out_at == 5050);
    CHECK_EQ(lseek(from, 0, SEEK_CUR), 0);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), 0);
    CHECK_EQ(pread(to, back, sizeof back, 50), 5000);
    CHECK(memcmp(big + 1000, back, 5000) == 0);
    drop();
    return true;
}

static bool copy_within_a_file_must_not_overlap(void)
{
    off_t in_at = 0, out_at = 50;

    CHECK(make());
    CHECK_FAILS(copy(from, &in_at, from, &out_at, 100, 0), EINVAL);
    out_at = 100;
    CHECK_EQ(copy(from, &in_at, from, &out_at, 100, 0), 100);
    CHECK_EQ(pread(from, back, 200, 0), 200);
    CHECK(memcmp(back, back + 100, 100) == 0);
    drop();
    return true;
}

static bool copy_refuses_what_it_cannot_do(void)
{
    int ends[2], folder = open(".", O_RDONLY), append = open("to", O_WRONLY | O_APPEND | O_CREAT, 0600);
    off_t negative = -1;

    CHECK(make() && pipe(ends) == 0);
    CHECK_FAILS(copy(from, NULL, to, NULL, 10, 1), EINVAL);
    CHECK_FAILS(copy(from, NULL, append, NULL, 10, 0), EBADF);
    CHECK_FAILS(copy(append, NULL, to, NULL, 10, 0), EBADF);
    CHECK_FAILS(copy(folder, NULL, to, NULL, 10, 0), EISDIR);
    CHECK_FAILS(copy(from, NULL, ends[1], NULL, 10, 0), EINVAL);
    CHECK_FAILS(copy(ends[0], NULL, to, NULL, 10, 0), EINVAL);
    CHECK_FAILS(copy(from, &negative, to, NULL, 10, 0), EOVERFLOW);
    CHECK_FAILS(copy(from, (off_t *)8, to, NULL, 10, 0), EFAULT);
    CHECK_FAILS(copy(-1, NULL, to, NULL, 10, 0), EBADF);
    close(ends[0]);
    close(ends[1]);
    close(folder);
    close(append);
    drop();
    return true;
}

static long vector2(int number, int fd, struct iovec *segments, int count, int64_t offset, unsigned flags)
{
    return syscall(number, fd, segments, (long)count, offset, 0L, flags);
}

static bool preadv2_and_pwritev2_take_flags(void)
{
    char first[4] = "abcd", second[4] = "efgh", text[9] = {0};
    struct iovec segments[2] = {{first, 4}, {second, 4}}, whole = {text, 8};
    int ends[2];

    CHECK(make() && pipe(ends) == 0);
    CHECK_EQ(vector2(SYS_pwritev2, to, segments, 2, 10, 0), 8);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), 0);
    CHECK_EQ(vector2(SYS_pwritev2, to, segments, 2, -1, SYNCED), 8);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), 8);
    CHECK_EQ(vector2(SYS_pwritev2, to, segments, 2, 0, DATA_SYNCED), 8);
    CHECK_EQ(vector2(SYS_preadv2, to, &whole, 1, 10, 0), 8);
    CHECK(strcmp(text, "abcdefgh") == 0);
    CHECK_EQ(lseek(to, 0, SEEK_SET), 0);
    CHECK_EQ(vector2(SYS_preadv2, to, &whole, 1, -1, HIGH_PRIORITY), 8);
    CHECK_EQ(lseek(to, 0, SEEK_CUR), 8);
    CHECK_FAILS(vector2(SYS_preadv2, to, &whole, 1, -2, 0), EINVAL);
    CHECK_FAILS(vector2(SYS_preadv2, to, &whole, 1, 0, 0x4000), EOPNOTSUPP);
    CHECK_FAILS(vector2(SYS_pwritev2, to, &whole, 1, 0, 0x4000), EOPNOTSUPP);
    CHECK_FAILS(vector2(SYS_preadv2, ends[0], &whole, 1, 0, 0), ESPIPE);
    CHECK_EQ(vector2(SYS_pwritev2, ends[1], segments, 2, -1, 0), 8);
    CHECK_EQ(vector2(SYS_preadv2, ends[0], &whole, 1, -1, 0), 8);
    close(ends[0]);
    close(ends[1]);
    drop();
    return true;
}

static bool range_is_written_back_or_refused(void)
{
    int pipe_ends[2];

    CHECK(make() && pipe(pipe_ends) == 0);
    CHECK_EQ(sync_file_range(from, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
    CHECK_EQ(sync_file_range(from, 100, 100, 0), 0);
    CHECK_FAILS(sync_file_range(from, -1, 0, 0), EINVAL);
    CHECK_FAILS(sync_file_range(from, 0, -1, 0), EINVAL);
    CHECK_FAILS(sync_file_range(from, INT64_MAX, 2, 0), EINVAL);
    CHECK_FAILS(sync_file_range(from, 0, 0, 8), EINVAL);
    CHECK_FAILS(sync_file_range(pipe_ends[0], 0, 0, 0), ESPIPE);
    CHECK_FAILS(sync_file_range(-1, 0, 0, 0), EBADF);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    drop();
    return true;
}

/* As getdents(2) tells it; no header has it. */
struct old_entry {
    unsigned long ino, next;
    unsigned short size;
    char name[];
};

static bool old_getdents_tells_names_and_types(void)
{
    static char buffer[PAGE];
    unsigned seen = 0;
    int folder;

    CHECK(mkdir("list", 0700) == 0 && mkdir("list/folder", 0700) == 0);
    CHECK(file_put("list/a_file_with_a_longer_name", "", 0, 0600));
    folder = open("list", O_RDONLY | O_DIRECTORY);
    CHECK(folder >= 0);
    CHECK_FAILS(syscall(SYS_getdents, folder, buffer, 8), EINVAL);
    for (long size; (size = syscall(SYS_getdents, folder, buffer, sizeof buffer)) != 0;) {
        CHECK(size > 0);
        for (long at = 0; at < size;) {
            struct old_entry *entry = (struct old_entry *)(buffer + at);
            char type = buffer[at + entry->size - 1];
            if (strcmp(entry->name, "folder") == 0 && type == DT_DIR)
                seen |= 1;
            if (strcmp(entry->name, "a_file_with_a_longer_name") == 0 && type == DT_REG)
                seen |= 2;
            if (strcmp(entry->name, ".") == 0)
                seen |= 4;
            CHECK(entry->size % 8 == 0 && entry->size > 0);
            at += entry->size;
        }
    }
    CHECK_EQ(seen, 7);
    close(folder);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(copy_moves_both_positions);
    TEST(copy_at_offsets_leaves_positions_alone);
    TEST(copy_within_a_file_must_not_overlap);
    TEST(copy_refuses_what_it_cannot_do);
    TEST(preadv2_and_pwritev2_take_flags);
    TEST(range_is_written_back_or_refused);
    TEST(old_getdents_tells_names_and_types);
    return tap_done();
}
