// SPDX-License-Identifier: MIT
/*
 * map_model.c - random mmap, munmap, mprotect, fork and writes over a window of pages, against a naive model.
 *
 * After each step every page is probed through the kernel (EFAULT or not) and its byte compared. The seed is fixed:
 * a failure repeats.
 */
#include "touch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WINDOW = 24, STEPS = 300 };

static struct { bool mapped; int rights; unsigned char byte; } model[WINDOW];
static unsigned char *window;
static int probe[2];
static unsigned random_state = 12345;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 16) % limit;
}

/* Is the page readable, and does it hold the model's byte? */
static bool page_agrees(int page)
{
    bool readable = model[page].mapped && (model[page].rights & PROT_READ);
    unsigned char byte = 0;
    ssize_t sent = write(probe[1], window + page * PAGE, 1);

    if (sent == 1 && read(probe[0], &byte, 1) != 1)
        return false;
    if (sent == 1)
        return readable && byte == model[page].byte;
    return errno == EFAULT && !readable;
}

static bool window_agrees(void)
{
    for (int i = 0; i < WINDOW; i++) {
        if (!page_agrees(i)) {
            diag("page %d: mapped %d rights %d byte %d", i, model[i].mapped, model[i].rights, model[i].byte);
            return false;
        }
    }
    return true;
}

static int some_rights(void)
{
    static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

    return rights[random_below(4)];
}

static bool step_map(int first, int count)
{
    int rights = some_rights();
    void *at = window + first * PAGE;

    for (int i = first; i < first + count; i++) {
        model[i].mapped = true;
        model[i].rights = rights;
        model[i].byte = 0;
    }
    return mmap(at, count * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
}

static bool step_unmap(int first, int count)
{
    for (int i = first; i < first + count; i++)
        model[i].mapped = false;
    return munmap(window + first * PAGE, count * PAGE) == 0;
}

/* Only over what is mapped throughout: what a refused call leaves behind is not part of the contract. */
static bool step_protect(int first, int count)
{
    int rights = some_rights();

    for (int i = first; i < first + count; i++) {
        if (!model[i].mapped)
            return true;
    }
    for (int i = first; i < first + count; i++)
        model[i].rights = rights;
    return mprotect(window + first * PAGE, count * PAGE, rights) == 0;
}

/* Through the kernel, so that a refusal needs no signal. */
static bool step_write(int page, unsigned char byte)
{
    bool writable = model[page].mapped && (model[page].rights & PROT_WRITE);

    if (write(probe[1], &byte, 1) != 1)
        return false;
    ssize_t got = read(probe[0], window + page * PAGE, 1);
    if (got == 1) {
        model[page].byte = byte;
        return writable;
    }
    int error = errno;
    unsigned char left;
    fcntl(probe[0], F_SETFL, O_NONBLOCK);
    if (read(probe[0], &left, 1) < 0 && errno != EAGAIN)
        return false;
    fcntl(probe[0], F_SETFL, 0);
    return error == EFAULT && !writable;
}

static bool steps(int count)
{
    for (int i = 0; i < count; i++) {
        int first = random_below(WINDOW), length = 1 + random_below(WINDOW - first < 8 ? WINDOW - first : 8);
        bool good = true;
        switch (random_below(8)) {
        case 0: case 1: good = step_map(first, length); break;
        case 2: good = step_unmap(first, length); break;
        case 3: good = step_protect(first, length); break;
        default: good = step_write(first, i); break;
        }
        if (!good || !window_agrees()) {
            diag("after step %d at page %d, %d pages (errno %d)", i, first, length, errno);
            return false;
        }
    }
    return true;
}

/* With a pipe of its own: two processes probing through one would take each other's bytes. */
static bool child_steps(void)
{
    CHECK(pipe(probe) == 0);
    CHECK(window_agrees());
    random_state += 99;
    CHECK(steps(STEPS / 3));
    return true;
}

static bool random_steps_agree_with_the_model(void)
{
    CHECK(steps(STEPS));
    return true;
}

static bool parent_and_children_each_agree_with_their_own(void)
{
    for (int i = 0; i < 3; i++) {
        pid_t child = child_start(child_steps);
        bool good = steps(STEPS / 10);
        CHECK(exited_with(child_wait(child), 0));
        CHECK(good && window_agrees());
    }
    return true;
}

int main(void)
{
    window = pages_map(WINDOW);
    munmap(window, WINDOW * PAGE);
    if (pipe(probe) < 0)
        return 1;
    TEST(random_steps_agree_with_the_model);
    TEST(parent_and_children_each_agree_with_their_own);
    munmap(window, WINDOW * PAGE);
    return tap_done();
}
