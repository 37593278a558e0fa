// SPDX-License-Identifier: MIT
/* test_ranks.c - docs/locking.md lists the ranks of kernel/sync/rank.h, in their order and by the names in messages. */
#define DEBUG
#include "sync/rank.c"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void panic(const char *format, ...)
{
    (void)format;
    abort();
}

bool log_panicking(void)
{
    return false;
}

/* Open a file of the repository, wherever the test runs. */
static FILE *open_file(const char *name)
{
    char path[1000];
    FILE *file;

    snprintf(path, sizeof(path), "%.*s../../../%s", (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__, name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    return file;
}

/* => ranks named in the enum that are locks, in their order */
static size_t read_enum(char names_found[][32], size_t most)
{
    FILE *file = open_file("kernel/sync/rank.h");
    char line[300], name[32];
    size_t count = 0;

    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "    RANK_%31[A-Z0-9_],", name) != 1)
            continue;
        if (strcmp(name, "NONE") == 0 || strstr(name, "LAST") != NULL)
            continue;
        assert_true(count < most);
        for (char *letter = name; *letter != '\0'; letter++)
            *letter = (char)tolower(*letter);
        strcpy(names_found[count++], name);
    }
    fclose(file);
    return count;
}

static void document_lists_all_ranks_in_order(void **state)
{
    FILE *file = open_file("docs/locking.md");
    char ranks[RANK_LAST][32], line[1000], first[32], last[32];
    size_t count = read_enum(ranks, RANK_LAST), next = 0;
    bool in_list = false;

    (void)state;
    while (fgets(line, sizeof(line), file) != NULL) {
        int columns = sscanf(line, "| %31[a-z0-9_] .. %31[a-z0-9_] |", first, last);

        if (line[0] == '#')
            in_list = strcmp(line, "## The list\n") == 0;
        if (!in_list || columns < 1 || strcmp(first, "rank") == 0)
            continue;
        assert_true(next < count);
        assert_string_equal(first, ranks[next]);
        while (columns == 2 && strcmp(ranks[next], last) != 0)
            next++;
        next++;
    }
    fclose(file);
    assert_int_equal(next, count);
}

static void messages_use_the_same_names(void **state)
{
    char ranks[RANK_LAST][32];
    size_t count = read_enum(ranks, RANK_LAST), found = 0;

    (void)state;
    for (unsigned rank = RANK_NONE + 1; rank < RANK_LAST; rank++) {
        if (rank == RANK_SLEEPING_LAST || rank == RANK_SPINNING_LAST)
            continue;
        assert_true(found < count);
        assert_string_equal(lock_rank_name(rank), ranks[found++]);
    }
    assert_int_equal(found, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_lists_all_ranks_in_order),
        cmocka_unit_test(messages_use_the_same_names),
    };

    return cmocka_run_group_tests_name("lock ranks", tests, NULL, NULL);
}
