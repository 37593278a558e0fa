// SPDX-License-Identifier: MIT
/*
 * test_random.c - random operations against the model of model.h; verify after each step, all frames back at each end.
 *
 * GAUR_SECONDS says how long (20), GAUR_SEED where to begin (1). A failure names the seed and the step.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mm/huge.h"

#define STEPS_PER_SEED 2000

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void random_operations_match_the_model(void **state)
{
    uint64_t seed = from_environment("GAUR_SEED", 1), first = seed;
    time_t end = time(NULL) + (time_t)from_environment("GAUR_SECONDS", 20);

    (void)state;
    huge_policy_set(&(struct huge_policy){.mode = HUGE_ALWAYS}); // an eighth of the memory stays free
    do {
        struct frame_counts before = count_frames();
        steps_begin(seed++);
        for (unsigned i = 0; i < STEPS_PER_SEED; i++)
            step_once();
        steps_end();
        assert_frames_equal(&before);
    } while (time(NULL) < end);
    printf("# seeds %lu to %lu, %u steps each; %lu huge pages, %lu of them split\n", first, seed - 1, STEPS_PER_SEED,
           vm_total(VM_THP_FAULT_ALLOC), vm_total(VM_THP_SPLIT_PAGE));
    assert_true(vm_total(VM_THP_SPLIT_PAGE) > 0 && vm_total(VM_THP_SPLIT_PMD) > vm_total(VM_THP_SPLIT_PAGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random_operations_match_the_model),
    };

    return RUN_TESTS(tests);
}
