// SPDX-License-Identifier: MIT
/*
 * fork_wait.c - fork, exit and the many ways of waiting.
 */
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t exiting(int code)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(code);
    return pid;
}

static bool exit_codes_are_told_modulo_256(void)
{
    static const int codes[] = {0, 1, 42, 127, 128, 255};

    for (int i = 0; i < 6; i++)
        CHECK_EQ(child_wait(exiting(codes[i])), codes[i] << 8);
    CHECK_EQ(child_wait(exiting(256 + 7)), 7 << 8);
    CHECK_EQ(child_wait(exiting(-1)), 255 << 8);
    return true;
}

static bool death_by_signal_is_told(void)
{
    static const int signals[] = {SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGALRM};

    for (int i = 0; i < 5; i++) {
        pid_t pid = child_pausing();
        CHECK(child_signal(pid, signals[i]));
        CHECK(killed_by(child_wait(pid), signals[i]));
    }
    return true;
}

static bool child_gets_zero_and_its_own_pid(void)
{
    pid_t parent = getpid();
    int ends[2];
    pid_t told[2] = {0};

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        told[0] = getpid();
        told[1] = getppid();
        _exit(write(ends[1], told, sizeof told) == sizeof told ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(read(ends[0], told, sizeof told), sizeof told);
    CHECK(told[0] == pid && told[0] != parent && told[1] == parent);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool wait_without_children_is_echild(void)
{
    int status;

    CHECK_FAILS(wait(&status), ECHILD);
    CHECK_FAILS(waitpid(-1, &status, WNOHANG), ECHILD);
    CHECK_FAILS(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_FAILS(waitpid(1, &status, 0), ECHILD);
    return true;
}

static bool wnohang_returns_zero_while_the_child_lives(void)
{
    pid_t pid = child_pausing();
    int status = 77;

    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
    CHECK_EQ(status, 77);
    CHECK(child_signal(pid, SIGKILL));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_FAILS(waitpid(pid, &status, WNOHANG), ECHILD);
    return true;
}

static bool wait_for_one_leaves_the_others(void)
{
    pid_t a = exiting(1), b = exiting(2), c = exiting(3);

    CHECK_EQ(child_wait(b), 2 << 8);
    CHECK_EQ(child_wait(c), 3 << 8);
    CHECK_EQ(child_wait(a), 1 << 8);
    return true;
}

static bool wait_for_any_gets_each_once(void)
{
    pid_t pids[5];
    int seen = 0;

    for (int i = 0; i < 5; i++)
        pids[i] = exiting(i);
    for (int i = 0; i < 5; i++) {
        int status;
        pid_t pid = wait(&status);
        CHECK(WIFEXITED(status));
        CHECK_EQ(pid, pids[WEXITSTATUS(status)]);
        seen |= 1 << WEXITSTATUS(status);
    }
    CHECK_EQ(seen, 31);
    return true;
}

static bool wait_status_may_be_null(void)
{
    pid_t pid = exiting(3);

    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    return true;
}

static bool wrong_options_are_refused(void)
{
    CHECK_FAILS(waitpid(-1, NULL, 0x10000), EINVAL);
    return true;
}

static bool zombie_stays_until_it_is_waited_for(void)
{
    pid_t pid = exiting(5);

    CHECK(child_in_state(pid, 'Z'));
    CHECK(child_signal(pid, 0));
    CHECK(child_signal(pid, SIGKILL));
    CHECK_EQ(child_wait(pid), 5 << 8);
    CHECK_FAILS(kill(pid, 0), ESRCH);
    return true;
}

/* The middle process dies first; its child is then init's (or of whoever takes that part), not nobody's. */
static bool orphans_get_a_new_parent(void)
{
    int ends[2];
    pid_t told[2] = {0};
    struct baton known;

    CHECK(pipe(ends) == 0 && baton_make(&known));
    pid_t middle = fork();
    if (middle == 0) {
        if (fork() == 0) {
            told[0] = getppid();
            baton_pass(&known);
            for (int i = 0; i < 200 && getppid() == told[0]; i++)
                sleep_ms(10);
            told[1] = getppid();
            _exit(write(ends[1], told, sizeof told) != sizeof told);
        }
        _exit(baton_wait(&known) ? 0 : 1);
    }
    CHECK_EQ(child_wait(middle), 0);
    CHECK_EQ(read(ends[0], told, sizeof told), sizeof told);
    CHECK_EQ(told[0], middle);
    CHECK(told[1] != middle && told[1] > 0);
    if (on_gaur())
        CHECK_EQ(told[1], 1);
    baton_drop(&known);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool stopped_and_continued_children_are_told(void)
{
    pid_t pid = child_pausing();
    int status;

    CHECK(child_signal(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
    CHECK(child_signal(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    child_end(pid);
    return true;
}

static bool stopped_child_dies_of_sigkill(void)
{
    pid_t pid = child_pausing();
    int status;

    CHECK(child_signal(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(child_signal(pid, SIGKILL));
    CHECK(killed_by(child_wait(pid), SIGKILL));
    return true;
}

static bool hundred_children_one_after_the_other(void)
{
    for (int i = 0; i < 100; i++)
        CHECK_EQ(child_wait(exiting(i)), i << 8);
    return true;
}

static bool ignored_sigchld_leaves_no_zombies(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = exiting(1);
    int status;
    CHECK_FAILS(waitpid(pid, &status, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        usleep(10000); // on Linux the number goes a moment after the wait has ended
    CHECK_FAILS(kill(pid, 0), ESRCH);
    return true;
}

int main(void)
{
    TEST(exit_codes_are_told_modulo_256);
    TEST(death_by_signal_is_told);
    TEST(child_gets_zero_and_its_own_pid);
    TEST(wait_without_children_is_echild);
    TEST(wnohang_returns_zero_while_the_child_lives);
    TEST(wait_for_one_leaves_the_others);
    TEST(wait_for_any_gets_each_once);
    TEST(wait_status_may_be_null);
    TEST(wrong_options_are_refused);
    TEST(zombie_stays_until_it_is_waited_for);
    TEST(orphans_get_a_new_parent);
    TEST(stopped_and_continued_children_are_told);
    TEST(stopped_child_dies_of_sigkill);
    TEST(hundred_children_one_after_the_other);
    TEST(ignored_sigchld_leaves_no_zombies);
    return tap_done();
}
