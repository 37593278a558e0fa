// SPDX-License-Identifier: MIT
/*
 * faults.c - faults of every kind: each resolved to the right bytes, or refused with the right signal and address.
 *
 * `faults` catches the signals and goes on; `deaths` leaves them to end a child.
 */
#include "soak.h"
#include "touch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGES = 12, STACK_MAX = 400000 };

static unsigned char *at_random(struct random *random, unsigned char *pages)
{
    return pages + random_below(random, PAGES * PAGE);
}

/* Rights given and taken away; what was written stays. */
static bool rights(struct random *random)
{
    unsigned char *pages = pages_map(PAGES), *at = at_random(random, pages);
    uint64_t seed = random_next(random);

    CHECK(pages);
    pattern_fill(pages, PAGES * PAGE, seed);
    CHECK(touch_refused(TOUCH_FETCH, at, SEGV_ACCERR));
    CHECK(mprotect(pages, PAGES * PAGE, PROT_READ) == 0);
    CHECK(touch_refused(TOUCH_WRITE, at, SEGV_ACCERR));
    CHECK_EQ(kernel_touch(TOUCH_WRITE, at), EFAULT);
    CHECK(mprotect(pages, PAGES * PAGE, PROT_NONE) == 0);
    CHECK(touch_refused(TOUCH_READ, at, SEGV_ACCERR));
    CHECK_EQ(kernel_touch(TOUCH_READ, at), EFAULT);
    CHECK(mprotect(pages, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(pattern_holds(pages, PAGES * PAGE, seed));
    CHECK(touch_allowed(TOUCH_WRITE, at));
    munmap(pages, PAGES * PAGE);
    CHECK(touch_refused(TOUCH_READ, at, SEGV_MAPERR));
    return true;
}

/* Zero when read, whoever reads, and still zero around what was written. */
static bool zeros(struct random *random)
{
    unsigned char *pages = pages_map(PAGES);
    bool written[PAGES] = {false};

    CHECK(pages);
    for (int i = 0; i < 10; i++) {
        unsigned page = random_below(random, PAGES);
        unsigned char *at = pages + page * PAGE;
        switch (random_below(random, 4)) {
        case 0: CHECK(touch_allowed(TOUCH_READ, at)); break;
        case 1: CHECK_EQ(kernel_touch(TOUCH_READ, at), 0); break;
        case 2: CHECK(touch_allowed(TOUCH_WRITE, at)); written[page] = true; break;
        case 3: CHECK_EQ(kernel_touch(TOUCH_WRITE, at), 0); written[page] = true; break;
        }
    }
    for (unsigned i = 0; i < PAGES * PAGE; i++)
        CHECK_EQ(pages[i] != 0, i % PAGE == 0 && written[i / PAGE]);
    pages_unmap(pages, PAGES);
    return true;
}

static bool nowhere(struct random *random)
{
    static const uintptr_t places[] = {0, 8, 0x7ffffffff000, 0xffff800000000000, 0xffffffffffffff00};
    void *place = (void *)places[random_below(random, sizeof places / sizeof *places)];

    CHECK_EQ(touch_read(place).signo, SIGSEGV);
    CHECK_EQ(touch_write(place).signo, SIGSEGV);
    CHECK_EQ(kernel_touch(random_one_in(random, 2) ? TOUCH_READ : TOUCH_WRITE, place), EFAULT);
    struct touch odd = touch_read((void *)(0x0000900000000000 + random_below(random, 1 << 30)));
    CHECK(odd.signo == SIGSEGV && odd.trap == 13);
    return true;
}

/* A file of two pages and a bit: private writes stay private, shared ones are seen, and past the end is a bus error. */
static bool mapped_file(struct random *random)
{
    char name[40];
    static unsigned char bytes[2 * PAGE + 100], other[sizeof bytes];
    uint64_t seed = random_next(random);

    snprintf(name, sizeof name, "/tmp/soak.%d", (int)getpid());
    pattern_fill(bytes, sizeof bytes, seed);
    CHECK(file_put(name, bytes, sizeof bytes, 0600));
    int fd = open(name, O_RDWR);
    CHECK(fd >= 0 && unlink(name) == 0);
    unsigned char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned char *same = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(own != MAP_FAILED && same != MAP_FAILED);
    CHECK(pattern_holds(same, sizeof bytes, seed));
    memset(own, 1, sizeof bytes);
    CHECK(pattern_holds(same, sizeof bytes, seed));
    pattern_fill(same, sizeof bytes, ++seed);
    CHECK(pread(fd, other, sizeof other, 0) == sizeof other);
    CHECK(pattern_holds(other, sizeof other, seed));
    CHECK_EQ(same[2 * PAGE + 200] + own[5], 1);
    CHECK_EQ(touch(random_below(random, 2), own + 3 * PAGE).signo, SIGBUS);
    CHECK_EQ(touch(random_below(random, 2), same + 3 * PAGE).signo, SIGBUS);
    munmap(own, 4 * PAGE);
    munmap(same, 4 * PAGE);
    close(fd);
    return true;
}

/* A frame of a page or more on the stack, and the next below it. */
static unsigned dig(unsigned depth)
{
    volatile unsigned char room[2 * PAGE];

    room[0] = depth;
    room[PAGE] = depth;
    unsigned below = depth ? dig(depth - 1) : 0;
    return below + (room[0] == (unsigned char)depth && room[PAGE] == (unsigned char)depth);
}

static int dig_child(void *argument)
{
    unsigned depth = *(unsigned *)argument;

    return dig(depth) == depth + 1 ? 0 : 1;
}

static bool stack(struct random *random)
{
    unsigned depth = random_below(random, STACK_MAX / (2 * PAGE));

    CHECK(ends_with(start_child(dig_child, &depth), 0));
    return true;
}

static bool round_of_faults(struct random *random)
{
    static bool (*const kinds[])(struct random *) = {rights, zeros, nowhere, mapped_file, stack};

    return kinds[random_below(random, sizeof kinds / sizeof *kinds)](random);
}

const struct mixture faults = {"faults", round_of_faults, 4};

/* ---- Deaths ---- */

static void read_null(void) { (void)*(volatile char *)NULL; }
static void write_text(void) { *(volatile char *)(uintptr_t)read_null = 0; }
static void read_kernel(void) { (void)*(volatile char *)0xffff800000100000; }
static void read_noncanonical(void) { (void)*(volatile char *)0x0000900000000000; }
static void divide(void) { __asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx"); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void lost_stack(void) { __asm__ volatile("xorl %%esp, %%esp; pushq %%rax" : : : "memory"); }

static void run_data(void)
{
    static unsigned char code[16] = {0xc3};

    ((void (*)(void))code)();
}

static void endless_stack(void)
{
    struct rlimit limit = {.rlim_cur = 256 * 1024, .rlim_max = RLIM_INFINITY};

    setrlimit(RLIMIT_STACK, &limit);
    dig(1U << 30);
}

static const struct {
    void (*act)(void);
    int signo;
} ends[] = {
    {read_null, SIGSEGV}, {write_text, SIGSEGV}, {read_kernel, SIGSEGV}, {read_noncanonical, SIGSEGV},
    {divide, SIGFPE}, {undefined, SIGILL}, {breakpoint, SIGTRAP}, {privileged, SIGSEGV}, {lost_stack, SIGSEGV},
    {run_data, SIGSEGV}, {endless_stack, SIGSEGV},
};

/* Without the handlers of `faults`. */
static int act(void *argument)
{
    unsigned kind = *(unsigned *)argument;

    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    ends[kind].act();
    return 1;
}

static bool round_of_deaths(struct random *random)
{
    unsigned kind = random_below(random, sizeof ends / sizeof *ends);

    CHECK(dies_of(start_child(act, &kind), ends[kind].signo));
    return true;
}

const struct mixture deaths = {"deaths", round_of_deaths, 2};
