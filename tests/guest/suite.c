// SPDX-License-Identifier: MIT
/*
 * suite.c - run guest tests one after the other, and see that each leaves the kernel as it found it.
 *
 *   suite [--linux] [--repeat N] PROGRAM...
 *
 * Prints each program's TAP as an indented subtest and one `ok N - name` for it (TAP 13; prove reads it).
 * On Gaur, after each program: caches dropped, the number of frames of each kind is what it was before, and
 * /proc/gaur/verify finds nothing; and once more for the whole run. --linux leaves those out; without it a missing
 * /proc/gaur is an error, so that no kernel passes by not having what is checked.
 */
#include "gaur.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 180000, LINE_MAX_ = 1024 };

/* What one program printed, line by line. */
struct outcome {
    char line[LINE_MAX_];
    size_t length;
    int passed, failed, skipped;
    int planned;            // -1 until the plan is seen
    bool timed_out;
    int status;
};

static struct outcome outcome;
static struct { int passed, failed, skipped; } claims;
static bool check_gaur = true;

static void take_line(struct outcome *o)
{
    o->line[o->length] = 0;
    o->length = 0;
    if (!strncmp(o->line, "ok ", 3) && strstr(o->line, "# SKIP"))
        o->skipped++;
    else if (!strncmp(o->line, "ok ", 3))
        o->passed++;
    else if (!strncmp(o->line, "not ok ", 7))
        o->failed++;
    else if (!strncmp(o->line, "1..", 3))
        o->planned = atoi(o->line + 3);
    char indented[LINE_MAX_ + 8];
    int length = snprintf(indented, sizeof indented, "    %s\n", o->line);
    if (write(STDOUT_FILENO, indented, length) != length)
        exit(2);
}

static void take_bytes(struct outcome *o, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n')
            take_line(o);
        else if (o->length < LINE_MAX_ - 1)
            o->line[o->length++] = bytes[i];
    }
}

/* Read the program's output until it closes it, or its time is up. */
static void collect(struct outcome *o, int from)
{
    static char bytes[4096];
    long long end = now_ms() + LIMIT_MS;

    for (;;) {
        struct pollfd input = {.fd = from, .events = POLLIN};
        long long left = end - now_ms();
        int ready = left > 0 ? poll(&input, 1, left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(from, bytes, sizeof bytes) : 0;
        if (ready <= 0)
            o->timed_out = true;
        if (got <= 0)
            break;
        take_bytes(o, bytes, got);
    }
    if (o->length > 0)
        take_line(o);
}

/* A group of its own, so that whatever it leaves behind can be ended with it. */
static pid_t start(const char *program, const char *argument, int to)
{
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        setpgid(0, 0);
        dup2(null, STDIN_FILENO);
        dup2(to, STDOUT_FILENO);
        dup2(to, STDERR_FILENO);
        for (int fd = 3; fd < 16; fd++)
            close(fd);
        for (int signo = 1; signo < 32; signo++)
            signal(signo, SIG_DFL); // nohup and shells without job control let some be ignored
        char *arguments[] = {(char *)program, (char *)argument, NULL};
        execv(program, arguments);
        printf("# cannot run %s: %s\n", program, strerror(errno));
        fflush(stdout);
        _exit(126);
    }
    return pid;
}

static void run_program(struct outcome *o, const char *program, const char *argument)
{
    int ends[2];

    memset(o, 0, sizeof *o);
    o->planned = -1;
    if (pipe(ends) < 0) {
        o->status = -1;
        return;
    }
    pid_t pid = start(program, argument, ends[1]);
    close(ends[1]);
    collect(o, ends[0]);
    close(ends[0]);
    if (o->timed_out && pid > 0) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    o->status = child_wait(pid);
    if (pid > 0)
        kill(-pid, SIGKILL);
    scratch_remove(pid);
    /* As process 1 we would inherit orphans. */
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static const char *complaint(const struct outcome *o)
{
    static char text[64];

    if (o->timed_out)
        return "took too long, ended";
    if (o->status == -1)
        return "could not be started";
    if (WIFSIGNALED(o->status)) {
        snprintf(text, sizeof text, "died of signal %d", WTERMSIG(o->status));
        return text;
    }
    if (o->planned < 0)
        return "printed no plan";
    if (o->planned != o->passed + o->failed + o->skipped)
        return "ran another number of tests than planned";
    if (o->failed)
        return "has failed tests";
    if (WEXITSTATUS(o->status) != 0) {
        snprintf(text, sizeof text, "exited with %d", WEXITSTATUS(o->status));
        return text;
    }
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool judge(const char *program)
{
    static struct frames before;
    const char *name = base_name(program);
    bool good = true;

    if (check_gaur) {
        frames_settle(&before);
    }
    diag("Subtest: %s", name);
    run_program(&outcome, program, NULL);
    const char *why = complaint(&outcome);
    if (why) {
        diag("%s %s", name, why);
        good = false;
    }
    if (check_gaur && !frames_are_back(&before)) {
        diag("%s: frames by kind differ", name);
        good = false;
    }
    if (check_gaur && !verify_is_ok())
        good = false;
    claims.passed += outcome.passed;
    claims.failed += outcome.failed;
    claims.skipped += outcome.skipped;
    ok(good, "%s", name);
    return good;
}

/* What the kernel allocates once and keeps (a first pipe, a first child, a first read of each file) comes first. */
static void warm_up(const char *program)
{
    static struct frames frames;

    own_memory_touch();
    for (int i = 0; i < 2; i++) {
        run_program(&outcome, program, "--nothing");
        complaint(&outcome);
        caches_drop();
        frames_take(&frames);
        frames_are_back(&frames);
        verify_is_ok();
    }
}

int main(int argc, char **argv)
{
    static struct frames before;
    int repeat = 1, first = 1, failed = 0;

    for (; first < argc && !strncmp(argv[first], "--", 2); first++) {
        if (!strcmp(argv[first], "--nothing")) {
            diag("warm-up");
            return 0;
        }
        if (!strcmp(argv[first], "--linux"))
            check_gaur = false;
        else if (!strcmp(argv[first], "--repeat") && first + 1 < argc)
            repeat = atoi(argv[++first]);
        else
            first = argc;
    }
    if (first >= argc || repeat < 1) {
        fprintf(stderr, "usage: suite [--linux] [--repeat N] PROGRAM...\n");
        return 2;
    }
    if (check_gaur && !on_gaur()) {
        fprintf(stderr, "suite: there is no /proc/gaur here; on Linux say --linux\n");
        return 2;
    }
    printf("TAP version 13\n1..%d\n", (argc - first) * repeat + check_gaur);
    fflush(stdout);
    if (check_gaur) {
        warm_up(argv[0]);
        frames_settle(&before);
    }
    for (int round = 0; round < repeat; round++) {
        for (int i = first; i < argc; i++)
            failed += !judge(argv[i]);
    }
    bool clean = true;
    if (check_gaur) {
        clean = frames_are_back(&before) && verify_is_ok();
        ok(clean, "frames_by_kind_are_the_same_after_the_suite");
    }
    diag("programs: %d of %d failed; claims: %d passed, %d failed, %d skipped", failed, (argc - first) * repeat,
         claims.passed, claims.failed, claims.skipped);
    return failed > 0 || !clean;
}
