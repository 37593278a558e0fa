// SPDX-License-Identifier: MIT
/*
 * signal_stack.c - handlers on a stack of their own, also when the ordinary stack is used up.
 */
#include "tap.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static char alternate[32768] __attribute__((aligned(16)));
static volatile bool was_on_it, said_on_it;
static volatile uintptr_t fault_address, handler_frame;
static sigjmp_buf back;

static void look(int signo)
{
    char here;
    stack_t now;

    (void)signo;
    was_on_it = &here >= alternate && &here < alternate + sizeof alternate;
    sigaltstack(NULL, &now);
    said_on_it = now.ss_flags & SS_ONSTACK;
    handler_frame = (uintptr_t)__builtin_frame_address(0);
}

static void overflow(int signo, siginfo_t *info, void *context)
{
    (void)context;
    look(signo);
    fault_address = (uintptr_t)info->si_addr;
    siglongjmp(back, 1);
}

static void use_alternate(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};

    sigaltstack(&stack, NULL);
}

static bool handler_runs_on_the_alternate_stack(void)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_ONSTACK};

    use_alternate();
    sigaction(SIGUSR1, &action, NULL);
    was_on_it = said_on_it = false;
    raise(SIGUSR1);
    CHECK(was_on_it && said_on_it);
    stack_t now;
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK(now.ss_sp == alternate && now.ss_size == sizeof alternate && now.ss_flags == 0);
    return true;
}

static bool without_the_flag_it_runs_on_the_ordinary_stack(void)
{
    struct sigaction action = {.sa_handler = look};

    use_alternate();
    sigaction(SIGUSR1, &action, NULL);
    was_on_it = true;
    raise(SIGUSR1);
    CHECK(!was_on_it);
    return true;
}

static bool disabled_stack_is_not_used(void)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_ONSTACK};
    stack_t off = {.ss_flags = SS_DISABLE}, now;

    CHECK(sigaltstack(&off, NULL) == 0);
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK_EQ(now.ss_flags, SS_DISABLE);
    sigaction(SIGUSR1, &action, NULL);
    was_on_it = true;
    raise(SIGUSR1);
    CHECK(!was_on_it);
    return true;
}

static bool too_small_a_stack_is_refused(void)
{
    stack_t small = {.ss_sp = alternate, .ss_size = 1000};
    stack_t odd = {.ss_sp = alternate, .ss_flags = 0x55, .ss_size = sizeof alternate};

    CHECK_FAILS(sigaltstack(&small, NULL), ENOMEM);
    CHECK_FAILS(sigaltstack(&odd, NULL), EINVAL);
    return true;
}

/* The ABI: a function is entered with rsp + 8 on a 16-byte border, so its frame address is on one. */
static bool handler_is_entered_aligned(void)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_ONSTACK};

    use_alternate();
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 3; i++) {
        action.sa_flags ^= SA_ONSTACK;
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
        CHECK_EQ(handler_frame % 16, 0);
    }
    return true;
}

__attribute__((noinline)) static int deeper(int level)
{
    volatile char room[2000];

    room[level % sizeof room] = level;
    return level == 0 ? 0 : deeper(level - 1) + room[level % sizeof room];
}

static bool overflow_child(void)
{
    struct sigaction action = {.sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct rlimit limit = {256 * 1024, 256 * 1024};

    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    use_alternate();
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 3; i++) {
        was_on_it = false;
        fault_address = 0;
        if (sigsetjmp(back, 1) == 0)
            deeper(1000000);
        uintptr_t here = (uintptr_t)__builtin_frame_address(0);
        CHECK(was_on_it);
        CHECK(fault_address < here && fault_address > here - (300 << 10));
    }
    return true;
}

static bool stack_overflow_is_handled_there(void)
{
    CHECK_CHILD(overflow_child);
    return true;
}

/* No room for the frame, and nowhere else to put it: the process ends, the kernel does not loop. */
static bool hopeless_child(void)
{
    struct rlimit limit = {256 * 1024, 256 * 1024};

    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    signal(SIGSEGV, look);
    return deeper(1000000) == 1;
}

static bool no_room_for_the_frame_is_death(void)
{
    CHECK(killed_by(child_run(hopeless_child), SIGSEGV));
    return true;
}

static bool unmapped_alternate_child(void)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_ONSTACK};
    void *gone = mmap(NULL, 32768, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = gone, .ss_size = 32768};

    CHECK(sigaltstack(&stack, NULL) == 0);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    return false;
}

static bool alternate_stack_without_memory_is_death(void)
{
    CHECK(killed_by(child_run(unmapped_alternate_child), SIGSEGV));
    return true;
}

int main(void)
{
    TEST(handler_runs_on_the_alternate_stack);
    TEST(without_the_flag_it_runs_on_the_ordinary_stack);
    TEST(disabled_stack_is_not_used);
    TEST(too_small_a_stack_is_refused);
    TEST(handler_is_entered_aligned);
    TEST(stack_overflow_is_handled_there);
    TEST(no_room_for_the_frame_is_death);
    TEST(alternate_stack_without_memory_is_death);
    return tap_done();
}
