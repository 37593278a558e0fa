// SPDX-License-Identifier: MIT
/*
 * worker.c - one round after the other.
 */
#include "worker.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned wanted;

int mixture_named(const char *name)
{
    for (int i = 0; mixtures[i]; i++) {
        if (!strcmp(mixtures[i]->name, name))
            return i;
    }
    return -1;
}

static unsigned choose(struct random *random)
{
    unsigned sum = 0, i = 0;

    for (unsigned m = 0; mixtures[m]; m++)
        sum += wanted >> m & 1 ? mixtures[m]->weight : 0;
    for (unsigned left = random_below(random, sum);; i++) {
        unsigned weight = wanted >> i & 1 ? mixtures[i]->weight : 0;
        if (left < weight)
            return i;
        left -= weight;
    }
}

static int lowest_descriptor(void)
{
    int fd = dup(STDIN_FILENO);

    close(fd);
    return fd;
}

/* No child that was not waited for, no descriptor that was not closed. */
static bool nothing_is_left(int descriptor)
{
    CHECK_FAILS(waitpid(-1, NULL, WNOHANG), ECHILD);
    CHECK_EQ(lowest_descriptor(), descriptor);
    return true;
}

static bool one_round(struct slot *slot, unsigned mixture, uint64_t seed, int descriptor)
{
    struct random random = {seed};

    slot->mixture = mixture;
    slot->seed = seed;
    slot->started = now_ms();
    if (!mixtures[mixture]->round(&random) || !nothing_is_left(descriptor)) {
        diag("a round of %s has failed; its seed is %llu", mixtures[mixture]->name, (unsigned long long)seed);
        slot->failed = true;
        return false;
    }
    slot->done[mixture]++;
    return true;
}

int work(struct slot *slot, struct random random, const volatile bool *stop)
{
    int descriptor = lowest_descriptor();

    while (!*stop) {
        unsigned mixture = choose(&random);
        if (!one_round(slot, mixture, random_next(&random), descriptor))
            return 1;
    }
    return 0;
}

int warm_up(struct slot *slot, struct random random, unsigned rounds)
{
    int descriptor = lowest_descriptor();

    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned m = 0; mixtures[m]; m++) {
            if ((wanted >> m & 1) && !one_round(slot, m, random_next(&random), descriptor))
                return 1;
        }
    }
    return 0;
}
