// SPDX-License-Identifier: MIT
/* test_flush.c - the random test must fail on a machine that forgets nothing when it is told to. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program without flushes lies beside this one. */
static void other_program(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);

    assert_true(length > 0);
    path[length] = '\0';
    char *name = strrchr(path, '/') + 1;
    snprintf(name, size - (size_t)(name - path), "random_without_flush");
}

static void a_missing_flush_is_found(void **state)
{
    char command[512], output[4096];

    (void)state;
    other_program(command, sizeof command - 50);
    for (unsigned seed = 1; seed <= 5; seed++) {
        char seed_text[8];
        snprintf(seed_text, sizeof seed_text, "%u", seed);
        setenv("GAUR_SEED", seed_text, 1);
        setenv("GAUR_SECONDS", "1", 1);
        if (seed == 1)
            strcat(command, " 2>&1");
        FILE *program = popen(command, "r");
        assert_non_null(program);
        size_t length = fread(output, 1, sizeof output - 1, program);
        output[length] = '\0';
        int status = pclose(program);
        /* Wrong data; or a walk through a node that is gone, which meets nonsense or never gets anywhere; or pages of two sizes. */
        if (WEXITSTATUS(status) == 0 || !(strstr(output, "the model says") || strstr(output, "the MMU met") ||
                                          strstr(output, "comes again and again") || strstr(output, "two sizes of pages")))
            fail_msg("seed %u: status %d: %s", seed, WEXITSTATUS(status), output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_flush_is_found),
    };

    return RUN_TESTS(tests);
}
