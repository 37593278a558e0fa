// SPDX-License-Identifier: MIT
/*
 * tap.h - a test harness of one page: claims, children, scratch folders.
 *
 * A claim is a function named for what it asserts; TEST() runs it and prints one TAP line.
 * Everything is written with write(2) at once: a forked child has no buffer to print twice.
 */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define PAGE 4096UL

typedef bool (*claim_fn)(void);

/* Run one claim and print `ok N - name`, `not ok N - name` or `ok N - name # SKIP why`. */
void tap_run(const char *name, claim_fn claim);
#define TEST(claim) tap_run(#claim, claim)

/* The same for tables of claims: report one that has been judged already. */
void ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Remove the scratch folder, print the plan; the exit status of the program. */
int tap_done(void);

/* Inside a claim: leave it with the verdict. They print what was seen, with errno. */
bool tap_failed(const char *file, int line, const char *what);
bool tap_differs(const char *file, int line, const char *what, long long got, long long want);
bool tap_skip(const char *why);

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition))                                               \
            return tap_failed(__FILE__, __LINE__, #condition);          \
    } while (0)

#define CHECK_EQ(got, want)                                             \
    do {                                                                \
        long long got_ = (long long)(got), want_ = (long long)(want);   \
        if (got_ != want_)                                              \
            return tap_differs(__FILE__, __LINE__, #got, got_, want_);  \
    } while (0)

/* `call` must fail with `error`. */
#define CHECK_FAILS(call, error)                                        \
    do {                                                                \
        errno = 0;                                                      \
        long long got_ = (long long)(call);                             \
        if (got_ != -1 || errno != (error))                             \
            return tap_failed(__FILE__, __LINE__, #call " fails with " #error); \
    } while (0)

#define SKIP(why) return tap_skip(why)

/* The kernel under test, or the Linux that tells whether the test is right? */
bool on_gaur(void);
#define NEEDS_GAUR()                                                    \
    do {                                                                \
        if (!on_gaur())                                                 \
            return tap_skip("needs Gaur's counters");                   \
    } while (0)

/* Fork; the child runs `claim` and exits 0 if it holds. The parent gets the pid. */
pid_t child_start(claim_fn claim);
/* Fork; the child sleeps until a signal ends it. */
pid_t child_pausing(void);
/* The wait status of `pid`, whatever it was. */
int child_wait(pid_t pid);
/* kill(2) for a child: when fork failed, its -1 must not become a signal to everyone. */
bool child_signal(pid_t pid, int signo);
/* SIGKILL, and reap. */
void child_end(pid_t pid);
/* Wait until /proc/PID/stat shows this state letter; false after two seconds. */
bool child_in_state(pid_t pid, char state);
/* open(2) of /proc/PID/NAME. */
int proc_open(pid_t pid, const char *name, int flags);
/* child_start and child_wait. */
int child_run(claim_fn claim);

bool exited_with(int status, int code);
bool killed_by(int status, int signo);
#define CHECK_CHILD(claim) CHECK(exited_with(child_run(claim), 0))

/* Two processes take turns: a byte through a pipe. wait_turn is false if the other side died. */
struct baton {
    int ends[2];
};
bool baton_make(struct baton *baton);
void baton_pass(struct baton *baton);
bool baton_wait(struct baton *baton);
void baton_drop(struct baton *baton);

/* An empty folder of this program's own, the working directory from then on. */
bool scratch_enter(void);
/* The suite, for a program that did not live to remove its own. */
void scratch_remove(pid_t pid);
/* Write a whole file; false if that failed. */
bool file_put(const char *path, const void *bytes, size_t length, mode_t mode);
/* Read a whole small file, NUL-terminated; its length or -1. */
ssize_t file_get(const char *path, char *buffer, size_t size);

/* The path of the running program, for those that run themselves again. */
extern const char *self_path;
void self_from(const char *argv0);

void sleep_ms(long milliseconds);
long long now_ms(void);

#endif
