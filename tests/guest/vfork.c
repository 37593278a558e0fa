// SPDX-License-Identifier: MIT
/*
 * vfork.c - the child borrows the parent's memory, and the parent waits until it is given back.
 */
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared_value;
static long long child_ended_ms;

static bool parent_waits_for_the_exit(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        sleep_ms(60);
        child_ended_ms = now_ms();
        shared_value = 5;
        _exit(3);
    }
    CHECK(pid > 0);
    CHECK(now_ms() >= child_ended_ms && child_ended_ms > 0);
    CHECK_EQ(shared_value, 5);
    CHECK(exited_with(child_wait(pid), 3));
    return true;
}

static bool parent_goes_on_at_exec(void)
{
    int gate[2];
    char *arguments[] = {(char *)self_path, (char *)"--wait-for-stdin", NULL};

    CHECK(pipe(gate) == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(gate[0], 0);
        close(gate[1]);
        execv(self_path, arguments);
        _exit(127);
    }
    /* The child cannot end before we write: so we run beside it. */
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
    CHECK_EQ(write(gate[1], "x", 1), 1);
    CHECK(exited_with(child_wait(pid), 33));
    close(gate[0]);
    close(gate[1]);
    return true;
}

static bool failed_exec_is_seen_by_the_child(void)
{
    char *arguments[] = {(char *)"nothing", NULL};
    pid_t pid = vfork();

    if (pid == 0) {
        execv("/nonexistent/program", arguments);
        _exit(errno == ENOENT ? 9 : 10);
    }
    CHECK(exited_with(child_wait(pid), 9));
    return true;
}

static bool killed_child_releases_the_parent(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    CHECK(killed_by(child_wait(pid), SIGKILL));
    return true;
}

/* musl starts programs with clone(CLONE_VM | CLONE_VFORK) on a stack of its own. */
static bool posix_spawn_runs_a_program(void)
{
    char *arguments[] = {(char *)self_path, (char *)"--exit-33", NULL};
    char *environment[] = {NULL};
    pid_t pid;

    CHECK_EQ(posix_spawn(&pid, self_path, NULL, NULL, arguments, environment), 0);
    CHECK(exited_with(child_wait(pid), 33));
    CHECK_EQ(posix_spawn(&pid, "/nonexistent/program", NULL, NULL, arguments, environment), ENOENT);
    return true;
}

static bool twenty_in_a_row_work(void)
{
    for (volatile int i = 0; i < 20; i++) {
        pid_t pid = vfork();
        if (pid == 0)
            _exit(i);
        CHECK(exited_with(child_wait(pid), i));
    }
    return true;
}

int main(int argc, char **argv)
{
    char byte;

    if (argc > 1 && !strcmp(argv[1], "--wait-for-stdin"))
        return read(0, &byte, 1) == 1 ? 33 : 34;
    if (argc > 1)
        return 33;
    self_from(argv[0]);
    TEST(parent_waits_for_the_exit);
    TEST(parent_goes_on_at_exec);
    TEST(failed_exec_is_seen_by_the_child);
    TEST(killed_child_releases_the_parent);
    TEST(posix_spawn_runs_a_program);
    TEST(twenty_in_a_row_work);
    return tap_done();
}
