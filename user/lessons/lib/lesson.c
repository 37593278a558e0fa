// SPDX-License-Identifier: MIT
/*
 * lesson.c - steps and claims, and partners.
 */
#include "lesson.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 8 * 1024 }; // deeper than any lesson's calls go

static bool goes_through, failed;
static int steps;
static char name[16]; // of this process, where there are several
static char line[512];

/* One write for each line, so that those of several processes do not mix. */
static void put(const char *before, const char *format, va_list args)
{
    int start = snprintf(line, sizeof line, "%s", before);
    int length = start + vsnprintf(line + start, sizeof line - start - 1, format, args);

    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDOUT_FILENO, line, length) != length)
        _exit(1);
}

/* The same, with the process's name and a verdict in front. */
static void put_named(const char *verdict, const char *format, va_list args)
{
    char before[sizeof name + 24];

    if (name[0])
        snprintf(before, sizeof before, "  %-6s | %s", name, verdict);
    else
        snprintf(before, sizeof before, "  %s", verdict);
    put(before, format, args);
}

void tell(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_named("", format, args);
    va_end(args);
}

static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put("", format, args);
    va_end(args);
}

static void judge(bool holds, const char *format, va_list args)
{
    put_named(holds ? "so: " : "NOT SO: ", format, args);
    failed |= !holds;
}

void claim(bool holds, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    judge(holds, format, args);
    va_end(args);
}

void gaur_claim(bool holds, const char *format, ...)
{
    va_list args;

    if (!on_gaur())
        return;
    va_start(args, format);
    judge(holds, format, args);
    va_end(args);
}

static void wait_for_enter(void)
{
    static const char prompt[] = "[Enter] ";
    char byte = '\n';

    if (goes_through)
        return;
    if (write(STDOUT_FILENO, prompt, sizeof prompt - 1) < 0)
        _exit(1);
    while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
        ;
}

void step(const char *format, ...)
{
    char before[32];
    va_list args;

    snprintf(before, sizeof before, "\nStep %d. ", ++steps);
    va_start(args, format);
    put(before, format, args);
    va_end(args);
    wait_for_enter();
}

static __attribute__((noinline)) void stack_own(size_t size)
{
    char room[size];
    volatile char *stack = room;

    for (size_t i = 0; i < size; i += 1024)
        stack[i] = 0;
}

void own_memory(void)
{
    extern char __bss_start[], _end[];

    for (volatile char *at = __bss_start; at < _end; at += 1024)
        *at = *at;
    stack_own(STACK);
}

void lesson_start(int argc, char **argv, const char *title)
{
    if (argc == 2 && strcmp(argv[1], "--run") == 0) {
        goes_through = true;
    } else if (argc > 1) {
        say("usage: %s [--run]\n--run: do not wait for Enter between the steps", argv[0]);
        exit(2);
    }
    say("%s. This is process %d.", title, (int)getpid());
    own_memory();
    stack_own(4 * STACK); // no page there is a first touch later on
}

int lesson_end(void)
{
    say(failed ? "\nThe end. Something was NOT SO." : "\nThe end. All of it was so.");
    wait_for_enter();
    return failed;
}

void not_here(const char *why)
{
    tell("%s", why);
    exit(NOT_HERE);
}

void broken(const char *what)
{
    tell("%s: %s", what, strerror(errno));
    _exit(1);
}

void set_name(const char *its_name)
{
    snprintf(name, sizeof name, "%s", its_name);
}

bool on_gaur(void)
{
    static int known;

    if (!known)
        known = access("/proc/gaur", F_OK) == 0 ? 1 : -1;
    return known > 0;
}

/* ---- partners ---- */

/* The child's life. */
static _Noreturn void serve(const struct partner *partner, void (*act)(int n))
{
    int n;

    while (read(partner->from, &n, sizeof n) == sizeof n) {
        act(n);
        if (write(partner->to, &n, sizeof n) != sizeof n)
            break;
    }
    _exit(failed);
}

struct partner partner_start(const char *its_name, void (*act)(int n))
{
    int down[2], up[2];

    if (pipe(down) < 0 || pipe(up) < 0)
        broken("pipe");
    pid_t pid = fork();
    if (pid < 0)
        broken("fork");
    own_memory();
    if (pid == 0) {
        close(down[1]);
        close(up[0]);
        failed = false;
        set_name(its_name);
        serve(&(struct partner){.from = down[0], .to = up[1]}, act);
    }
    close(down[0]);
    close(up[1]);
    return (struct partner){.pid = pid, .to = down[1], .from = up[0]};
}

void partner_does(struct partner *partner, int n)
{
    if (write(partner->to, &n, sizeof n) != sizeof n || read(partner->from, &n, sizeof n) != sizeof n)
        broken("the other process has ended");
}

void partner_end(struct partner *partner)
{
    int status;

    close(partner->to);
    close(partner->from);
    if (waitpid(partner->pid, &status, 0) != partner->pid || status != 0)
        failed = true;
}
