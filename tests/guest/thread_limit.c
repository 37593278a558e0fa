// SPDX-License-Identifier: MIT
/*
 * thread_limit.c - one user has no more threads than RLIMIT_NPROC, and all together have no more than threads-max.
 */
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTING "/proc/sys/kernel/threads-max"

enum { STRANGER = 54321 }; // nobody else's user id

static bool allow(rlim_t threads)
{
    struct rlimit limit = {threads, threads};

    return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

static bool waits(void)
{
    while (pause() != 0)
        ;
    return true;
}

static void *thread_waits(void *unused)
{
    waits();
    return unused;
}

static bool forks(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid > 0 && exited_with(child_wait(pid), 0);
}

/* One process, its child and its second thread: three. */
static bool stranger_with_three(void)
{
    pthread_t thread;
    siginfo_t info;

    CHECK(setgid(STRANGER) == 0 && setuid(STRANGER) == 0);
    pid_t child = child_start(waits);
    CHECK(child > 0);
    CHECK_EQ(pthread_create(&thread, NULL, thread_waits, NULL), 0);
    CHECK_FAILS(fork(), EAGAIN);
    CHECK_EQ(pthread_create(&thread, NULL, thread_waits, NULL), EAGAIN);
    CHECK(kill(child, SIGKILL) == 0 && waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    CHECK_FAILS(fork(), EAGAIN); // a zombie counts
    CHECK(killed_by(child_wait(child), SIGKILL));
    CHECK(forks());
    return true;
}

static bool superuser_with_one(void)
{
    CHECK(allow(1));
    CHECK(forks());
    CHECK(allow(0));
    CHECK(forks());
    return true;
}

static bool limited_stranger(void)
{
    CHECK(allow(3));
    return stranger_with_three();
}

static bool processes_threads_and_zombies_of_a_user_are_counted(void)
{
    if (getuid() != 0)
        SKIP("only the superuser becomes somebody else");
    CHECK_CHILD(limited_stranger);
    return true;
}

static bool the_superuser_is_not_bound_by_the_limit(void)
{
    if (getuid() != 0)
        SKIP("needs the superuser");
    CHECK_CHILD(superuser_with_one);
    return true;
}

static long setting(void)
{
    char text[32] = "";

    return file_get(SETTING, text, sizeof text) > 0 ? atol(text) : -1;
}

static bool set(long threads)
{
    FILE *file = fopen(SETTING, "w");

    if (!file)
        return false;
    fprintf(file, "%ld\n", threads);
    return fclose(file) == 0;
}

static bool by_default_a_user_gets_half_of_all(void)
{
    struct rlimit limit;

    NEEDS_GAUR();
    CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
    CHECK_EQ(limit.rlim_cur, setting() / 2);
    CHECK_EQ(limit.rlim_max, setting() / 2);
    CHECK(limit.rlim_cur >= 512); // in 16 MB and more
    return true;
}

static bool threads_max_binds_everybody(void)
{
    pthread_t thread;

    NEEDS_GAUR();
    long before = setting();
    CHECK(set(1));
    pid_t pid = fork();
    int error = errno, thread_error = pthread_create(&thread, NULL, thread_waits, NULL);
    if (pid == 0)
        _exit(0);
    CHECK(set(before));
    CHECK_EQ(pid, -1);
    CHECK_EQ(error, EAGAIN);
    CHECK_EQ(thread_error, EAGAIN);
    CHECK(forks());
    return true;
}

static bool threads_max_takes_positive_numbers_only(void)
{
    NEEDS_GAUR();
    long before = setting();
    CHECK(!set(0) && !set(-1) && !set(1L << 32) && !set(0x40000000));
    CHECK_EQ(setting(), before);
    CHECK(set(0x3fffffff));
    CHECK_EQ(setting(), 0x3fffffff);
    CHECK(set(before));
    return true;
}

int main(void)
{
    TEST(processes_threads_and_zombies_of_a_user_are_counted);
    TEST(the_superuser_is_not_bound_by_the_limit);
    TEST(by_default_a_user_gets_half_of_all);
    TEST(threads_max_binds_everybody);
    TEST(threads_max_takes_positive_numbers_only);
    return tap_done();
}
