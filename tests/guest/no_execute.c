// SPDX-License-Identifier: MIT
/*
 * no_execute.c - what is data does not run, and what runs is not written.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>

/* mov $42, %eax; ret */
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
static unsigned char data_code[PAGE] __attribute__((aligned(4096))) = {0xc3};
static const unsigned char constant_code[PAGE] __attribute__((aligned(4096))) = {0xc3};
static unsigned char zero_code[PAGE] __attribute__((aligned(4096)));

static bool data_does_not_run(void)
{
    CHECK(touch_refused(TOUCH_FETCH, data_code, SEGV_ACCERR));
    zero_code[0] = 0xc3;
    CHECK(touch_refused(TOUCH_FETCH, zero_code, SEGV_ACCERR));
    return true;
}

static bool constants_do_not_run(void)
{
    CHECK(touch_refused(TOUCH_FETCH, constant_code, SEGV_ACCERR));
    return true;
}

static bool stack_does_not_run(void)
{
    volatile unsigned char here[16] = {0xc3};

    CHECK(touch_refused(TOUCH_FETCH, here, SEGV_ACCERR));
    return true;
}

static bool anonymous_memory_does_not_run(void)
{
    unsigned char *page = pages_map(2);

    CHECK(page);
    memcpy(page, code, sizeof code);
    CHECK(touch_refused(TOUCH_FETCH, page, SEGV_ACCERR));
    CHECK(touch_refused(TOUCH_FETCH, page + PAGE, SEGV_ACCERR));
    pages_unmap(page, 2);
    return true;
}

/* A fault that nothing can resolve must end the process, not come again for ever. */
static bool jumping_child(void)
{
    unsigned char *page = pages_map(1);

    memcpy(page, code, sizeof code);
    signal(SIGSEGV, SIG_DFL);
    ((void (*)(void))page)();
    return false;
}

static bool running_data_ends_the_process(void)
{
    CHECK(killed_by(child_run(jumping_child), SIGSEGV));
    return true;
}

static bool text_is_not_writable(void)
{
    CHECK(touch_refused(TOUCH_WRITE, (void *)(uintptr_t)text_is_not_writable, SEGV_ACCERR));
    CHECK_EQ(kernel_touch(TOUCH_WRITE, (void *)(uintptr_t)text_is_not_writable), EFAULT);
    return true;
}

static bool made_executable_it_runs_and_is_not_writable(void)
{
    unsigned char *page = pages_map(1);

    CHECK(page);
    memcpy(page, code, sizeof code);
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK_EQ(((int (*)(void))page)(), 42);
    CHECK(touch_refused(TOUCH_WRITE, page, SEGV_ACCERR));
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
    page[1] = 43;
    CHECK(touch_refused(TOUCH_FETCH, page, SEGV_ACCERR));
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK_EQ(((int (*)(void))page)(), 43);
    pages_unmap(page, 1);
    return true;
}

static unsigned char *inherited;

static bool child_runs_it(void)
{
    CHECK_EQ(((int (*)(void))inherited)(), 42);
    CHECK(touch_refused(TOUCH_WRITE, inherited, SEGV_ACCERR));
    CHECK(touch_refused(TOUCH_FETCH, data_code, SEGV_ACCERR));
    return true;
}

static bool rights_to_run_are_inherited(void)
{
    inherited = pages_map(1);
    CHECK(inherited);
    memcpy(inherited, code, sizeof code);
    CHECK(mprotect(inherited, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK_CHILD(child_runs_it);
    pages_unmap(inherited, 1);
    return true;
}

int main(void)
{
    TEST(data_does_not_run);
    TEST(constants_do_not_run);
    TEST(stack_does_not_run);
    TEST(anonymous_memory_does_not_run);
    TEST(running_data_ends_the_process);
    TEST(text_is_not_writable);
    TEST(made_executable_it_runs_and_is_not_writable);
    TEST(rights_to_run_are_inherited);
    return tap_done();
}
