// SPDX-License-Identifier: MIT
/*
 * trap.c - decode what the CPU reports, hand it to who knows, and act on the answer.
 *
 * No policy here: page faults are resolved in mm/fault.c, system calls in sys/, signals in proc/. What remains is which
 * signal a trap becomes (as on Linux), and when the kernel itself is at fault.
 */
#include "arch/x86/trap.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "arch/x86/fpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging.h"
#include "arch/x86/power.h"
#include "arch/x86/smp.h"
#include "arch/x86/user_copy.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/fault.h"
#include "mm/kalloc.h"
#include "mm/kasan_report.h"
#include "mm/reclaim.h"
#include "proc/oom.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/thread.h"
#include "sync/sched.h"
#include "sys/syscall.h"

/* --- the way back to user mode */

/* Whether a system call ended with one of signal.h's restart codes. */
static bool asks_for_restart(int64_t result)
{
    return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

static bool signal_wanted(void)
{
    return atomic_load_explicit(&current_kthread()->interrupt, memory_order_relaxed);
}

/*
 * Do what must be done before user code runs on: let others run, stop, die, take signals.
 *
 * => interrupts are off when it returns, and nothing was left to do then
 */
static inline void prepare_user_return(struct trap_frame *tf)
{
    irq_disable();
    while (unlikely(preempt_requested() || signal_wanted())) {
        if (signal_wanted()) {
            irq_enable();
            proc_return_to_user(tf);
            irq_disable();
        }
        sched_preempt();
    }
    DEBUG_ASSERT(preempt_count() == 0);
}

/* ENOMEM, and what Linux says in its place of signals, timers and locks. */
static bool may_mean_no_memory(int64_t result)
{
    return result == -ENOMEM || result == -EAGAIN || result == -ENOLCK;
}

/*
 * An allocation has failed, and an error is told. A call that found no memory has changed nothing: look for some, and make it once
 * more. One that cannot be made again, since it has changed something, has taken the note of the failure away (kalloc_failed).
 */
static int64_t __cold call_again(struct trap_frame *tf, int64_t result)
{
    for (unsigned attempt = 0; may_mean_no_memory(result) && reclaim_for_call(attempt); attempt++)
        result = syscall_dispatch(tf);
    (void)kalloc_failed();
    return result;
}

void syscall_entry(struct trap_frame *tf)
{
    irq_enable();
    current_kthread()->lacked_memory = false; // a fault before, or a call that went another way, may have left it
    int64_t result = syscall_dispatch(tf);

    if (unlikely(result < 0) && unlikely(current_kthread()->lacked_memory))
        result = call_again(tf, result);
    tf->rax = (uint64_t)result;
    if (unlikely(asks_for_restart(result)))
        proc_return_to_user(tf);
    prepare_user_return(tf);
}

/* --- the kernel at fault */

static const char *running_name(void)
{
    if (!current_kthread())
        return "boot";
    return current_is_user_thread() ? current_process()->comm : current_kthread()->name;
}

static void __noreturn __cold kernel_trap_panic(struct trap_frame *tf, vaddr_t address)
{
    trap_frame_print(tf);
    if ((tf->trapno == T_DBLFLT || tf->trapno == T_PGFLT) && kstack_is_guard(address))
        panic("kernel stack overflow in %s, cpu %u", running_name(), cpu_id());
    if (tf->trapno == T_PGFLT)
        kasan_report_fault(address, tf->rip);
    if (tf->trapno == T_PGFLT)
        panic("page fault in the kernel: %s of %#lx in %s, cpu %u",
              tf->err & PF_I   ? "execution"
              : tf->err & PF_W ? "write"
                               : "read",
              address, running_name(), cpu_id());
    if (tf->trapno == T_GPFLT)
        kasan_explain_protection_fault();
    panic("%s in the kernel, in %s, cpu %u", trap_name(tf->trapno), running_name(), cpu_id());
}

/* --- page faults */

static void force_fault_signal(struct trap_frame *tf, int signal, int code, vaddr_t address)
{
    struct thread *thread = current_thread();

    thread->trap_number = tf->trapno;
    thread->trap_error = tf->err;
    signal_force(signal, code, address);
}

static void act_on_outcome(struct trap_frame *tf, const struct fault *fault)
{
    switch (fault->outcome) {
    case FAULT_SEGV_MAPERR: return force_fault_signal(tf, SIGSEGV, SEGV_MAPERR, fault->address);
    case FAULT_SEGV_ACCERR: return force_fault_signal(tf, SIGSEGV, SEGV_ACCERR, fault->address);
    case FAULT_BUS_ADRERR: return force_fault_signal(tf, SIGBUS, BUS_ADRERR, fault->address);
    default: return; // out of memory: this thread was chosen to end, and SIGKILL waits for it
    }
}

/*
 * Ask mm, and note what it found for /proc/self/gaur/fault. Out of memory: somebody has to go first.
 *
 * => interrupts on; may sleep; true if the access may be tried again
 */
static bool resolve(struct fault *fault)
{
    struct thread *thread = current_thread();

    while (vspace_fault(thread->process->vspace, fault) == FAULT_OOM && oom_kill())
        ;
    thread->last_fault = *fault;
    if (unlikely(fault->major))
        thread->major_faults++;
    else
        thread->minor_faults++;
    return fault->outcome == FAULT_RESOLVED || fault->outcome == FAULT_RETRY;
}

/* Whether the interrupted kernel code may wait for a page: a user's thread, where sleeping is allowed. */
static bool may_resolve(const struct trap_frame *tf)
{
    return preempt_count() == 0 && (tf->rflags & RFLAGS_IF) && current_is_user_thread() && current_process()->vspace;
}

/* The kernel touched a user address. Only user_copy.S may; where a fault cannot be resolved it returns -EFAULT. */
static void user_copy_fault(struct trap_frame *tf, struct fault *fault)
{
    if (fault->address >= USER_END || (fault->code & PF_RSVD) || !exception_expected(tf->rip))
        kernel_trap_panic(tf, fault->address);
    if (may_resolve(tf)) {
        irq_enable();
        bool resolved = resolve(fault);

        irq_disable();
        if (resolved)
            return;
    }
    exception_fixup(tf);
}

static void page_fault(struct trap_frame *tf)
{
    struct fault fault = {.address = arch_read_fault_address(), .code = (uint32_t)tf->err};

    if (!trap_frame_is_user(tf))
        return user_copy_fault(tf, &fault);
    if (fault.code & PF_RSVD)
        kernel_trap_panic(tf, fault.address);
    irq_enable();
    if (!resolve(&fault))
        act_on_outcome(tf, &fault);
    prepare_user_return(tf);
}

/* --- other exceptions */

static int floating_point_code(uint32_t exceptions)
{
    if (exceptions & 1)
        return FPE_FLTINV;
    if (exceptions & 4)
        return FPE_FLTDIV;
    if (exceptions & 8)
        return FPE_FLTOVF;
    if (exceptions & (2 | 16))
        return FPE_FLTUND;
    return exceptions & 32 ? FPE_FLTRES : SI_KERNEL;
}

/* A protection fault has no address. It is told as the non-canonical access that it mostly is. */
static void note_protection_fault(const struct trap_frame *tf)
{
    current_thread()->last_fault = (struct fault){
        .code = (uint32_t)tf->err,
        .cause = CAUSE_NON_CANONICAL,
        .outcome = FAULT_SEGV_MAPERR,
    };
}

/* Signals, codes and addresses as arch/x86/kernel/traps.c of Linux gives them. */
static __cold void user_exception(struct trap_frame *tf)
{
    uint32_t floating =
        tf->trapno == T_FPERR || tf->trapno == T_SIMDERR ? fpu_pending_exceptions(tf->trapno == T_SIMDERR) : 0;

    irq_enable();
    switch (tf->trapno) {
    case T_DIVIDE: force_fault_signal(tf, SIGFPE, FPE_INTDIV, tf->rip); break;
    case T_DEBUG: force_fault_signal(tf, SIGTRAP, TRAP_TRACE, tf->rip); break;
    case T_BRKPT: force_fault_signal(tf, SIGTRAP, SI_KERNEL, 0); break;
    case T_ILLOP: force_fault_signal(tf, SIGILL, ILL_ILLOPN, tf->rip); break;
    case T_SEGNP:
    case T_STACK: force_fault_signal(tf, SIGBUS, SI_KERNEL, 0); break;
    case T_ALIGN: force_fault_signal(tf, SIGBUS, BUS_ADRALN, 0); break;
    case T_FPERR:
    case T_SIMDERR: force_fault_signal(tf, SIGFPE, floating_point_code(floating), tf->rip); break;
    default: note_protection_fault(tf); force_fault_signal(tf, SIGSEGV, SI_KERNEL, 0);
    }
    prepare_user_return(tf);
}

/* Another CPU's panic; else a person who wants to know where a kernel hangs ("nmi" in QEMU's monitor). */
static void __noreturn non_maskable_interrupt(struct trap_frame *tf)
{
    if (smp_halt_requested())
        machine_halt_cpu();
    kernel_trap_panic(tf, 0);
}

static void interrupt(struct trap_frame *tf)
{
    irq_dispatch(tf);
    if (trap_frame_is_user(tf))
        prepare_user_return(tf);
    else if (unlikely(preempt_raw() == 0))
        sched_preempt();
}

void trap(struct trap_frame *tf)
{
    if (tf->trapno == T_PGFLT)
        page_fault(tf);
    else if (tf->trapno >= T_IRQ0)
        interrupt(tf);
    else if (tf->trapno == T_NMI)
        non_maskable_interrupt(tf);
    else if (tf->trapno == T_DBLFLT || tf->trapno == T_MCHK)
        kernel_trap_panic(tf, arch_read_fault_address());
    else if (trap_frame_is_user(tf))
        user_exception(tf);
    else
        kernel_trap_panic(tf, 0);
}
