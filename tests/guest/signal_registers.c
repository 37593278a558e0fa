// SPDX-License-Identifier: MIT
/*
 * signal_registers.c - a handler may use every register: the interrupted program finds its own again.
 *
 * The general ones are set and compared in one block of assembly around the system call that sends the signal, with
 * a handler that destroys all it can; the vector ones likewise.
 */
#include "tap.h"
#include "vectors.h"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int calls;
static volatile unsigned handler_mxcsr;
static volatile bool edit;

static void destroy(int signo, siginfo_t *info, void *context)
{
    ucontext_t *frame = context;
    unsigned mxcsr;

    (void)signo, (void)info;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    handler_mxcsr = mxcsr;
    vectors_fill(0xdd);
    mxcsr = 0x3f80;
    __asm__ volatile("ldmxcsr %0\n fninit" : : "m"(mxcsr));
    __asm__ volatile("mov $-1, %%r8\n mov %%r8, %%r9\n mov %%r8, %%r10\n mov %%r8, %%rdi\n mov %%r8, %%rsi\n"
                     "mov %%r8, %%r11\n mov %%r8, %%rdx\n mov %%r8, %%rcx\n std\n cld"
                     ::: "r8", "r9", "r10", "r11", "rdi", "rsi", "rdx", "rcx", "cc");
    if (edit)
        frame->uc_mcontext.gregs[REG_R12] = 0x1234567890;
    calls++;
}

/* kill(getpid(), SIGUSR1) with every free register holding its own number; which of them changed, as bits. */
static unsigned long registers_changed(void)
{
    unsigned long changed = 0, pid = getpid();

    __asm__ volatile(
        "mov $3, %%rbx\n mov $6, %%rdx\n mov $8, %%r8\n mov $9, %%r9\n mov $10, %%r10\n"
        "mov $12, %%r12\n mov $13, %%r13\n mov $14, %%r14\n mov $15, %%r15\n"
        "mov %[signo], %%rsi\n mov %[number], %%eax\n syscall\n"
        "xor %%ecx, %%ecx\n"
        "cmp $3, %%rbx\n je 1f\n or $0x8, %%ecx\n 1: cmp $6, %%rdx\n je 1f\n or $0x40, %%ecx\n"
        "1: cmp $8, %%r8\n je 1f\n or $0x100, %%ecx\n 1: cmp $9, %%r9\n je 1f\n or $0x200, %%ecx\n"
        "1: cmp $10, %%r10\n je 1f\n or $0x400, %%ecx\n 1: cmp $12, %%r12\n je 1f\n or $0x1000, %%ecx\n"
        "1: cmp $13, %%r13\n je 1f\n or $0x2000, %%ecx\n 1: cmp $14, %%r14\n je 1f\n or $0x4000, %%ecx\n"
        "1: cmp $15, %%r15\n je 1f\n or $0x8000, %%ecx\n"
        "1: test %%rax, %%rax\n je 1f\n or $1, %%ecx\n 1:\n"
        : "=&c"(changed), "+D"(pid)
        : [signo] "i"(SIGUSR1), [number] "i"(SYS_kill)
        : "rax", "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    return changed;
}

static bool general_registers_survive_a_handler(void)
{
    for (int i = 1; i <= 20; i++) {
        CHECK_EQ(registers_changed(), 0);
        CHECK_EQ(calls, i);
    }
    return true;
}

static bool register_edited_in_the_frame_is_changed(void)
{
    edit = true;
    unsigned long changed = registers_changed();
    edit = false;
    CHECK_EQ(changed, 0x1000);
    return true;
}

/* Carry is set before and must be after; the direction flag is clear, whatever the handler did. */
static bool flags_survive_a_handler(void)
{
    unsigned long flags, pid = getpid();

    __asm__ volatile("mov %[number], %%eax\n mov %[signo], %%esi\n stc\n syscall\n"
                     "pushfq\n pop %0"
                     : "=&r"(flags), "+D"(pid)
                     : [signo] "i"(SIGUSR1), [number] "i"(SYS_kill)
                     : "rax", "rsi", "rcx", "r11", "memory", "cc");
    CHECK_EQ(flags & 0x401, 0x001);
    return true;
}

static bool vector_registers_survive_a_handler(void)
{
    for (int i = 0; i < 20; i++)
        CHECK(vectors_survive_kill(0x10 + i, SIGUSR1));
    diag("vector registers of %d bytes", vectors_wide() ? 32 : 16);
    return true;
}

static bool control_words_survive_a_handler(void)
{
    unsigned mxcsr = 0x1f80 | 0x6000, after = 0;
    unsigned short control = 0x37f & ~0x300, control_after = 0;

    __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(mxcsr), "m"(control));
    raise(SIGUSR1);
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(after), "=m"(control_after));
    mxcsr = 0x1f80;
    unsigned short normal = 0x37f;
    __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(mxcsr), "m"(normal));
    CHECK_EQ(after & ~0x3fu, 0x1f80 | 0x6000);
    CHECK_EQ(control_after, 0x37f & ~0x300);
    CHECK_EQ(handler_mxcsr, 0x1f80);
    return true;
}

/* Interrupted anywhere, not only at a system call. */
static bool computation_under_a_storm_of_signals_is_right(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        while (getppid() == parent && kill(parent, SIGUSR1) == 0)
            usleep(1000);
        _exit(0);
    }
    int before = calls;
    bool right = true;
    long long end = now_ms() + 200;
    while (right && (now_ms() < end || calls < before + 10) && now_ms() < end + 3000) {
        double sum = 0;
        for (int i = 1; i <= 2000; i++)
            sum += 1.0 / i;
        right = sum > 8.178368 && sum < 8.178369;
    }
    child_end(pid);
    CHECK(right && calls > before);
    return true;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = destroy, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &action, NULL);
    TEST(general_registers_survive_a_handler);
    TEST(register_edited_in_the_frame_is_changed);
    TEST(flags_survive_a_handler);
    TEST(vector_registers_survive_a_handler);
    TEST(control_words_survive_a_handler);
    TEST(computation_under_a_storm_of_signals_is_right);
    return tap_done();
}
