// SPDX-License-Identifier: MIT
/*
 * pipes.c - what goes into a pipe comes out of it, byte by byte and in order, whatever the pieces, and its end is told.
 *
 * `pipes` is a chain: a source, stages that add something to each byte, and the round itself at its end, which may leave
 * early. `records` has several writers on one pipe, whose records must not mix.
 */
#include "soak.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES_MAX = 150000, STAGES_MAX = 4, PIECE_MAX = 9000, WRITERS_MAX = 5, RECORD_MAX = 512 };

struct stage {
    struct random random;
    int in, out;
    uint64_t seed;
    size_t length;
};

static unsigned char buffer[BYTES_MAX];

static int be_source(void *argument)
{
    struct stage *stage = argument;

    signal(SIGPIPE, SIG_DFL);
    pattern_fill(buffer, stage->length, stage->seed);
    for (size_t at = 0; at < stage->length;) {
        size_t piece = 1 + random_below(&stage->random, PIECE_MAX), left = stage->length - at;
        ssize_t put = write(stage->out, buffer + at, piece < left ? piece : left);
        if (put <= 0)
            return 1;
        at += put;
    }
    return 0;
}

static int be_stage(void *argument)
{
    struct stage *stage = argument;
    ssize_t got;

    signal(SIGPIPE, SIG_DFL);
    while ((got = read(stage->in, buffer, 1 + random_below(&stage->random, PIECE_MAX))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            buffer[i]++;
        for (ssize_t done = 0, put; done < got; done += put) {
            if ((put = write(stage->out, buffer + done, got - done)) <= 0)
                return 1;
        }
    }
    return got < 0;
}

/* Start one; its input is closed here, and replaced by what it gives. */
static pid_t add_stage(struct stage *stage, int (*be)(void *))
{
    int ends[2];

    if (pipe(ends) < 0)
        return -1;
    stage->out = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit(be(stage));
    }
    close(ends[1]);
    if (stage->in >= 0)
        close(stage->in);
    stage->in = ends[0];
    return pid;
}

/* Some of the reads wait in poll first. */
static ssize_t take(struct random *random, int fd, void *to, size_t room)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};

    if (random_one_in(random, 3)) {
        if (poll(&input, 1, -1) != 1 || !(input.revents & (POLLIN | POLLHUP)))
            return -1;
    }
    return read(fd, to, room);
}

static bool read_chain(struct random *random, int fd, size_t length)
{
    size_t done = 0;
    ssize_t got = 1;

    while (done < length) {
        size_t piece = 1 + random_below(random, PIECE_MAX), left = length - done;
        got = take(random, fd, buffer + done, piece < left ? piece : left);
        CHECK(got > 0);
        done += got;
    }
    return true;
}

/* Where the reader left early, those before it end by SIGPIPE, or have ended already. */
static bool ended_well(pid_t pid, bool early)
{
    int status = child_wait(pid);

    return (early && status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) || exited_with(status, 0);
}

static bool round_of_pipes(struct random *random)
{
    pid_t pids[1 + STAGES_MAX];
    unsigned stages = random_below(random, STAGES_MAX + 1);
    struct stage stage = {.in = -1, .length = 1 + random_below(random, BYTES_MAX)};
    bool early = random_one_in(random, 4);

    stage.seed = random_next(random);
    for (unsigned i = 0; i <= stages; i++) {
        stage.random = random_split(random);
        pids[i] = add_stage(&stage, i ? be_stage : be_source);
        CHECK(pids[i] > 0);
    }
    size_t wanted = early ? random_below(random, stage.length) : stage.length;
    CHECK(read_chain(random, stage.in, wanted));
    if (!early)
        CHECK_EQ(read(stage.in, buffer, 1), 0);
    close(stage.in);
    for (unsigned i = 0; i <= stages; i++)
        CHECK(ended_well(pids[i], early));
    for (size_t i = 0; !early && i < wanted; i++)
        buffer[i] -= stages;
    return early || pattern_holds(buffer, wanted, stage.seed);
}

const struct mixture pipes = {"pipes", round_of_pipes, 3};

struct record {
    uint16_t length;        // of `bytes`
    uint16_t writer;
    uint32_t number;        // of this writer's records
    unsigned char bytes[RECORD_MAX];
};
#define RECORD_HEAD offsetof(struct record, bytes)

struct writer {
    struct random random;
    int fd, number, records;
};

static uint64_t record_seed(const struct record *record)
{
    return (uint64_t)record->writer << 40 | (uint64_t)record->number << 8 | 1;
}

/* A write of at most PIPE_BUF bytes is one piece. */
static int be_writer(void *argument)
{
    struct writer *writer = argument;
    struct record record = {.writer = writer->number};

    for (int i = 0; i < writer->records; i++) {
        record.number = i;
        record.length = random_below(&writer->random, RECORD_MAX + 1);
        pattern_fill(record.bytes, record.length, record_seed(&record));
        ssize_t size = RECORD_HEAD + record.length;
        if (write(writer->fd, &record, size) != size)
            return 1;
    }
    return 0;
}

static bool read_records(int fd, unsigned next[WRITERS_MAX])
{
    struct record record;
    ssize_t got;

    while ((got = read(fd, &record, 1)) == 1) {
        CHECK(read_whole(fd, (char *)&record + 1, RECORD_HEAD - 1, RECORD_MAX));
        CHECK(record.length <= RECORD_MAX && record.writer < WRITERS_MAX);
        CHECK(read_whole(fd, record.bytes, record.length, RECORD_MAX));
        CHECK_EQ(record.number, next[record.writer]++);
        CHECK(pattern_holds(record.bytes, record.length, record_seed(&record)));
    }
    CHECK_EQ(got, 0);
    return true;
}

static bool round_of_records(struct random *random)
{
    unsigned writers = 1 + random_below(random, WRITERS_MAX), next[WRITERS_MAX] = {0};
    struct writer writer = {.records = 1 + random_below(random, 150)};
    pid_t pids[WRITERS_MAX];
    int ends[2];

    CHECK(pipe(ends) == 0);
    writer.fd = ends[1];
    for (unsigned i = 0; i < writers; i++) {
        writer.random = random_split(random);
        writer.number = i;
        pids[i] = start_child(be_writer, &writer);
        CHECK(pids[i] > 0);
    }
    close(ends[1]);
    CHECK(read_records(ends[0], next));
    close(ends[0]);
    for (unsigned i = 0; i < writers; i++) {
        CHECK_EQ(next[i], writer.records);
        CHECK(ends_with(pids[i], 0));
    }
    return true;
}

const struct mixture records = {"records", round_of_records, 2};
