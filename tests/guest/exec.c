// SPDX-License-Identifier: MIT
/*
 * exec.c - a new program takes the process over: what it gets, what it keeps, what is refused.
 *
 * The program runs itself again with an order as its first argument (see `orders`).
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static int exec_error(const char *path)
{
    char *arguments[] = {(char *)"x", NULL}, *environment[] = {NULL};

    syscall(SYS_execve, path, arguments, environment);
    return errno;
}

/* Run ourselves with this order; the exit code. */
static int run_self(char *order, char *more, char **environment)
{
    char *arguments[] = {(char *)self_path, order, more, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        execve(self_path, arguments, environment ? environment : environ);
        _exit(120);
    }
    return child_wait(pid) >> 8;
}

static int order_arguments(int argc, char **argv)
{
    return argc == 3 && !strcmp(argv[2], "two words") && argv[3] == NULL ? 7 : 1;
}

static int order_environment(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *value = getenv("FIRST");

    return value && !strcmp(value, "1") && getenv("EMPTY") && !*getenv("EMPTY") && !environ[2] ? 7 : 1;
}

static int order_fd_open(int argc, char **argv)
{
    return argc == 3 && fcntl(atoi(argv[2]), F_GETFD) >= 0 ? 7 : 8;
}

static int order_signals(int argc, char **argv)
{
    struct sigaction handled, ignored;
    sigset_t mask, pending;

    (void)argc, (void)argv;
    sigaction(SIGUSR1, NULL, &handled);
    sigaction(SIGUSR2, NULL, &ignored);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    if (handled.sa_handler != SIG_DFL)
        return 1;
    if (ignored.sa_handler != SIG_IGN)
        return 2;
    if (!sigismember(&mask, SIGHUP) || sigismember(&mask, SIGINT))
        return 3;
    return sigismember(&pending, SIGHUP) ? 7 : 4;
}

static int order_pid(int argc, char **argv)
{
    return argc == 3 && atoi(argv[2]) == getpid() ? 7 : 1;
}

static int order_length(int argc, char **argv)
{
    return argc == 3 && strlen(argv[2]) == 20000 && argv[2][19999] == 'y' ? 7 : 1;
}

static const struct { const char *name; int (*run)(int, char **); } orders[] = {
    {"--arguments", order_arguments}, {"--environment", order_environment}, {"--fd-open", order_fd_open},
    {"--signals", order_signals},     {"--pid", order_pid},                 {"--length", order_length},
};

static bool arguments_arrive(void)
{
    CHECK_EQ(run_self((char *)"--arguments", (char *)"two words", NULL), 7);
    return true;
}

static bool environment_arrives(void)
{
    char *environment[] = {(char *)"FIRST=1", (char *)"EMPTY=", NULL};

    CHECK_EQ(run_self((char *)"--environment", NULL, environment), 7);
    return true;
}

static bool long_argument_arrives_whole(void)
{
    static char word[20001];

    memset(word, 'y', 20000);
    CHECK_EQ(run_self((char *)"--length", word, NULL), 7);
    return true;
}

static bool pid_stays(void)
{
    char text[16];
    char *arguments[] = {(char *)self_path, (char *)"--pid", text, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        snprintf(text, sizeof text, "%d", (int)getpid());
        execv(self_path, arguments);
        _exit(120);
    }
    CHECK(exited_with(child_wait(pid), 7));
    return true;
}

static bool close_on_exec_closes_and_others_stay(void)
{
    char text[16];
    int open_fd = open("/dev/null", O_RDONLY), closing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int later = open("/dev/null", O_RDONLY);

    CHECK(fcntl(later, F_SETFD, FD_CLOEXEC) == 0);
    snprintf(text, sizeof text, "%d", open_fd);
    CHECK_EQ(run_self((char *)"--fd-open", text, NULL), 7);
    snprintf(text, sizeof text, "%d", closing);
    CHECK_EQ(run_self((char *)"--fd-open", text, NULL), 8);
    snprintf(text, sizeof text, "%d", later);
    CHECK_EQ(run_self((char *)"--fd-open", text, NULL), 8);
    CHECK(fcntl(closing, F_GETFD) == FD_CLOEXEC);
    close(open_fd);
    close(closing);
    close(later);
    return true;
}

static void nothing(int signo)
{
    (void)signo;
}

static bool handlers_are_reset_and_masks_kept(void)
{
    char *arguments[] = {(char *)self_path, (char *)"--signals", NULL};
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t mask;
        signal(SIGUSR1, nothing);
        signal(SIGUSR2, SIG_IGN);
        sigemptyset(&mask);
        sigaddset(&mask, SIGHUP);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        raise(SIGHUP);
        execv(self_path, arguments);
        _exit(120);
    }
    CHECK(exited_with(child_wait(pid), 7));
    return true;
}

static bool what_cannot_be_run_says_why(void)
{
    CHECK_EQ(exec_error("/nonexistent"), ENOENT);
    CHECK_EQ(exec_error(""), ENOENT);
    CHECK_EQ(exec_error("/tmp"), EACCES);
    CHECK_EQ(exec_error("/dev/null"), EACCES);
    CHECK(file_put("no-permission", "#!/bin/sh\n", 10, 0644));
    CHECK_EQ(exec_error("./no-permission"), EACCES);
    CHECK_EQ(exec_error("./no-permission/below"), ENOTDIR);
    CHECK(file_put("text", "hello\n", 6, 0755));
    CHECK_EQ(exec_error("./text"), ENOEXEC);
    CHECK(file_put("empty", "", 0, 0755));
    CHECK_EQ(exec_error("./empty"), ENOEXEC);
    CHECK(symlink("loop", "loop") == 0);
    CHECK_EQ(exec_error("./loop"), ELOOP);
    return true;
}

static bool argument_larger_than_the_limit_is_e2big(void)
{
    static char word[140000];
    char *arguments[] = {(char *)self_path, word, NULL}, *environment[] = {NULL};

    memset(word, 'z', sizeof word - 1);
    CHECK_FAILS(execve(self_path, arguments, environment), E2BIG);
    CHECK_FAILS(execve(self_path, environment, arguments), E2BIG);
    return true;
}

/* Each word is small enough, all together are far too much. */
static bool too_many_arguments_are_e2big(void)
{
    static char word[100001], *arguments[101];
    char *environment[] = {NULL};

    memset(word, 'z', sizeof word - 1);
    arguments[0] = (char *)self_path;
    for (int i = 1; i < 100; i++)
        arguments[i] = word;
    CHECK_FAILS(execve(self_path, arguments, environment), E2BIG);
    return true;
}

static bool bad_vectors_are_efault(void)
{
    char *bad[] = {(char *)0xffff800000000000, NULL}, *good[] = {(char *)"x", NULL};

    CHECK_FAILS(syscall(SYS_execve, self_path, bad, good), EFAULT);
    CHECK_FAILS(syscall(SYS_execve, self_path, good, bad), EFAULT);
    CHECK_FAILS(syscall(SYS_execve, self_path, 0x1000, good), EFAULT);
    return true;
}

static bool text_of_a_running_program_is_busy(void)
{
    CHECK_FAILS(open(self_path, O_WRONLY), ETXTBSY);
    return true;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof orders / sizeof *orders; i++) {
        if (!strcmp(argv[1], orders[i].name))
            return orders[i].run(argc, argv);
    }
    self_from(argv[0]);
    if (!scratch_enter())
        return tap_done();
    TEST(arguments_arrive);
    TEST(environment_arrives);
    TEST(long_argument_arrives_whole);
    TEST(pid_stays);
    TEST(close_on_exec_closes_and_others_stay);
    TEST(handlers_are_reset_and_masks_kept);
    TEST(what_cannot_be_run_says_why);
    TEST(argument_larger_than_the_limit_is_e2big);
    TEST(too_many_arguments_are_e2big);
    TEST(bad_vectors_are_efault);
    TEST(text_of_a_running_program_is_busy);
    return tap_done();
}
