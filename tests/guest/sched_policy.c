// SPDX-License-Identifier: MIT
/*
 * sched_policy.c - policies and niceness are kept and inherited; capabilities and the state of the clock are told.
 */
#include "tap.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* As <linux/sched/types.h> has it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

/* The C library refuses these; the kernel does not. */
static int set(pid_t tid, int policy, int priority)
{
    return syscall(SYS_sched_setscheduler, tid, policy, &priority);
}

static int get(pid_t tid)
{
    return syscall(SYS_sched_getscheduler, tid);
}

static bool policy_is_kept_and_inherited(void)
{
    int priority = 7;

    CHECK_EQ(get(0), SCHED_OTHER);
    CHECK_EQ(set(0, SCHED_BATCH, 0), 0);
    CHECK_EQ(get(0), SCHED_BATCH);
    CHECK_EQ(get(getpid()), SCHED_BATCH);
    pid_t pid = fork();
    if (pid == 0)
        _exit(get(0));
    CHECK(exited_with(child_wait(pid), SCHED_BATCH));
    CHECK_EQ(syscall(SYS_sched_getparam, 0, &priority), 0);
    CHECK_EQ(priority, 0);
    CHECK_EQ(syscall(SYS_sched_setparam, 0, &priority), 0);
    CHECK_EQ(get(0), SCHED_BATCH);
    CHECK_EQ(set(0, SCHED_OTHER, 0), 0);
    return true;
}

static bool reset_on_fork_is_not_inherited(void)
{
    CHECK_EQ(set(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0), 0);
    CHECK_EQ(get(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
    bool favoured = setpriority(PRIO_PROCESS, 0, -5) == 0;  // root
    pid_t pid = fork();
    if (pid == 0)
        _exit(get(0) == SCHED_BATCH && getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), favoured ? -5 : 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 0) == 0 && set(0, SCHED_OTHER, 0) == 0);
    return true;
}

static bool wrong_policies_are_refused(void)
{
    int one = 1;

    CHECK_FAILS(set(0, SCHED_OTHER, 1), EINVAL);
    CHECK_FAILS(set(0, SCHED_FIFO, 0), EINVAL);
    CHECK_FAILS(set(0, SCHED_FIFO, 100), EINVAL);
    CHECK_FAILS(set(0, 4, 0), EINVAL);
    CHECK_FAILS(set(0, 6, 0), EINVAL);
    CHECK_FAILS(set(0, -1, 0), EINVAL);
    CHECK_FAILS(set(-1, SCHED_OTHER, 0), EINVAL);
    CHECK_FAILS(set(0x3fffff, SCHED_OTHER, 0), ESRCH);
    CHECK_FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
    CHECK_FAILS(syscall(SYS_sched_setparam, 0, &one), EINVAL);
    CHECK_FAILS(get(-1), EINVAL);
    CHECK_FAILS(get(0x3fffff), ESRCH);
    return true;
}

static bool attributes_tell_policy_and_niceness(void)
{
    struct attributes attributes, tried = {.size = 48, .policy = SCHED_BATCH, .nice = 3};

    CHECK_EQ(syscall(SYS_sched_setattr, 0, &tried, 0), 0);
    memset(&attributes, 0xff, sizeof attributes);
    CHECK_EQ(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
    CHECK_EQ(attributes.size, sizeof attributes);
    CHECK_EQ(attributes.policy, SCHED_BATCH);
    CHECK_EQ(attributes.nice, 3);
    CHECK_EQ(attributes.priority, 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 3);
    memset(&attributes, 0xff, sizeof attributes);
    CHECK_EQ(syscall(SYS_sched_getattr, 0, &attributes, 48, 0), 0);
    CHECK_EQ(attributes.size, 48);
    CHECK_EQ(attributes.util_min, 0xffffffff);
    CHECK_FAILS(syscall(SYS_sched_getattr, 0, &attributes, 47, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_getattr, 0, &attributes, 48, 1), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_getattr, 0x3fffff, &attributes, 48, 0), ESRCH);
    CHECK_EQ(set(0, SCHED_OTHER, 0), 0);
    return true;
}

static bool larger_attributes_must_be_zero(void)
{
    struct {
        struct attributes known;
        uint64_t more;
    } tried = {.known = {.size = sizeof tried, .nice = 3}};

    CHECK_EQ(syscall(SYS_sched_setattr, 0, &tried, 0), 0);
    tried.more = 1;
    CHECK_FAILS(syscall(SYS_sched_setattr, 0, &tried, 0), E2BIG);
    CHECK_EQ(tried.known.size, sizeof(struct attributes));
    tried.known.size = 10;
    CHECK_FAILS(syscall(SYS_sched_setattr, 0, &tried, 0), E2BIG);
    CHECK_FAILS(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_setattr, 0, &tried, 1), EINVAL);
    return true;
}

static bool interval_is_told(void)
{
    struct timespec interval = {-1, -1};

    CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &interval), 0);
    CHECK(interval.tv_sec == 0 && interval.tv_nsec >= 0);
    CHECK_FAILS(syscall(SYS_sched_rr_get_interval, -1, &interval), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_rr_get_interval, 0x3fffff, &interval), ESRCH);
    return true;
}

/* A group of its own: the claim is about two processes in it. */
static bool priorities_of_a_group(void)
{
    struct baton set, done;

    CHECK(baton_make(&set) && baton_make(&done));
    CHECK(setpgid(0, 0) == 0 || getpgrp() == getpid());
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setpriority(PRIO_PROCESS, 0, 9) != 0)
            _exit(99);
        baton_pass(&set);
        _exit(baton_wait(&done) ? getpriority(PRIO_PROCESS, 0) : 99);
    }
    CHECK(baton_wait(&set));
    CHECK_EQ(getpriority(PRIO_PGRP, 0), 5);
    CHECK_EQ(setpriority(PRIO_PGRP, getpid(), 12), 0);
    CHECK_EQ(getpriority(PRIO_PGRP, 0), 12);
    baton_pass(&done);
    CHECK(exited_with(child_wait(pid), 12));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 12);
    CHECK_FAILS(getpriority(PRIO_PGRP, 0x3fffff), ESRCH);
    CHECK_FAILS(setpriority(PRIO_PGRP, 0x3fffff, 0), ESRCH);
    CHECK_FAILS(getpriority(3, 0), EINVAL);
    CHECK(getpriority(PRIO_USER, getuid()) <= 12);
    baton_drop(&set);
    baton_drop(&done);
    return true;
}

static int io_priority(int which, int who)
{
    return syscall(SYS_ioprio_get, which, who);
}

static bool priority_of_input_and_output_is_kept(void)
{
    enum { PROCESS = 1, GROUP = 2, BEST_EFFORT = 2 << 13, IDLE = 3 << 13 };

    CHECK_EQ(syscall(SYS_ioprio_set, PROCESS, 0, BEST_EFFORT | 6), 0);
    CHECK_EQ(io_priority(PROCESS, 0), BEST_EFFORT | 6);
    CHECK_EQ(io_priority(PROCESS, getpid()), BEST_EFFORT | 6);
    pid_t pid = fork();
    if (pid == 0)
        _exit(io_priority(PROCESS, 0) == (BEST_EFFORT | 6) && syscall(SYS_ioprio_set, PROCESS, 0, IDLE) == 0
              && io_priority(PROCESS, 0) >> 13 == 3 ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(io_priority(PROCESS, 0), BEST_EFFORT | 6);
    CHECK_FAILS(syscall(SYS_ioprio_set, PROCESS, 0, 1), EINVAL);
    CHECK_FAILS(syscall(SYS_ioprio_set, PROCESS, 0x3fffff, BEST_EFFORT), ESRCH);
    CHECK_FAILS(io_priority(PROCESS, 0x3fffff), ESRCH);
    CHECK_FAILS(io_priority(GROUP, 0x3fffff), ESRCH);
    CHECK_FAILS(io_priority(4, 0), EINVAL);
    CHECK_FAILS(io_priority(0, 0), EINVAL);
    return true;
}

static bool capabilities_are_told(void)
{
    uint32_t header[2] = {0x20080522, 0}, sets[6];

    CHECK_EQ(syscall(SYS_capget, header, sets), 0);
    CHECK(geteuid() != 0 || sets[0] != 0);
    CHECK_EQ(syscall(SYS_capset, header, sets), 0);
    header[1] = getpid();
    CHECK_EQ(syscall(SYS_capget, header, sets), 0);
    header[1] = 0x3fffff;
    CHECK_FAILS(syscall(SYS_capget, header, sets), ESRCH);
    header[1] = -1;
    CHECK_FAILS(syscall(SYS_capget, header, sets), EINVAL);
    header[0] = 1;
    CHECK_FAILS(syscall(SYS_capget, header, sets), EINVAL);
    CHECK_EQ(header[0], 0x20080522);
    header[0] = 1;
    CHECK_EQ(syscall(SYS_capget, header, NULL), 0);
    CHECK_FAILS(syscall(SYS_capget, 8, sets), EFAULT);
    return true;
}

static bool other_users_have_no_capabilities(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    pid_t pid = fork();
    if (pid == 0) {
        uint32_t header[2] = {0x20080522, 0}, sets[6];
        bool none = syscall(SYS_setuid, 1000) == 0 && syscall(SYS_capget, header, sets) == 0
                    && (sets[0] | sets[1] | sets[3] | sets[4]) == 0;
        sets[0] = sets[1] = 1;
        _exit(none && syscall(SYS_capset, header, sets) == -1 && errno == EPERM ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

static bool state_of_the_clock_is_told(void)
{
    struct timex timex = {.modes = 0};
    struct timespec now;

    CHECK(adjtimex(&timex) >= 0);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(timex.time.tv_sec <= now.tv_sec && timex.time.tv_sec >= now.tv_sec - 60);
    CHECK_EQ(timex.tick, 10000);
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &timex) >= 0);
    CHECK_FAILS(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &timex), EOPNOTSUPP);
    CHECK_FAILS(syscall(SYS_clock_adjtime, 77, &timex), EINVAL);
    CHECK_FAILS(syscall(SYS_adjtimex, 8), EFAULT);
    return true;
}

int main(void)
{
    TEST(policy_is_kept_and_inherited);
    TEST(reset_on_fork_is_not_inherited);
    TEST(wrong_policies_are_refused);
    TEST(attributes_tell_policy_and_niceness);
    TEST(larger_attributes_must_be_zero);
    TEST(interval_is_told);
    TEST(priorities_of_a_group);
    TEST(priority_of_input_and_output_is_kept);
    TEST(capabilities_are_told);
    TEST(other_users_have_no_capabilities);
    TEST(state_of_the_clock_is_told);
    return tap_done();
}
