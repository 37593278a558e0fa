// SPDX-License-Identifier: MIT
/*
 * splice.c - bytes between pipes, files and memory without a detour: splice, tee, vmsplice.
 */
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BIG = 3 * PAGE + 100, FULL = 64 * 1024 };

static char bytes[BIG], back[FULL];
static int file, ends[2], others[2];

static bool make(void)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 31 + i / PAGE);
    file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    return file >= 0 && pipe(ends) == 0 && pipe(others) == 0;
}

static void drop(void)
{
    close(file);
    close(ends[0]);
    close(ends[1]);
    close(others[0]);
    close(others[1]);
}

static bool file_to_pipe_and_back(void)
{
    off_t from = 100, to = 5;

    CHECK(make());
    CHECK_EQ(write(file, bytes, BIG), BIG);
    CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
    CHECK_EQ(splice(file, NULL, ends[1], NULL, BIG, 0), BIG);
    CHECK_EQ(lseek(file, 0, SEEK_CUR), BIG);
    CHECK_EQ(splice(file, NULL, ends[1], NULL, BIG, 0), 0);     // its end
    CHECK_EQ(read(ends[0], back, 1000), 1000);
    int copy = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK_EQ(splice(ends[0], NULL, copy, NULL, FULL, 0), BIG - 1000);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), BIG - 1000);
    CHECK_EQ(pread(copy, back + 1000, FULL - 1000, 0), BIG - 1000);
    CHECK(memcmp(bytes, back, BIG) == 0);
    CHECK_EQ(splice(file, &from, ends[1], NULL, 10, 0), 10);
    CHECK_EQ(splice(ends[0], NULL, copy, &to, 10, 0), 10);
    CHECK(from == 110 && to == 15);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), BIG - 1000);
    CHECK_EQ(pread(copy, back, 10, 5), 10);
    CHECK(memcmp(back, bytes + 100, 10) == 0);
    close(copy);
    drop();
    return true;
}

/* More than a pipe holds: it is filled, and what did not fit is still to be read. */
static bool full_pipe_ends_the_transfer(void)
{
    CHECK(make());
    CHECK_EQ(ftruncate(file, 3 * FULL), 0);
    CHECK_EQ(splice(file, NULL, ends[1], NULL, 3 * FULL, 0), FULL);
    CHECK_EQ(lseek(file, 0, SEEK_CUR), FULL);
    CHECK_FAILS(splice(file, NULL, ends[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_EQ(lseek(file, 0, SEEK_CUR), FULL);
    CHECK_EQ(read(ends[0], back, FULL), FULL);
    CHECK_EQ(splice(file, NULL, ends[1], NULL, 10, SPLICE_F_NONBLOCK), 10);
    drop();
    return true;
}

/* What is written to /dev/null has gone; /dev/zero fills a pipe. */
static bool memory_devices_take_part(void)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    off_t to = 7;

    CHECK(make());
    CHECK_EQ(write(ends[1], bytes, BIG), BIG);
    CHECK_EQ(splice(ends[0], NULL, null, NULL, PAGE + 1, 0), PAGE + 1);
    CHECK_EQ(splice(ends[0], NULL, null, &to, 10, 0), 10);
    CHECK_EQ(to, 7);
    CHECK_EQ(splice(ends[0], NULL, zero, NULL, 10, 0), 10);
    CHECK_FAILS(splice(ends[0], NULL, full, NULL, 10, 0), EINVAL);
    CHECK_EQ(read(ends[0], back, FULL), BIG - PAGE - 21);
    CHECK(memcmp(back, bytes + PAGE + 21, BIG - PAGE - 21) == 0);
    CHECK_EQ(splice(zero, NULL, ends[1], NULL, PAGE, 0), PAGE);
    CHECK_EQ(splice(full, NULL, ends[1], NULL, 10, 0), 10);
    CHECK_EQ(read(ends[0], back, FULL), PAGE + 10);
    for (size_t i = 0; i < PAGE + 10; i++)
        CHECK(back[i] == 0);
    close(null);
    close(zero);
    close(full);
    drop();
    return true;
}

static bool pipe_to_pipe_moves_and_tee_copies(void)
{
    CHECK(make());
    CHECK_EQ(write(ends[1], bytes, BIG), BIG);
    CHECK_EQ(tee(ends[0], others[1], 2 * PAGE, 0), 2 * PAGE);
    CHECK_EQ(read(others[0], back, FULL), 2 * PAGE);
    CHECK(memcmp(back, bytes, 2 * PAGE) == 0);
    CHECK_EQ(splice(ends[0], NULL, others[1], NULL, 5000, 0), 5000);
    CHECK_EQ(splice(ends[0], NULL, others[1], NULL, FULL, 0), BIG - 5000);
    CHECK_EQ(read(others[0], back, FULL), BIG);
    CHECK(memcmp(back, bytes, BIG) == 0);
    CHECK_FAILS(splice(ends[0], NULL, others[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_FAILS(tee(ends[0], others[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
    close(ends[1]);
    CHECK_EQ(splice(ends[0], NULL, others[1], NULL, 1, 0), 0);
    CHECK_EQ(tee(ends[0], others[1], 1, 0), 0);
    close(others[0]);
    drop();
    return true;
}

static bool memory_to_pipe_and_back(void)
{
    struct iovec out[2] = {{bytes, 1000}, {bytes + 1000, 2000}}, in[2] = {{back, 500}, {back + 500, 2500}};

    CHECK(make());
    CHECK_EQ(vmsplice(ends[1], out, 2, 0), 3000);
    CHECK_EQ(vmsplice(ends[0], in, 2, 0), 3000);
    CHECK(memcmp(back, bytes, 3000) == 0);
    CHECK_FAILS(vmsplice(ends[0], in, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_FAILS(vmsplice(file, out, 1, 0), EBADF);
    CHECK_FAILS(vmsplice(ends[1], &(struct iovec){(void *)8, 10}, 1, 0), EFAULT);
    CHECK_FAILS(vmsplice(ends[1], out, UIO_MAXIOV + 1, 0), EINVAL);
    CHECK_EQ(vmsplice(ends[1], out, 0, 0), 0);
    drop();
    return true;
}

static bool sleepers_on_both_sides_are_woken(void)
{
    CHECK(make());
    pid_t pid = fork();
    if (pid == 0)
        _exit(splice(ends[0], NULL, others[1], NULL, 100, 0) == 3 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    CHECK_EQ(read(others[0], back, 10), 3);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(write(others[1], back, FULL), FULL);
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    pid = fork();
    if (pid == 0)
        _exit(splice(ends[0], NULL, others[1], NULL, 100, 0) == 3 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK_EQ(read(others[0], back, FULL), FULL);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool pipe_without_readers_gets_epipe(void)
{
    CHECK(make());
    CHECK_EQ(write(file, bytes, 10), 10);
    CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
    CHECK_EQ(write(ends[1], bytes, 10), 10);
    close(others[0]);
    CHECK_FAILS(splice(file, NULL, others[1], NULL, 10, 0), EPIPE);
    CHECK_FAILS(splice(ends[0], NULL, others[1], NULL, 10, 0), EPIPE);
    CHECK_EQ(read(ends[0], back, 100), 10);
    CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
    drop();
    return true;
}

static bool bad_arguments_are_refused(void)
{
    off_t offset = 0, negative = -1;

    CHECK(make());
    int append = open("file", O_WRONLY | O_APPEND), other = open("other", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    CHECK_FAILS(splice(ends[0], &offset, file, NULL, 3, 0), ESPIPE);
    CHECK_FAILS(splice(file, NULL, ends[1], &offset, 3, 0), ESPIPE);
    CHECK_FAILS(splice(ends[0], &offset, others[1], NULL, 3, 0), ESPIPE);
    CHECK_FAILS(splice(file, NULL, other, NULL, 3, 0), EINVAL);
    CHECK_FAILS(splice(ends[0], NULL, ends[1], NULL, 3, 0), EINVAL);
    CHECK_FAILS(splice(ends[0], NULL, append, NULL, 3, 0), EINVAL);
    CHECK_FAILS(splice(ends[0], NULL, file, NULL, 3, 0x100), EINVAL);
    CHECK_FAILS(splice(ends[0], NULL, file, &negative, 3, 0), EINVAL);
    CHECK_FAILS(splice(ends[0], NULL, file, (off_t *)8, 3, 0), EFAULT);
    CHECK_FAILS(splice(ends[1], NULL, file, NULL, 3, 0), EBADF);
    CHECK_FAILS(splice(file, NULL, ends[0], NULL, 3, 0), EBADF);
    CHECK_FAILS(splice(-1, NULL, file, NULL, 3, 0), EBADF);
    CHECK_EQ(splice(ends[0], NULL, file, NULL, 0, 0), 0);
    CHECK_FAILS(tee(ends[0], ends[1], 3, 0), EINVAL);
    CHECK_FAILS(tee(ends[0], file, 3, 0), EINVAL);
    CHECK_EQ(read(ends[0], back, 10), 3);
    close(append);
    close(other);
    drop();
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(file_to_pipe_and_back);
    TEST(full_pipe_ends_the_transfer);
    TEST(memory_devices_take_part);
    TEST(pipe_to_pipe_moves_and_tee_copies);
    TEST(memory_to_pipe_and_back);
    TEST(sleepers_on_both_sides_are_woken);
    TEST(pipe_without_readers_gets_epipe);
    TEST(bad_arguments_are_refused);
    return tap_done();
}
