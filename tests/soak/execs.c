// SPDX-License-Identifier: MIT
/*
 * execs.c - exec of this program, whose far side makes the same arguments again from the seed, and compares.
 */
#include "soak.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STRINGS_MAX = 40, LENGTH_MAX = 600, FIRST = 3 };

struct strings {
    char *argv[FIRST + STRINGS_MAX + 1], *envp[STRINGS_MAX + 1];
    char text[2 * STRINGS_MAX * (LENGTH_MAX + 1)];
    char seed[24];
};

static struct strings made;

static char *make_string(struct random *random, char **text)
{
    char *start = *text;
    unsigned length = random_below(random, LENGTH_MAX);

    for (unsigned i = 0; i < length; i++)
        *(*text)++ = 'a' + (random_next(random) & 15);
    *(*text)++ = 0;
    return start;
}

/* argv is [program, "exec_child", seed, string...]. */
static void make_strings(uint64_t seed)
{
    struct random random = {seed};
    char *text = made.text;
    unsigned arguments = random_below(&random, STRINGS_MAX), variables = random_below(&random, STRINGS_MAX);

    snprintf(made.seed, sizeof made.seed, "%llu", (unsigned long long)seed);
    made.argv[0] = (char *)self_path;
    made.argv[1] = "exec_child";
    made.argv[2] = made.seed;
    for (unsigned i = 0; i < arguments; i++)
        made.argv[FIRST + i] = make_string(&random, &text);
    made.argv[FIRST + arguments] = NULL;
    for (unsigned i = 0; i < variables; i++)
        made.envp[i] = make_string(&random, &text);
    made.envp[variables] = NULL;
}

static bool same_strings(char **got, char **wanted)
{
    unsigned i = 0;

    for (; got[i] && wanted[i]; i++)
        CHECK(!strcmp(got[i], wanted[i]));
    CHECK(!got[i] && !wanted[i]);
    return true;
}

static int code_of(uint64_t seed)
{
    return 10 + seed % 100;
}

/* Descriptor 3 was not to be closed, and 4 was. */
int exec_child(int argc, char **argv)
{
    extern char **environ;
    uint64_t seed;

    if (argc < FIRST)
        return 0;
    seed = strtoull(argv[2], NULL, 10);
    make_strings(seed);
    if (!same_strings(argv + FIRST, made.argv + FIRST) || !same_strings(environ, made.envp))
        return 1;
    if (fcntl(3, F_GETFD) != 0 || fcntl(4, F_GETFD) != -1)
        return 2;
    return code_of(seed);
}

/* What cannot be run is refused, and the caller goes on. */
static bool refusals(void)
{
    CHECK_FAILS(execve("/no/such/program", made.argv, made.envp), ENOENT);
    CHECK_FAILS(execve("/", made.argv, made.envp), EACCES);
    CHECK_FAILS(execve("/dev/null", made.argv, made.envp), EACCES);
    CHECK_FAILS(syscall(SYS_execve, self_path, 8L, made.envp), EFAULT);
    return true;
}

static int run_self(void *argument)
{
    bool refuse = *(bool *)argument;
    int null = open("/dev/null", O_RDONLY);

    dup2(null, 3);
    fcntl(4, F_SETFD, dup2(null, 4) == 4 ? FD_CLOEXEC : 0);
    if (refuse && !refusals())
        return 3;
    execve(self_path, made.argv, made.envp);
    diag("execve %s: %s", self_path, strerror(errno));
    return 4;
}

static bool round_of_execs(struct random *random)
{
    uint64_t seed = random_next(random);
    bool refuse = random_one_in(random, 4);

    make_strings(seed);
    if (random_one_in(random, 3)) {
        pid_t pid = vfork();
        if (pid == 0) {
            dup2(0, 3);
            execve(self_path, made.argv, made.envp);
            _exit(5);
        }
        CHECK(ends_with(pid, code_of(seed)));
        return true;
    }
    CHECK(ends_with(start_child(run_self, &refuse), code_of(seed)));
    return true;
}

const struct mixture execs = {"execs", round_of_execs, 3};
