// SPDX-License-Identifier: MIT
/*
 * file_io.c - bytes in, bytes out: positions, sizes, holes, vectors.
 */
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fresh(const char *name)
{
    return open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static off_t size_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? status.st_size : -1;
}

static bool what_is_written_is_read_back(void)
{
    static unsigned char out[20000], in[20000];
    int fd = fresh("pattern");

    for (size_t i = 0; i < sizeof out; i++)
        out[i] = i * 31 + i / 256;
    for (size_t at = 0, step = 1; at < sizeof out; at += step, step = step * 3 + 1) {
        size_t length = step < sizeof out - at ? step : sizeof out - at;
        CHECK_EQ(write(fd, out + at, length), length);
    }
    CHECK_EQ(size_of(fd), sizeof out);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(read(fd, in, sizeof in), sizeof in);
    CHECK(memcmp(in, out, sizeof out) == 0);
    CHECK_EQ(read(fd, in, 1), 0);
    CHECK_EQ(pread(fd, in, 5000, 4000), 5000);
    CHECK(memcmp(in, out + 4000, 5000) == 0);
    close(fd);
    return true;
}

static bool seek_moves_and_refuses(void)
{
    int fd = fresh("seek"), ends[2];

    CHECK_EQ(write(fd, "0123456789", 10), 10);
    CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
    CHECK_EQ(lseek(fd, 2, SEEK_CUR), 5);
    CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
    CHECK_EQ(lseek(fd, 100, SEEK_END), 110);
    CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_FAILS(lseek(fd, -111, SEEK_CUR), EINVAL);
    CHECK_FAILS(lseek(fd, 0, 99), EINVAL);
    CHECK_FAILS(lseek(fd, LLONG_MAX, SEEK_END), EINVAL);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 110);
    CHECK_EQ(size_of(fd), 10);
    CHECK(pipe(ends) == 0);
    CHECK_FAILS(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    CHECK_FAILS(lseek(999, 0, SEEK_SET), EBADF);
    close(ends[0]);
    close(ends[1]);
    close(fd);
    return true;
}

static bool positioned_calls_leave_the_position(void)
{
    char text[4] = {0};
    int fd = fresh("position");

    CHECK_EQ(write(fd, "abcdef", 6), 6);
    CHECK_EQ(pread(fd, text, 3, 1), 3);
    CHECK(memcmp(text, "bcd", 3) == 0);
    CHECK_EQ(pwrite(fd, "XY", 2, 2), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
    CHECK_EQ(pread(fd, text, 3, 1), 3);
    CHECK(memcmp(text, "bXY", 3) == 0);
    CHECK_EQ(pread(fd, text, 3, 100), 0);
    CHECK_FAILS(pread(fd, text, 3, -1), EINVAL);
    close(fd);
    return true;
}

static bool hole_reads_as_zero_and_takes_no_blocks(void)
{
    static unsigned char in[PAGE];
    struct stat status;
    int fd = fresh("hole");

    CHECK_EQ(pwrite(fd, "end", 3, 1 << 20), 3);
    CHECK_EQ(size_of(fd), (1 << 20) + 3);
    CHECK(fstat(fd, &status) == 0);
    CHECK(status.st_blocks < 256);
    for (off_t at = 0; at < 1 << 20; at += 123 * 1024) {
        CHECK_EQ(pread(fd, in, sizeof in, at), sizeof in);
        for (size_t i = 0; i < sizeof in; i++)
            CHECK(in[i] == 0 || at + (off_t)i >= 1 << 20);
    }
    CHECK_EQ(pread(fd, in, 10, 1 << 20), 3);
    close(fd);
    return true;
}

static bool truncate_cuts_and_extends_with_zeros(void)
{
    static unsigned char in[2 * PAGE];
    int fd = fresh("cut");

    memset(in, 'c', sizeof in);
    CHECK_EQ(write(fd, in, sizeof in), sizeof in);
    CHECK(ftruncate(fd, 100) == 0);
    CHECK_EQ(size_of(fd), 100);
    CHECK(ftruncate(fd, sizeof in) == 0);
    CHECK_EQ(pread(fd, in, sizeof in, 0), sizeof in);
    for (size_t i = 0; i < sizeof in; i++)
        CHECK_EQ(in[i], i < 100 ? 'c' : 0);
    CHECK(truncate("cut", 3) == 0);
    CHECK_EQ(size_of(fd), 3);
    CHECK_FAILS(ftruncate(fd, -1), EINVAL);
    CHECK_FAILS(truncate("missing", 0), ENOENT);
    CHECK_FAILS(truncate(".", 0), EISDIR);
    close(fd);
    fd = open("cut", O_RDONLY);
    CHECK_FAILS(ftruncate(fd, 0), EINVAL);
    close(fd);
    return true;
}

static bool vectors_gather_and_scatter(void)
{
    char a[4] = {0}, b[8] = {0};
    int fd = fresh("vector");
    struct iovec out[3] = {{(void *)"one", 3}, {NULL, 0}, {(void *)"twothree", 8}}, in[2] = {{a, 3}, {b, 8}};

    CHECK_EQ(writev(fd, out, 3), 11);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(readv(fd, in, 2), 11);
    CHECK(memcmp(a, "one", 3) == 0 && memcmp(b, "twothree", 8) == 0);
    CHECK_FAILS(writev(fd, out, -1), EINVAL);
    CHECK_FAILS(writev(fd, out, IOV_MAX + 1), EINVAL);
    CHECK_EQ(writev(fd, out, 0), 0);
    struct iovec wrapping[2] = {{a, 3}, {b, SIZE_MAX}};
    CHECK_FAILS(readv(fd, wrapping, 2), EINVAL);
    close(fd);
    return true;
}

static bool two_openings_have_two_positions_and_one_file(void)
{
    char byte = 0;
    int a = fresh("twice"), b = open("twice", O_RDONLY);

    CHECK_EQ(write(a, "xy", 2), 2);
    CHECK_EQ(read(b, &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    CHECK_EQ(pwrite(a, "Z", 1, 1), 1);
    CHECK_EQ(read(b, &byte, 1), 1);
    CHECK_EQ(byte, 'Z');
    close(a);
    close(b);
    return true;
}

static bool position_is_shared_with_a_child(void)
{
    int fd = fresh("shared");

    CHECK_EQ(write(fd, "ab", 2), 2);
    pid_t pid = fork();
    if (pid == 0)
        _exit(write(fd, "cd", 2) == 2 ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
    close(fd);
    return true;
}

static bool unlinked_file_lives_while_it_is_open(void)
{
    struct stat status;
    char text[8] = {0};
    int fd = fresh("gone");

    CHECK_EQ(write(fd, "still", 5), 5);
    CHECK(unlink("gone") == 0);
    CHECK_FAILS(stat("gone", &status), ENOENT);
    CHECK(fstat(fd, &status) == 0);
    CHECK_EQ(status.st_nlink, 0);
    int other = fresh("gone");
    CHECK_EQ(pread(fd, text, 5, 0), 5);
    CHECK(strcmp(text, "still") == 0);
    CHECK_EQ(size_of(other), 0);
    close(fd);
    close(other);
    return true;
}

static bool zero_length_calls_do_nothing(void)
{
    int fd = fresh("nothing");

    CHECK_EQ(write(fd, "x", 0), 0);
    CHECK_EQ(read(fd, NULL, 0), 0);
    CHECK_EQ(size_of(fd), 0);
    CHECK_FAILS(read(999, NULL, 0), EBADF);
    close(fd);
    return true;
}

static bool sync_calls_succeed(void)
{
    int fd = fresh("sync");

    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK(fsync(fd) == 0);
    CHECK(fdatasync(fd) == 0);
    close(fd);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(what_is_written_is_read_back);
    TEST(seek_moves_and_refuses);
    TEST(positioned_calls_leave_the_position);
    TEST(hole_reads_as_zero_and_takes_no_blocks);
    TEST(truncate_cuts_and_extends_with_zeros);
    TEST(vectors_gather_and_scatter);
    TEST(two_openings_have_two_positions_and_one_file);
    TEST(position_is_shared_with_a_child);
    TEST(unlinked_file_lives_while_it_is_open);
    TEST(zero_length_calls_do_nothing);
    TEST(sync_calls_succeed);
    return tap_done();
}
