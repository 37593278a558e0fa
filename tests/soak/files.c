// SPDX-License-Identifier: MIT
/*
 * files.c - a file that is written, read, cut, extended and mapped is what a plain array says that it is.
 */
#include "soak.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_ = 60000, STEPS = 30, PIECE_MAX = 9000 };

static unsigned char model[SIZE_MAX_], bytes[SIZE_MAX_];
static size_t size;
static int fd;

static bool step_write(struct random *random, size_t at, size_t length)
{
    uint64_t seed = random_next(random);

    pattern_fill(bytes, length, seed);
    CHECK_EQ(pwrite(fd, bytes, length, at), length);
    if (length > 0 && at > size)
        memset(model + size, 0, at - size);
    memcpy(model + at, bytes, length);
    if (length > 0 && at + length > size)
        size = at + length;
    return true;
}

static bool step_read(size_t at, size_t length)
{
    ssize_t wanted = at >= size ? 0 : at + length > size ? size - at : length;

    CHECK_EQ(pread(fd, bytes, length, at), wanted);
    CHECK(!memcmp(bytes, model + at, wanted));
    return true;
}

static bool step_cut(size_t new_size)
{
    CHECK(ftruncate(fd, new_size) == 0);
    if (new_size > size)
        memset(model + size, 0, new_size - size);
    size = new_size;
    return true;
}

/* Whole pages of the file only; written through the mapping, or only read. */
static bool step_map(struct random *random, bool shared)
{
    size_t length = size / PAGE * PAGE;

    if (length == 0)
        return true;
    unsigned char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK(!memcmp(at, model, length));
    size_t place = random_below(random, length);
    at[place] ^= 0x55;
    if (shared)
        model[place] ^= 0x55;
    CHECK(munmap(at, length) == 0);
    return true;
}

static bool step(struct random *random)
{
    size_t at = random_below(random, SIZE_MAX_), room = SIZE_MAX_ - at;
    size_t length = random_below(random, room < PIECE_MAX ? room : PIECE_MAX);

    switch (random_below(random, 6)) {
    case 0: case 1: return step_write(random, at, length);
    case 2: return step_read(at, length);
    case 3: return step_cut(at);
    case 4: return step_map(random, true);
    default: return step_map(random, false);
    }
}

static bool whole_file_agrees(void)
{
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    CHECK_EQ(status.st_size, size);
    return step_read(0, size);
}

static bool round_of_files(struct random *random)
{
    char name[40], other[48];

    snprintf(name, sizeof name, "/tmp/soak.%d", (int)getpid());
    snprintf(other, sizeof other, "%s.new", name);
    fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    size = 0;
    for (int i = 0; i < STEPS; i++)
        CHECK(step(random));
    CHECK(whole_file_agrees());
    CHECK(rename(name, other) == 0);
    CHECK_FAILS(open(name, O_RDONLY), ENOENT);
    CHECK(unlink(other) == 0);
    CHECK(whole_file_agrees());
    close(fd);
    return true;
}

const struct mixture files = {"files", round_of_files, 2};
