// SPDX-License-Identifier: MIT
/*
 * kill_groups.c - who may signal whom; process groups and sessions in their simplest use.
 */
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pausing(pid_t group)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, group);
        for (;;)
            pause();
    }
    setpgid(pid, group);
    return pid;
}

static bool signal_zero_asks_whether_it_lives(void)
{
    CHECK(kill(getpid(), 0) == 0);
    CHECK_FAILS(kill(99999999, 0), ESRCH);
    return true;
}

static bool wrong_signals_are_refused(void)
{
    CHECK_FAILS(kill(getpid(), 65), EINVAL);
    CHECK_FAILS(kill(getpid(), -1), EINVAL);
    return true;
}

static bool unprivileged_child(void)
{
    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK_FAILS(kill(getppid(), SIGTERM), EPERM);
    CHECK_FAILS(kill(getppid(), 0), EPERM);
    CHECK_FAILS(kill(1, SIGTERM), EPERM);
    CHECK(kill(getpid(), 0) == 0);
    return true;
}

static bool others_processes_may_not_be_signalled(void)
{
    if (getuid() != 0)
        SKIP("needs to be root");
    CHECK_CHILD(unprivileged_child);
    return true;
}

static bool child_starts_in_the_group_of_its_parent(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(getpgrp() == getpgid(getppid()) && getsid(0) == getsid(getppid()) ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

static bool group_is_signalled_as_one(void)
{
    pid_t leader = pausing(0), member = pausing(leader), other = pausing(0);

    CHECK(leader > 1 && member > 1 && other > 1);
    CHECK_EQ(getpgid(leader), leader);
    CHECK_EQ(getpgid(member), leader);
    CHECK_EQ(getpgid(other), other);
    CHECK(kill(-leader, SIGTERM) == 0);
    CHECK(killed_by(child_wait(leader), SIGTERM));
    CHECK(killed_by(child_wait(member), SIGTERM));
    CHECK_EQ(waitpid(other, NULL, WNOHANG), 0);
    CHECK_FAILS(kill(-leader, SIGTERM), ESRCH);
    child_end(other);
    return true;
}

static bool wait_can_ask_for_a_group(void)
{
    pid_t in = pausing(0), out = pausing(0);

    child_signal(in, SIGKILL);
    child_signal(out, SIGKILL);
    CHECK(in > 1 && out > 1);
    CHECK_EQ(waitpid(-in, NULL, 0), in);
    CHECK_FAILS(waitpid(-in, NULL, 0), ECHILD);
    CHECK_EQ(waitpid(-1, NULL, 0), out);
    return true;
}

static bool own_group_child(void)
{
    CHECK(setpgid(0, 0) == 0);
    CHECK_EQ(getpgrp(), getpid());
    pid_t sleeper = fork();
    if (sleeper == 0) {
        for (;;)
            pause();
    }
    signal(SIGUSR1, SIG_IGN);
    CHECK(kill(0, SIGUSR1) == 0);
    CHECK(killed_by(child_wait(sleeper), SIGUSR1));
    return true;
}

static bool kill_zero_means_the_own_group(void)
{
    CHECK_CHILD(own_group_child);
    return true;
}

static bool session_child(void)
{
    pid_t self = getpid();

    CHECK_EQ(setsid(), self);
    CHECK_EQ(getsid(0), self);
    CHECK_EQ(getpgrp(), self);
    CHECK_FAILS(setsid(), EPERM);
    CHECK_FAILS(setpgid(0, 0), EPERM);
    return true;
}

static bool setsid_makes_a_leader(void)
{
    CHECK_CHILD(session_child);
    return true;
}

static bool wrong_groups_are_refused(void)
{
    CHECK_FAILS(setpgid(0, -1), EINVAL);
    CHECK_FAILS(setpgid(99999999, 0), ESRCH);
    CHECK_FAILS(getpgid(99999999), ESRCH);
    CHECK_FAILS(setpgid(0, 99999999), EPERM);
    return true;
}

int main(void)
{
    TEST(signal_zero_asks_whether_it_lives);
    TEST(wrong_signals_are_refused);
    TEST(others_processes_may_not_be_signalled);
    TEST(child_starts_in_the_group_of_its_parent);
    TEST(group_is_signalled_as_one);
    TEST(wait_can_ask_for_a_group);
    TEST(kill_zero_means_the_own_group);
    TEST(setsid_makes_a_leader);
    TEST(wrong_groups_are_refused);
    return tap_done();
}
