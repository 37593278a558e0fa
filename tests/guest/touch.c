// SPDX-License-Identifier: MIT
/*
 * touch.c - touches and their consequences.
 */
#include "touch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static struct touch seen;
static unsigned char alternate[16384];
static bool ready;
static volatile bool touching;

static void caught(int signo, siginfo_t *info, void *context)
{
    ucontext_t *frame = context;

    /* A fault of the test itself: let it come again and end the program. */
    if (!touching) {
        signal(signo, SIG_DFL);
        return;
    }
    seen.signo = signo;
    seen.code = info->si_code;
    seen.address = (unsigned long)info->si_addr;
    seen.error = frame->uc_mcontext.gregs[REG_ERR];
    seen.trap = frame->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(back, 1);
}

static void get_ready(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    memset(alternate, 0, sizeof alternate);
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    ready = true;
}

/* One access and no other: what the compiler might add would fault first. */
static void touch_now(enum touch_kind kind, const volatile void *address)
{
    switch (kind) {
    case TOUCH_READ:
        __asm__ volatile("movb (%0), %%al" : : "r"(address) : "al", "memory");
        break;
    case TOUCH_WRITE:
        __asm__ volatile("movb $0x5a, (%0)" : : "r"(address) : "memory");
        break;
    case TOUCH_FETCH:
        ((void (*)(void))address)();
        break;
    }
}

struct touch touch(enum touch_kind kind, const volatile void *address)
{
    if (!ready)
        get_ready();
    seen = (struct touch){0};
    touching = true;
    if (sigsetjmp(back, 0) == 0)
        touch_now(kind, address);
    touching = false;
    return seen;
}

bool touch_refused(enum touch_kind kind, const volatile void *address, int code)
{
    struct touch t = touch(kind, address);

    if (t.signo == SIGSEGV && t.code == code && t.address == (unsigned long)address)
        return true;
    diag("touch %d of %p: signal %d code %d address 0x%lx, expected SIGSEGV code %d", kind, (void *)address, t.signo,
         t.code, t.address, code);
    return false;
}

bool touch_allowed(enum touch_kind kind, const volatile void *address)
{
    struct touch t = touch(kind, address);

    if (t.signo)
        diag("touch %d of %p: signal %d code %d, expected none", kind, (void *)address, t.signo, t.code);
    return t.signo == 0;
}

int kernel_touch(enum touch_kind kind, const volatile void *address)
{
    int ends[2], error = 0;

    if (pipe(ends) < 0)
        return errno;
    if (kind == TOUCH_WRITE) {
        if (write(ends[1], "Z", 1) != 1 || read(ends[0], (void *)address, 1) != 1)
            error = errno;
    } else {
        if (write(ends[1], (const void *)address, 1) != 1)
            error = errno;
    }
    close(ends[0]);
    close(ends[1]);
    return error;
}

unsigned char *pages_map(size_t count)
{
    void *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

void pages_unmap(void *pages, size_t count)
{
    munmap(pages, count * PAGE);
}

unsigned char *pages_map_one_leaf(size_t count)
{
    const uintptr_t leaf = 2UL << 20;
    unsigned char *room = pages_map(1024);

    if (!room)
        return NULL;
    unsigned char *start = (unsigned char *)(((uintptr_t)room + leaf - 1) & ~(leaf - 1));
    if (start > room)
        munmap(room, start - room);
    unsigned char *end = start + count * PAGE;
    munmap(end, room + 1024 * PAGE - end);
    return start;
}
