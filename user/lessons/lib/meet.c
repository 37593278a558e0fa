// SPDX-License-Identifier: MIT
/*
 * meet.c - one access, by the program or by the kernel for it, and the fault that it meets.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lesson.h"

static sigjmp_buf back;
static volatile sig_atomic_t caught;
static char alternate[8192];
static struct rusage before, after;
static char text[512];

static void catch(int signo)
{
    caught = signo;
    siglongjmp(back, 1);
}

/* A signal must find its stack: the ordinary one may be what is touched. */
static void catch_signals(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = catch, .sa_flags = SA_ONSTACK | SA_NODEFER};

    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* What follows `name`, to the end of its line. */
static const char *value_of(const char *name)
{
    const char *at = strstr(text, name);

    return at ? at + strlen(name) : "";
}

static void copy_word(char *to, size_t size, const char *name)
{
    const char *at = value_of(name);

    snprintf(to, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* The last fault of this thread, as Gaur tells it. */
static void last_fault(struct fault *fault)
{
    int fd = open("/proc/self/gaur/fault", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return;
    text[length] = '\0';
    fault->told = true;
    fault->address = strtoul(value_of("address "), NULL, 0);
    fault->code = strtoul(value_of("code "), NULL, 0);
    copy_word(fault->cause, sizeof fault->cause, "cause ");
    copy_word(fault->outcome, sizeof fault->outcome, "outcome ");
}

static void begin(void)
{
    static bool ready;

    if (!ready)
        catch_signals();
    ready = true;
    caught = 0;
    getrusage(RUSAGE_SELF, &before);
}

static struct fault end(long result)
{
    struct fault fault = {.signal = caught, .result = result};

    getrusage(RUSAGE_SELF, &after);
    fault.major = after.ru_majflt - before.ru_majflt;
    fault.count = after.ru_minflt - before.ru_minflt + fault.major;
    if (fault.count || fault.signal || fault.result < 0)
        last_fault(&fault);
    return fault;
}

/* One access and no other. */
struct fault read_at(const volatile void *address)
{
    begin();
    if (sigsetjmp(back, 0) == 0)
        __asm__ volatile("movb (%0), %%al" : : "r"(address) : "al", "memory");
    return end(0);
}

struct fault write_at(volatile void *address, char byte)
{
    begin();
    if (sigsetjmp(back, 0) == 0)
        __asm__ volatile("movb %1, (%0)" : : "r"(address), "q"(byte) : "memory");
    return end(0);
}

struct fault kernel_write_at(volatile void *address, char byte)
{
    int ends[2];

    if (pipe(ends) < 0 || write(ends[1], &byte, 1) != 1)
        broken("pipe");
    begin();
    long result = read(ends[0], (void *)address, 1);
    struct fault fault = end(result < 0 ? -errno : result);
    close(ends[0]);
    close(ends[1]);
    return fault;
}

struct fault kernel_read_at(const volatile void *address)
{
    int ends[2];

    if (pipe(ends) < 0)
        broken("pipe");
    begin();
    long result = write(ends[1], (const void *)address, 1);
    struct fault fault = end(result < 0 ? -errno : result);
    close(ends[0]);
    close(ends[1]);
    return fault;
}

struct fault fault_tell(struct fault fault)
{
    const char *how = fault.signal == SIGSEGV ? " It ended in SIGSEGV." : fault.signal ? " It ended in SIGBUS." : "";

    if (fault.told)
        tell("fault at 0x%lx: code %u, P=%d W=%d U=%d, %s, %s.%s", fault.address, fault.code, !!(fault.code & P),
             !!(fault.code & W), !!(fault.code & U), fault.cause, fault.outcome, how);
    else if (fault.count || fault.signal)
        tell("%ld fault%s.%s", fault.count + !fault.count, fault.count > 1 ? "s" : "", how);
    else
        tell("no fault.%s", how);
    if (fault.result < 0)
        tell("the call failed: %s.", strerror((int)-fault.result));
    return fault;
}

bool fault_is(const struct fault *fault, const volatile void *address, unsigned code, const char *cause)
{
    if (!fault->told)
        return !on_gaur();
    return fault->address == (uintptr_t)address && fault->code == code && strcmp(fault->cause, cause) == 0;
}
