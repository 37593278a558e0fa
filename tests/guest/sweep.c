// SPDX-License-Identifier: MIT
/*
 * sweep.c - arm, try, compare.
 */
#include "sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int arm_fd = -1;
static bool again;      // the call that fails is made again by the kernel

void sweep_arm(long n)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", n);

    if (pwrite(arm_fd, text, (size_t)length, 0) != length)
        _exit(99);
}

long sweep_left(int fd)
{
    char text[24] = "";

    if (read(fd, text, sizeof text - 1) <= 0)
        _exit(99);
    return atol(text);
}

bool fine(long result)
{
    if (result < 0 && errno != ENOMEM && errno != EAGAIN)
        diag("errno %d where no memory was to be told", errno);
    return result >= 0 || errno == ENOMEM || errno == EAGAIN;
}

bool sweep_begin(void)
{
    arm_fd = open("/proc/gaur/fail", O_WRONLY | O_CLOEXEC);
    return arm_fd >= 0;
}

void sweep_end(void)
{
    close(arm_fd);
}

/* Once with the n-th allocation failing. *rest: 0 if it came so far. */
static bool try_once(const struct operation *operation, long n, long *rest)
{
    CHECK(!operation->prepare || operation->prepare());
    int fd = open("/proc/gaur/fail", O_RDONLY);
    CHECK(fd >= 0);
    sweep_arm(again ? -n : n);
    bool good = operation->act();
    *rest = sweep_left(fd);
    close(fd);
    CHECK(good);
    CHECK(!operation->undo || operation->undo());
    CHECK(verify_is_ok());
    return true;
}

static bool sweep(const struct operation *operation)
{
    static struct frames before;
    long rest = 0;

    CHECK(sweep_begin());
    CHECK(try_once(operation, SWEEP_MOST, &rest) && rest > 0);    // what is allocated once and kept comes first
    CHECK(frames_settle(&before));
    for (long n = 1; n < SWEEP_MOST; n++) {
        if (!try_once(operation, n, &rest)) {
            diag("%s: allocation %ld", operation->name, n);
            break;
        }
        if (rest > 0) {
            diag("%s: each of %ld allocations failed once", operation->name, n - 1);
            sweep_end();
            return frames_are_not_lost(&before);
        }
    }
    sweep_end();
    return false;
}

static void sweep_table(const struct operation *operations, size_t count, const char *claim)
{
    own_memory_touch();
    for (size_t i = 0; i < count; i++) {
        if (on_gaur())
            ok(sweep(&operations[i]), "%s_%s", operations[i].name, claim);
        else
            skip("needs Gaur's /proc/gaur/fail", "%s_%s", operations[i].name, claim);
    }
}

void sweep_all(const struct operation *operations, size_t count)
{
    sweep_table(operations, count, "loses_nothing");
}

void sweep_again_all(const struct operation *operations, size_t count)
{
    again = true;
    sweep_table(operations, count, "is_made_again_as_if_nothing_had_been");
}
