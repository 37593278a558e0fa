// SPDX-License-Identifier: MIT
/*
 * fpu.c - floating-point and vector state belongs to its process: across preemption, fork and exec.
 */
#include "tap.h"
#include "vectors.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int number;

/* Long enough to be preempted many times, with others that do the same. */
static bool spinner(void)
{
    long long end = now_ms() + 250;

    for (int i = 0; now_ms() < end; i++)
        CHECK(vectors_survive_spin(number * 31 + i, 100000));
    return true;
}

static bool vectors_survive_preemption(void)
{
    pid_t pids[4];

    for (number = 0; number < 4; number++)
        pids[number] = child_start(spinner);
    for (int i = 0; i < 4; i++)
        CHECK(exited_with(child_wait(pids[i]), 0));
    return true;
}

static bool x87_child(void)
{
    volatile long double sum = 0;
    long long end = now_ms() + 150;

    while (now_ms() < end) {
        sum = 0;
        for (int i = 1; i <= 1000; i++)
            sum += (long double)number / i;
        CHECK(sum > 7.485470L * number && sum < 7.485471L * number);
    }
    return true;
}

static bool x87_survives_preemption(void)
{
    pid_t pids[3];

    for (number = 1; number <= 3; number++)
        pids[number - 1] = child_start(x87_child);
    for (int i = 0; i < 3; i++)
        CHECK(exited_with(child_wait(pids[i]), 0));
    return true;
}

static bool vectors_are_inherited_by_fork(void)
{
    for (int i = 0; i < 5; i++)
        CHECK(vectors_survive_fork(0x40 + i));
    return true;
}

static bool yielding_child(void)
{
    for (int i = 0; i < 100; i++) {
        vectors_fill(number + i);
        sched_yield();
    }
    return true;
}

static bool vectors_survive_system_calls_and_other_processes(void)
{
    number = 7;
    pid_t pid = child_start(yielding_child);
    for (int i = 0; i < 100; i++)
        CHECK(vectors_survive_kill(i, 0));
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

/* MXCSR and the x87 control word are defined at the start of a program; 0x1f80 and 0x37f by the ABI. */
static int report_control_words(void)
{
    unsigned mxcsr;
    unsigned short control;
    unsigned char registers[16];

    __asm__ volatile("movdqu %%xmm9, %2\n stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(control), "=m"(registers));
    for (int i = 0; i < 16; i++) {
        if (registers[i] == 0xab)
            return 3;
    }
    return mxcsr == 0x1f80 && control == 0x37f ? 0 : 2;
}

static bool new_program_starts_with_fresh_state(void)
{
    char *arguments[] = {(char *)self_path, (char *)"--control-words", NULL};
    pid_t pid = fork();

    if (pid == 0) {
        unsigned mxcsr = 0x7f80;
        unsigned short control = 0x07f;
        __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(mxcsr), "m"(control));
        vectors_fill(0xab);
        execv(self_path, arguments);
        _exit(9);
    }
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return report_control_words();
    self_from(argv[0]);
    TEST(vectors_survive_preemption);
    TEST(x87_survives_preemption);
    TEST(vectors_are_inherited_by_fork);
    TEST(vectors_survive_system_calls_and_other_processes);
    TEST(new_program_starts_with_fresh_state);
    return tap_done();
}
