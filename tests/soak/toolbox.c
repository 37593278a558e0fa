// SPDX-License-Identifier: MIT
/*
 * toolbox.c - what mixtures share.
 */
#include "soak.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Steele, Lea, Flood: SplitMix. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t random_next(struct random *random)
{
    random->state += 0x9e3779b97f4a7c15;
    return mix(random->state);
}

unsigned random_below(struct random *random, unsigned limit)
{
    return (random_next(random) >> 32) * limit >> 32;
}

bool random_one_in(struct random *random, unsigned limit)
{
    return random_below(random, limit) == 0;
}

struct random random_split(struct random *random)
{
    return (struct random){random_next(random)};
}

/* Byte i is byte i % 8 of a number made from i / 8: any piece can be checked alone, and slipped bytes are seen. */
static uint64_t pattern_word(uint64_t seed, size_t index)
{
    return seed ^ index * 0x9e3779b97f4a7c15;
}

void pattern_fill(void *bytes, size_t length, uint64_t seed)
{
    unsigned char *to = bytes;

    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = pattern_word(seed, i / 8);
        memcpy(to + i, &word, length - i < 8 ? length - i : 8);
    }
}

bool pattern_holds(const void *bytes, size_t length, uint64_t seed)
{
    const unsigned char *from = bytes;

    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = pattern_word(seed, i / 8), found = word;
        memcpy(&found, from + i, length - i < 8 ? length - i : 8);
        if (found != word) {
            diag("at %p (byte %zu of %zu) 0x%llx, expected 0x%llx", (void *)(from + i), i, length,
                 (unsigned long long)found, (unsigned long long)word);
            return false;
        }
    }
    return true;
}

pid_t start_child(int (*child)(void *), void *argument)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(child(argument));
    if (pid < 0)
        diag("fork: %s", strerror(errno));
    return pid;
}

bool ends_with(pid_t pid, int code)
{
    return exited_with(child_wait(pid), code);
}

bool dies_of(pid_t pid, int signo)
{
    return killed_by(child_wait(pid), signo);
}

bool read_whole(int fd, void *bytes, size_t length, size_t piece)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, (char *)bytes + done, length - done < piece ? length - done : piece);
        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0);
        done += got;
    }
    return true;
}

bool write_whole(int fd, const void *bytes, size_t length, size_t piece)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = write(fd, (const char *)bytes + done, length - done < piece ? length - done : piece);
        if (put < 0 && errno == EINTR)
            continue;
        CHECK(put > 0);
        done += put;
    }
    return true;
}

void *shared_map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}
