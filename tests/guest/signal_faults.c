// SPDX-License-Identifier: MIT
/*
 * signal_faults.c - what a program does wrong comes back as a signal that says what and where.
 */
#include "tap.h"

#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int got_signal, got_code, got_trap;
static volatile uintptr_t got_address, got_rip;

static void caught(int signo, siginfo_t *info, void *context)
{
    ucontext_t *frame = context;

    got_signal = signo;
    got_code = info->si_code;
    got_address = (uintptr_t)info->si_addr;
    got_trap = frame->uc_mcontext.gregs[REG_TRAPNO];
    got_rip = frame->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, 1);
}

static void divide(unsigned high, unsigned low, unsigned by)
{
    __asm__ volatile("div %2" : "+a"(low), "+d"(high) : "c"(by));
}

static void divide_by_zero(void) { divide(0, 1, 0); }
static void divide_overflow(void) { divide(2, 0, 1); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void disable_interrupts(void) { __asm__ volatile("cli"); }
static void port_output(void) { __asm__ volatile("outb %%al, $0x80" ::: "eax"); }
static void read_cr3(void) { __asm__ volatile("mov %%cr3, %%rax" ::: "rax"); }
static void software_interrupt(void) { __asm__ volatile("int $0x20"); }
static void null_read(void) { __asm__ volatile("movb 0x10, %%al" ::: "eax"); }
static void null_write(void) { __asm__ volatile("movb $1, 0x18"); }
static void jump_to_null(void) { ((void (*)(void))(uintptr_t)0)(); }
static void non_canonical(void) { __asm__ volatile("movb (%0), %%al" : : "r"(0x8000000000000000UL) : "eax"); }

static void single_step(void)
{
    __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n nop\n nop" ::: "memory", "cc");
}

/* An unmasked invalid operation of the SSE unit. */
static void sse_invalid(void)
{
    unsigned control = 0x1f80 & ~0x80;
    double zero = 0;

    __asm__ volatile("ldmxcsr %0\n divsd %1, %1" : : "m"(control), "x"(zero));
}

enum { NO_ADDRESS, AT_INSTRUCTION, FIXED };

static const struct {
    const char *name;
    void (*mistake)(void);
    int signo, code, trap, place;
    uintptr_t address;
} mistakes[] = {
    {"divide_by_zero_is_sigfpe_intdiv", divide_by_zero, SIGFPE, FPE_INTDIV, 0, AT_INSTRUCTION, 0},
    {"divide_overflow_is_sigfpe_intdiv", divide_overflow, SIGFPE, FPE_INTDIV, 0, AT_INSTRUCTION, 0},
    {"sse_invalid_operation_is_sigfpe_fltinv", sse_invalid, SIGFPE, FPE_FLTINV, 19, AT_INSTRUCTION, 0},
    {"undefined_instruction_is_sigill_illopn", undefined, SIGILL, ILL_ILLOPN, 6, AT_INSTRUCTION, 0},
    {"breakpoint_is_sigtrap", breakpoint, SIGTRAP, SI_KERNEL, 3, NO_ADDRESS, 0},
    {"single_step_is_sigtrap_trace", single_step, SIGTRAP, TRAP_TRACE, 1, AT_INSTRUCTION, 0},
    {"halt_is_sigsegv", privileged, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
    {"disabling_interrupts_is_sigsegv", disable_interrupts, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
    {"port_output_is_sigsegv", port_output, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
    {"reading_cr3_is_sigsegv", read_cr3, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
    {"unknown_interrupt_is_sigsegv", software_interrupt, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
    {"read_near_null_is_sigsegv_maperr", null_read, SIGSEGV, SEGV_MAPERR, 14, FIXED, 0x10},
    {"write_near_null_is_sigsegv_maperr", null_write, SIGSEGV, SEGV_MAPERR, 14, FIXED, 0x18},
    {"jump_to_null_is_sigsegv_maperr", jump_to_null, SIGSEGV, SEGV_MAPERR, 14, FIXED, 0},
    {"non_canonical_read_is_sigsegv", non_canonical, SIGSEGV, SI_KERNEL, 13, FIXED, 0},
};

/* QEMU's own translator knows no unmasked exceptions of the SSE unit. */
static bool emulated(void)
{
    unsigned a, b, c, d;

    __cpuid(0x40000000, a, b, c, d);
    return b == 0x54474354;     // "TCGTCGTCGTCG"
}

static void try_mistake(size_t i)
{
    if (mistakes[i].trap == 19 && emulated()) {
        skip("the emulator does not raise it", "%s", mistakes[i].name);
        return;
    }
    got_signal = got_code = got_trap = -1;
    got_address = 99;
    if (sigsetjmp(back, 1) == 0)
        mistakes[i].mistake();
    bool good = got_signal == mistakes[i].signo && got_code == mistakes[i].code && got_trap == mistakes[i].trap;
    if (mistakes[i].place == AT_INSTRUCTION)
        good = good && got_address == got_rip;
    if (mistakes[i].place == FIXED)
        good = good && got_address == mistakes[i].address;
    if (!good)
        diag("signal %d code %d trap %d address 0x%lx rip 0x%lx", got_signal, got_code, got_trap, got_address, got_rip);
    ok(good, "%s", mistakes[i].name);
}

static volatile int traps;

static void count_trap(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)info, (void)context;
    traps++;
}

/* A trap is told after its instruction: returning from the handler goes on behind it. */
static bool returning_from_a_breakpoint_goes_on(void)
{
    struct sigaction action = {.sa_sigaction = count_trap, .sa_flags = SA_SIGINFO};

    sigaction(SIGTRAP, &action, NULL);
    traps = 0;
    breakpoint();
    breakpoint();
    CHECK_EQ(traps, 2);
    return true;
}

static bool blocked_fault(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    null_read();
    return false;
}

static bool ignored_fault(void)
{
    signal(SIGSEGV, SIG_IGN);
    null_read();
    return false;
}

/* It cannot wait and cannot be ignored: the instruction would come again for ever. */
static bool blocked_or_ignored_fault_is_death(void)
{
    CHECK(killed_by(child_run(blocked_fault), SIGSEGV));
    CHECK(killed_by(child_run(ignored_fault), SIGSEGV));
    return true;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

    for (int i = 0; i < 5; i++)
        sigaction(signals[i], &action, NULL);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        try_mistake(i);
    TEST(returning_from_a_breakpoint_goes_on);
    TEST(blocked_or_ignored_fault_is_death);
    return tap_done();
}
