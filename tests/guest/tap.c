// SPDX-License-Identifier: MIT
/*
 * tap.c - the harness behind tap.h.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tests_run;
static int tests_failed;
static const char *skip_reason;
static char scratch_path[64];
const char *self_path = "/proc/self/exe";

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t done = write(STDOUT_FILENO, text, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        text += done;
        length -= done;
    }
}

/* One write per line, so that lines of a parent and its children do not mix. */
static void print_line(const char *prefix, const char *suffix, const char *format, va_list arguments)
{
    char line[512];
    int length = snprintf(line, sizeof line, "%s", prefix);
    int body = vsnprintf(line + length, sizeof line - length, format, arguments);

    length += body;
    if (length > (int)sizeof line - 1)
        length = sizeof line - 1;
    int tail = snprintf(line + length, sizeof line - length, "%s\n", suffix);
    length += tail;
    if (length > (int)sizeof line - 1)
        length = sizeof line - 1;
    write_all(line, length);
}

void ok(bool good, const char *format, ...)
{
    char prefix[32];
    va_list arguments;

    tests_run++;
    if (!good)
        tests_failed++;
    snprintf(prefix, sizeof prefix, "%sok %d - ", good ? "" : "not ", tests_run);
    va_start(arguments, format);
    print_line(prefix, "", format, arguments);
    va_end(arguments);
}

void skip(const char *why, const char *format, ...)
{
    char prefix[32], suffix[160];
    va_list arguments;

    tests_run++;
    snprintf(prefix, sizeof prefix, "ok %d - ", tests_run);
    snprintf(suffix, sizeof suffix, " # SKIP %s", why);
    va_start(arguments, format);
    print_line(prefix, suffix, format, arguments);
    va_end(arguments);
}

void diag(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line("# ", "", format, arguments);
    va_end(arguments);
}

void tap_run(const char *name, claim_fn claim)
{
    skip_reason = NULL;
    bool good = claim();
    if (good && skip_reason)
        skip(skip_reason, "%s", name);
    else
        ok(good, "%s", name);
}

bool tap_failed(const char *file, int line, const char *what)
{
    int error = errno;
    diag("%s:%d: not so: %s (errno %d, %s)", file, line, what, error, strerror(error));
    return false;
}

bool tap_differs(const char *file, int line, const char *what, long long got, long long want)
{
    int error = errno;
    diag("%s:%d: %s is %lld (0x%llx), expected %lld (0x%llx) (errno %d)", file, line, what, got, got, want,
         want, error);
    return false;
}

bool tap_skip(const char *why)
{
    skip_reason = why;
    return true;
}

bool on_gaur(void)
{
    static int answer = -1;

    if (answer < 0)
        answer = access("/proc/gaur", F_OK) == 0;
    return answer;
}

pid_t child_start(claim_fn claim)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(claim() ? 0 : 1);
    return pid;
}

pid_t child_pausing(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

int child_wait(pid_t pid)
{
    int status = -1;

    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return status;
}

bool child_signal(pid_t pid, int signo)
{
    if (pid > 1)
        return kill(pid, signo) == 0;
    diag("no child to send signal %d to", signo);
    return false;
}

void child_end(pid_t pid)
{
    if (child_signal(pid, SIGKILL))
        child_wait(pid);
}

bool child_in_state(pid_t pid, char state)
{
    char path[32], text[512];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (int try = 0; try < 200; try++) {
        char *name_end = file_get(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
        if (name_end && name_end[1] == ' ' && name_end[2] == state)
            return true;
        sleep_ms(10);
    }
    return false;
}

int proc_open(pid_t pid, const char *name, int flags)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return open(path, flags);
}

int child_run(claim_fn claim)
{
    return child_wait(child_start(claim));
}

bool exited_with(int status, int code)
{
    bool so = status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;

    if (!so)
        diag("wait status 0x%x, expected exit code %d", status, code);
    return so;
}

bool killed_by(int status, int signo)
{
    bool so = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signo;

    if (!so)
        diag("wait status 0x%x, expected death by signal %d", status, signo);
    return so;
}

bool baton_make(struct baton *baton)
{
    return pipe(baton->ends) == 0;
}

void baton_pass(struct baton *baton)
{
    while (write(baton->ends[1], "x", 1) < 0 && (errno == EINTR || errno == ENOMEM))
        sleep_ms(errno == ENOMEM);      // somebody's end will give some back
}

bool baton_wait(struct baton *baton)
{
    char byte;
    ssize_t got;

    while ((got = read(baton->ends[0], &byte, 1)) < 0 && errno == EINTR)
        ;
    return got == 1;
}

void baton_drop(struct baton *baton)
{
    close(baton->ends[0]);
    close(baton->ends[1]);
}

bool scratch_enter(void)
{
    if (scratch_path[0])
        return true;
    snprintf(scratch_path, sizeof scratch_path, "/tmp/guest-test.%d", (int)getpid());
    if (mkdir(scratch_path, 0755) == 0 && chdir(scratch_path) == 0)
        return true;
    diag("%s: %s", scratch_path, strerror(errno));
    return false;
}

static void remove_tree(const char *path)
{
    char below[PATH_MAX];
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (unlink(below) < 0)
            remove_tree(below);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

void scratch_remove(pid_t pid)
{
    snprintf(scratch_path, sizeof scratch_path, "/tmp/guest-test.%d", (int)pid);
    if (access(scratch_path, F_OK) == 0)
        remove_tree(scratch_path);
    scratch_path[0] = 0;
}

bool file_put(const char *path, const void *bytes, size_t length, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    bool good = fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fchmod(fd, mode) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

ssize_t file_get(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    size_t length = 0;
    ssize_t got = -1;

    if (fd < 0)
        return -1;
    while (length < size - 1 && (got = read(fd, buffer + length, size - 1 - length)) > 0)
        length += got;
    close(fd);
    buffer[length] = 0;
    return got < 0 ? -1 : (ssize_t)length;
}

void self_from(const char *argv0)
{
    static char absolute[PATH_MAX];

    if (strchr(argv0, '/') && realpath(argv0, absolute))
        self_path = absolute;
}

void sleep_ms(long milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int tap_done(void)
{
    if (scratch_path[0]) {
        chdir("/");
        remove_tree(scratch_path);
    }
    char plan[32];
    int length = snprintf(plan, sizeof plan, "1..%d\n", tests_run);
    write_all(plan, length);
    return tests_failed ? 1 : 0;
}
