// SPDX-License-Identifier: MIT
/*
 * exec_script.c - files that begin with #! run their interpreter.
 *
 * The interpreter is this program itself, through a short symbolic link; it exits with a code that tells what it got.
 */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static char here[512];

/* As an interpreter: argv = {interpreter, [one argument,] script, what the caller gave}. */
static int interpret(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "-plain"))
        return !strcmp(argv[2], "./script") && !strcmp(argv[3], "given") ? 7 : 1;
    if (argc == 4 && !strcmp(argv[1], "-two words"))
        return !strcmp(argv[2], "./script") ? 8 : 2;
    if (argc == 3 && !strcmp(argv[1], "./script"))
        return !strcmp(argv[2], "given") ? 9 : 3;
    if (argc == 5 && !strcmp(argv[1], "-inner"))
        return !strcmp(argv[2], "./inner") && !strcmp(argv[3], "./script") ? 10 : 4;
    return 5;
}

/* The exit code of ./script, or 100 + errno. */
static int run_script(const char *first_line)
{
    char text[700];
    char *arguments[] = {(char *)"ignored", (char *)"given", NULL}, *environment[] = {NULL};

    snprintf(text, sizeof text, "%s\nrest\n", first_line);
    if (!file_put("script", text, strlen(text), 0755))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_execve, "./script", arguments, environment);
        _exit(100 + errno);
    }
    return child_wait(pid) >> 8;
}

static int run_with(const char *interpreter, const char *argument)
{
    char line[640];

    snprintf(line, sizeof line, "#!%s%s", interpreter, argument);
    return run_script(line);
}

static bool interpreter_gets_its_argument_and_the_script(void)
{
    CHECK_EQ(run_with(here, " -plain"), 7);
    CHECK_EQ(run_with(here, "   -plain  \t"), 7);
    return true;
}

static bool words_after_the_interpreter_are_one_argument(void)
{
    CHECK_EQ(run_with(here, " -two words"), 8);
    return true;
}

static bool interpreter_without_argument_works(void)
{
    CHECK_EQ(run_with(here, ""), 9);
    CHECK_EQ(run_with(here, " "), 9);
    return true;
}

static bool spaces_before_the_interpreter_are_skipped(void)
{
    char line[600];

    snprintf(line, sizeof line, "#!  %s -plain", here);
    CHECK_EQ(run_script(line), 7);
    return true;
}

static bool missing_interpreter_is_enoent(void)
{
    CHECK_EQ(run_script("#!/nonexistent/interpreter"), 100 + ENOENT);
    return true;
}

static bool empty_interpreter_is_enoexec(void)
{
    CHECK_EQ(run_script("#!"), 100 + ENOEXEC);
    CHECK_EQ(run_script("#!   "), 100 + ENOEXEC);
    return true;
}

static bool interpreter_that_is_no_program_is_refused(void)
{
    CHECK(file_put("data", "data\n", 5, 0755));
    CHECK_EQ(run_script("#!./data"), 100 + ENOEXEC);
    CHECK(file_put("data", "data\n", 5, 0644));
    CHECK_EQ(run_script("#!./data"), 100 + EACCES);
    return true;
}

static bool script_may_run_a_script(void)
{
    char line[600];

    snprintf(line, sizeof line, "#!%s -inner\n", here);
    CHECK(file_put("inner", line, strlen(line), 0755));
    CHECK_EQ(run_script("#!./inner"), 10);
    return true;
}

/* A script that is its own interpreter ends in an error, not in a loop. */
static bool script_that_runs_itself_is_refused(void)
{
    CHECK_EQ(run_script("#!./script"), 100 + ELOOP);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return interpret(argc, argv);
    self_from(argv[0]);
    if (!scratch_enter())
        return tap_done();
    if (symlink(self_path, "i") < 0 || !getcwd(here, sizeof here - 2))
        return 1;
    strcat(here, "/i");
    TEST(interpreter_gets_its_argument_and_the_script);
    TEST(words_after_the_interpreter_are_one_argument);
    TEST(interpreter_without_argument_works);
    TEST(spaces_before_the_interpreter_are_skipped);
    TEST(missing_interpreter_is_enoent);
    TEST(empty_interpreter_is_enoexec);
    TEST(interpreter_that_is_no_program_is_refused);
    TEST(script_may_run_a_script);
    TEST(script_that_runs_itself_is_refused);
    return tap_done();
}
