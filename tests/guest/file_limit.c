// SPDX-License-Identifier: MIT
/*
 * file_limit.c - RLIMIT_FSIZE: no file grows beyond it, and who tries is told by SIGXFSZ and EFBIG.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = PAGE + 1000 };

static char bytes[3 * PAGE];
static volatile int signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static void limit(rlim_t most)
{
    struct rlimit now;

    getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = most;
    setrlimit(RLIMIT_FSIZE, &now);
    signals = 0;
    signal(SIGXFSZ, count);
}

static int fresh(int flags)
{
    return open("file", O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
}

static off_t length(int file)
{
    return lseek(file, 0, SEEK_END);
}

static bool write_goes_as_far_as_the_limit(void)
{
    int file = fresh(0);

    limit(LIMIT);
    CHECK_EQ(write(file, bytes, PAGE), PAGE);
    CHECK_EQ(write(file, bytes, PAGE), 1000);
    CHECK_EQ(signals, 0);
    CHECK_FAILS(write(file, bytes, 1), EFBIG);
    CHECK_EQ(signals, 1);
    CHECK_EQ(write(file, bytes, 0), 0);
    CHECK_EQ(pwrite(file, bytes, PAGE, LIMIT - 1), 1);
    CHECK_FAILS(pwrite(file, bytes, PAGE, LIMIT), EFBIG);
    CHECK_EQ(signals, 2);
    CHECK_EQ(length(file), LIMIT);
    limit(RLIM_INFINITY);
    CHECK_EQ(write(file, bytes, PAGE), PAGE);
    close(file);
    return true;
}

static bool several_buffers_stop_there_too(void)
{
    struct iovec parts[3] = {{bytes, 700}, {bytes, PAGE}, {bytes, PAGE}};
    int file = fresh(0);

    limit(LIMIT);
    CHECK_EQ(writev(file, parts, 3), LIMIT);
    CHECK_EQ(signals, 0);
    CHECK_FAILS(writev(file, parts, 3), EFBIG);
    CHECK_EQ(signals, 1);
    limit(RLIM_INFINITY);
    close(file);
    return true;
}

static bool appending_begins_at_the_end(void)
{
    int file = fresh(O_APPEND);

    limit(LIMIT);
    CHECK_EQ(write(file, bytes, PAGE), PAGE);
    CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
    CHECK_EQ(write(file, bytes, PAGE), 1000);
    CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
    CHECK_FAILS(write(file, bytes, PAGE), EFBIG);
    CHECK_EQ(signals, 1);
    limit(RLIM_INFINITY);
    close(file);
    return true;
}

/* What is longer already may stay so, and be written in front of the limit. */
static bool a_longer_file_may_shrink(void)
{
    int file = fresh(0);

    CHECK_EQ(write(file, bytes, 3 * PAGE), 3 * PAGE);
    limit(LIMIT);
    CHECK_EQ(pwrite(file, bytes, PAGE, 0), PAGE);
    CHECK_FAILS(pwrite(file, bytes, 1, 2 * PAGE), EFBIG);
    CHECK_EQ(signals, 1);
    CHECK_EQ(ftruncate(file, 3 * PAGE), 0);
    CHECK_EQ(ftruncate(file, 2 * PAGE), 0);
    CHECK_EQ(length(file), 2 * PAGE);
    limit(RLIM_INFINITY);
    close(file);
    return true;
}

static bool truncation_does_not_grow_beyond_it(void)
{
    int file = fresh(0);

    limit(LIMIT);
    CHECK_EQ(ftruncate(file, LIMIT), 0);
    CHECK_FAILS(ftruncate(file, LIMIT + 1), EFBIG);
    CHECK_FAILS(truncate("file", LIMIT + 1), EFBIG);
    CHECK_EQ(signals, 2);
    CHECK_EQ(length(file), LIMIT);
    limit(RLIM_INFINITY);
    close(file);
    return true;
}

static bool fallocate_does_not_either(void)
{
    int file = fresh(0);

    limit(LIMIT);
    if (fallocate(file, 0, 0, LIMIT) && errno == EOPNOTSUPP) {
        limit(RLIM_INFINITY);
        close(file);
        return true;
    }
    CHECK_FAILS(fallocate(file, 0, 0, LIMIT + 1), EFBIG);
    CHECK_EQ(signals, 1);
    CHECK_EQ(length(file), LIMIT);
    limit(RLIM_INFINITY);
    close(file);
    return true;
}

static bool sendfile_stops_there(void)
{
    int file = fresh(0), source = open("source", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t from = 0;

    CHECK_EQ(write(source, bytes, 3 * PAGE), 3 * PAGE);
    limit(LIMIT);
    CHECK_EQ(sendfile(file, source, &from, 3 * PAGE), LIMIT);
    CHECK_EQ(from, LIMIT);
    CHECK_EQ(length(file), LIMIT);
    limit(RLIM_INFINITY);
    close(source);
    close(file);
    return true;
}

static bool pipes_have_no_such_limit(void)
{
    int ends[2];

    CHECK_EQ(pipe(ends), 0);
    limit(10);
    CHECK_EQ(write(ends[1], bytes, PAGE), PAGE);
    limit(RLIM_INFINITY);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool the_signal_kills_who_does_not_care(void)
{
    int status;
    pid_t child = fork();

    if (!child) {
        limit(0);
        signal(SIGXFSZ, SIG_DFL);
        _exit(write(fresh(0), bytes, 1) == 1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(write_goes_as_far_as_the_limit);
    TEST(several_buffers_stop_there_too);
    TEST(appending_begins_at_the_end);
    TEST(a_longer_file_may_shrink);
    TEST(truncation_does_not_grow_beyond_it);
    TEST(fallocate_does_not_either);
    TEST(sendfile_stops_there);
    TEST(pipes_have_no_such_limit);
    TEST(the_signal_kills_who_does_not_care);
    return tap_done();
}
