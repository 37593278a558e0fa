// SPDX-License-Identifier: MIT
/*
 * system_info.c - who and where we are, and randomness.
 */
#include "tap.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool uname_fills_every_field(void)
{
    struct utsname name;

    memset(&name, 'x', sizeof name);
    CHECK(uname(&name) == 0);
    CHECK(*name.sysname && strlen(name.sysname) < sizeof name.sysname);
    CHECK(*name.nodename && *name.release && *name.version);
    CHECK(strcmp(name.machine, "x86_64") == 0);
    CHECK(name.release[0] >= '0' && name.release[0] <= '9');
    return true;
}

static bool sysinfo_tells_of_memory_and_uptime(void)
{
    struct sysinfo info;

    CHECK(sysinfo(&info) == 0);
    CHECK(info.mem_unit > 0 && info.totalram > 0);
    CHECK(info.totalram * info.mem_unit >= 1 << 20);
    CHECK(info.freeram <= info.totalram);
    CHECK(info.procs >= 1);
    return true;
}

static bool getrandom_gives_what_is_asked(void)
{
    unsigned char a[256], b[256];
    unsigned bits = 0;

    CHECK_EQ(getrandom(a, sizeof a, 0), sizeof a);
    CHECK_EQ(getrandom(b, sizeof b, GRND_NONBLOCK), sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    for (size_t i = 0; i < sizeof a; i++)
        bits += __builtin_popcount(a[i]);
    CHECK(bits > 850 && bits < 1200);
    CHECK_FAILS(getrandom(a, 1, 0x100), EINVAL);
    CHECK_EQ(getrandom(a, 0, 0), 0);
    return true;
}

static bool children_do_not_repeat_the_random_bytes(void)
{
    unsigned char ours[16], theirs[16];
    int ends[2];

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(getrandom(theirs, 16, 0) != 16 || write(ends[1], theirs, 16) != 16);
    CHECK_EQ(getrandom(ours, 16, 0), 16);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(read(ends[0], theirs, 16), 16);
    CHECK(memcmp(ours, theirs, 16) != 0);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool thread_id_of_a_single_thread_is_its_pid(void)
{
    CHECK_EQ(syscall(SYS_gettid), getpid());
    return true;
}

static bool limits_are_told_and_kept(void)
{
    struct rlimit limit, again;

    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
    CHECK(limit.rlim_cur >= 1 << 20 && limit.rlim_cur <= limit.rlim_max);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur >= 64);
    limit.rlim_cur = 100;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &again) == 0);
    CHECK_EQ(again.rlim_cur, 100);
    again.rlim_cur = again.rlim_max + 1;
    if (again.rlim_cur > again.rlim_max)
        CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &again), EINVAL);
    CHECK_FAILS(getrlimit(99, &limit), EINVAL);
    return true;
}

static bool page_faults_are_accounted(void)
{
    struct rusage before, after;
    static unsigned char pages[20 * PAGE];

    CHECK(getrusage(RUSAGE_SELF, &before) == 0);
    for (int i = 0; i < 20; i++)
        ((volatile unsigned char *)pages)[i * PAGE] = 1;
    CHECK(getrusage(RUSAGE_SELF, &after) == 0);
    CHECK(after.ru_minflt + after.ru_majflt > before.ru_minflt + before.ru_majflt);
    return true;
}

int main(void)
{
    TEST(uname_fills_every_field);
    TEST(sysinfo_tells_of_memory_and_uptime);
    TEST(getrandom_gives_what_is_asked);
    TEST(children_do_not_repeat_the_random_bytes);
    TEST(thread_id_of_a_single_thread_is_its_pid);
    TEST(limits_are_told_and_kept);
    TEST(page_faults_are_accounted);
    return tap_done();
}
