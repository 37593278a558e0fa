// SPDX-License-Identifier: MIT
/*
 * signal_frame.c - the frame that a signal handler finds on the user's stack, and the way back through it.
 *
 * The layout is Linux's (arch/x86/kernel/signal.c there); C libraries, debuggers and language run-times
 * know it by heart:
 *
 *     high    red zone of 128 bytes below the interrupted stack pointer, or the top of the alternate stack
 *             FPU state: XSAVE format, aligned to 64, with FP_XSTATE_MAGIC2 behind it
 *             siginfo           128 bytes
 *             ucontext          registers, signal mask
 *     rsp ->  return address    sa_restorer, which calls rt_sigreturn; rsp + 8 is aligned to 16
 *
 * Nothing that comes back from there is trusted: the mask, the flags, the segments and the FPU state are
 * made harmless, and an instruction pointer beyond user addresses is refused.
 */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

#include "arch/x86/descriptor.h"
#include "arch/x86/fpu.h"
#include "arch/x86/layout.h"
#include "arch/x86/trap.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/signal_take.h"

#define RED_ZONE 128
#define FX_SIZE 512                 // the part of an FPU state that FXSAVE knows
#define NO_SYSCALL UINT64_MAX

/* struct rt_sigframe in Linux's arch/x86/include/asm/sigframe.h. */
struct signal_frame {
    uint64_t return_address;
    struct ucontext context;
    struct siginfo info;
};

static_assert(sizeof(struct ucontext) == 304, "Linux's ucontext");
static_assert(offsetof(struct signal_frame, info) == 312, "Linux's rt_sigframe");
static_assert(sizeof(struct siginfo) == 128 && sizeof(struct signal_info) == 48, "Linux's siginfo");
static_assert(offsetof(struct _fpstate, sw_reserved) == 464, "bytes that XSAVE leaves to software");

/* Where the parts of a frame lie. */
struct frame_place {
    vaddr_t frame, fpstate;
};

static vaddr_t member(vaddr_t frame, size_t offset)
{
    return frame + offset;
}

#define FRAME_MEMBER(place, name) member((place)->frame, offsetof(struct signal_frame, name))

/*
 * => false: it does not fit, because the alternate stack would overflow
 */
static bool place_frame(const struct trap_frame *tf, const struct sigaction *action,
                        struct frame_place *place)
{
    const struct thread *thread = current_thread();
    bool nested = signal_on_altstack(tf->rsp);
    bool entering = (action->sa_flags & SA_ONSTACK) && signal_altstack_flags(tf->rsp) == 0;
    vaddr_t sp = entering ? thread->altstack_base + thread->altstack_size : tf->rsp - RED_ZONE;

    place->fpstate = ALIGN_DOWN(sp - fpu_state_size() - FP_XSTATE_MAGIC2_SIZE, (vaddr_t)FPU_STATE_ALIGN);
    place->frame = ALIGN_DOWN(place->fpstate - sizeof(struct signal_frame), (vaddr_t)16) - 8;
    return !(nested || entering) || signal_within_altstack(place->frame);
}

/* The FPU state, marked as Linux marks it, from thread->fpu. => it is unloaded; 0 or -EFAULT */
static __must_check int push_fpu(vaddr_t fpstate)
{
    struct _fpstate *state = current_thread()->fpu;
    uint32_t size = fpu_state_size();
    int error;

    state->sw_reserved = (struct _fpx_sw_bytes){
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = size + FP_XSTATE_MAGIC2_SIZE,
        .xfeatures = fpu_features(),
        .xstate_size = size,
    };
    error = copy_to_user(fpstate, state, size);
    return error != 0 ? error : put_user_u32(fpstate + size, FP_XSTATE_MAGIC2);
}

/* Up to the registers: return address, flags, link and alternate stack. */
static __must_check __attribute__((noinline)) int push_head(const struct frame_place *place,
                                                            const struct sigaction *action, vaddr_t sp)
{
    const struct thread *thread = current_thread();
    struct {
        uint64_t return_address, uc_flags, uc_link;
        stack_t uc_stack;
    } head = {
        .return_address = (uint64_t)action->sa_restorer,
        .uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
        .uc_stack = {
            .ss_sp = (void *)thread->altstack_base,
            .ss_flags = signal_altstack_flags(sp) | (int)(thread->altstack_flags & SS_AUTODISARM),
            .ss_size = thread->altstack_size,
        },
    };

    static_assert(sizeof(head) == offsetof(struct signal_frame, context.uc_mcontext), "no gap");
    return copy_to_user(place->frame, &head, sizeof(head));
}

/* The registers, in the order of struct sigcontext. */
static void registers_to_context(struct sigcontext *to, const struct trap_frame *tf)
{
    const struct thread *thread = current_thread();

    memset(to, 0, sizeof(*to));
    to->r8 = tf->r8, to->r9 = tf->r9, to->r10 = tf->r10, to->r11 = tf->r11;
    to->r12 = tf->r12, to->r13 = tf->r13, to->r14 = tf->r14, to->r15 = tf->r15;
    to->rdi = tf->rdi, to->rsi = tf->rsi, to->rbp = tf->rbp, to->rbx = tf->rbx;
    to->rdx = tf->rdx, to->rax = tf->rax, to->rcx = tf->rcx, to->rsp = tf->rsp;
    to->rip = tf->rip;
    to->eflags = tf->rflags;
    to->cs = tf->cs;
    to->ss = tf->ss;
    to->err = thread->trap_error;
    to->trapno = thread->trap_number;
    to->cr2 = thread->last_fault.address;
}

static __must_check __attribute__((noinline)) int push_registers(const struct frame_place *place,
                                                                 const struct trap_frame *tf,
                                                                 sigset_t blocked)
{
    struct sigcontext context;

    registers_to_context(&context, tf);
    context.oldmask = blocked;
    context.fpstate = (struct _fpstate *)place->fpstate;
    return copy_to_user(FRAME_MEMBER(place, context.uc_mcontext), &context, sizeof(context));
}

static __must_check int push_info(const struct frame_place *place, const struct signal_info *info)
{
    int error = copy_to_user(FRAME_MEMBER(place, info), info, sizeof(*info));

    if (error != 0)
        return error;
    return clear_user(FRAME_MEMBER(place, info) + sizeof(*info), sizeof(struct siginfo) - sizeof(*info));
}

/* Everything but the FPU state. */
static __must_check int push_parts(const struct frame_place *place, const struct taken_signal *taken,
                                   const struct trap_frame *tf, sigset_t blocked)
{
    int error = push_head(place, &taken->action, tf->rsp);

    if (error == 0)
        error = push_registers(place, tf, blocked);
    if (error == 0)
        error = put_user_u64(FRAME_MEMBER(place, context.uc_sigmask), blocked);
    if (error == 0 && (taken->action.sa_flags & SA_SIGINFO))
        error = push_info(place, &taken->info);
    return error;
}

/* The handler's first registers: handler(sig, info, context), with a stack as after a call. */
static void enter_handler(struct trap_frame *tf, const struct frame_place *place,
                          const struct taken_signal *taken)
{
    tf->rdi = taken->sig;
    tf->rsi = FRAME_MEMBER(place, info);
    tf->rdx = FRAME_MEMBER(place, context);
    tf->rax = 0; // for a handler with a variable number of arguments
    tf->rip = (uint64_t)taken->action.sa_handler;
    tf->rsp = place->frame;
    tf->cs = SEL_USER_CODE;
    tf->ss = SEL_USER_DATA;
    tf->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
}

int signal_frame_push(struct trap_frame *tf, const struct taken_signal *taken, sigset_t blocked)
{
    struct thread *thread = current_thread();
    struct frame_place place;
    int error;

    // Without a restorer the handler could not return, and beyond user addresses it could not be entered.
    if (!(taken->action.sa_flags & SA_RESTORER) || (vaddr_t)taken->action.sa_handler >= USER_END)
        return -EFAULT;
    if (!place_frame(tf, &taken->action, &place))
        return -EFAULT;
    thread_fpu_unload();
    error = push_fpu(place.fpstate);
    if (error == 0)
        error = push_parts(&place, taken, tf, blocked);
    if (error != 0) {
        thread_fpu_load();
        return error;
    }
    thread_fpu_reset();
    if (thread->altstack_flags & SS_AUTODISARM)
        thread->altstack_base = thread->altstack_size = thread->altstack_flags = 0;
    enter_handler(tf, &place, taken);
    return 0;
}

/* Whether the state on the stack has all of XSAVE's components and not only FXSAVE's. */
static bool is_extended(vaddr_t fpstate, const struct _fpx_sw_bytes *marks)
{
    uint32_t size = fpu_state_size();
    uint32_t magic2;

    return marks->magic1 == FP_XSTATE_MAGIC1 && marks->xstate_size == size
           && marks->extended_size >= size + FP_XSTATE_MAGIC2_SIZE
           && get_user_u32(&magic2, fpstate + size) == 0 && magic2 == FP_XSTATE_MAGIC2;
}

/* => 0 or -EFAULT; the state is then a fresh one */
static __must_check int pop_fpu(vaddr_t fpstate)
{
    struct thread *thread = current_thread();
    struct _xstate *state = thread->fpu;
    struct _fpx_sw_bytes marks;
    int error;

    if (fpstate == 0) {
        thread_fpu_reset();
        return 0;
    }
    error = copy_from_user(&marks, member(fpstate, offsetof(struct _fpstate, sw_reserved)), sizeof(marks));
    if (error != 0)
        return error;
    thread_fpu_unload();
    fpu_initial(state);
    if (is_extended(fpstate, &marks)) {
        error = copy_from_user(state, fpstate, fpu_state_size());
    } else {
        error = copy_from_user(state, fpstate, FX_SIZE);
        state->xstate_hdr.xfeatures = 3; // x87 and SSE
    }
    if (error != 0)
        fpu_initial(state);
    else
        fpu_sanitize(state);
    thread_fpu_load();
    return error;
}

static __must_check int context_to_registers(struct trap_frame *tf, const struct sigcontext *from)
{
    if (from->rip >= USER_END)
        return -EFAULT;
    tf->r8 = from->r8, tf->r9 = from->r9, tf->r10 = from->r10, tf->r11 = from->r11;
    tf->r12 = from->r12, tf->r13 = from->r13, tf->r14 = from->r14, tf->r15 = from->r15;
    tf->rdi = from->rdi, tf->rsi = from->rsi, tf->rbp = from->rbp, tf->rbx = from->rbx;
    tf->rdx = from->rdx, tf->rax = from->rax, tf->rcx = from->rcx, tf->rsp = from->rsp;
    tf->rip = from->rip;
    tf->rflags = trap_frame_merge_rflags(tf->rflags, from->eflags);
    tf->cs = SEL_USER_CODE;
    tf->ss = SEL_USER_DATA;
    return 0;
}

static __must_check __attribute__((noinline)) int pop_registers(struct trap_frame *tf,
                                                                const struct frame_place *place,
                                                                vaddr_t *fpstate)
{
    struct sigcontext context;
    int error = copy_from_user(&context, FRAME_MEMBER(place, context.uc_mcontext), sizeof(context));

    *fpstate = (vaddr_t)context.fpstate;
    return error != 0 ? error : context_to_registers(tf, &context);
}

/* A handler may have written another alternate stack into the frame; if it is no good the old one stays. */
static __must_check int pop_altstack(const struct frame_place *place, vaddr_t sp)
{
    stack_t stack;
    int error = copy_from_user(&stack, FRAME_MEMBER(place, context.uc_stack), sizeof(stack));

    if (error == 0)
        (void)signal_altstack(&stack, NULL, sp);
    return error;
}

static __must_check int frame_pop(struct trap_frame *tf)
{
    struct frame_place place = {.frame = tf->rsp - 8}; // the handler's return took the return address
    uint64_t blocked;
    int error = get_user_u64(&blocked, FRAME_MEMBER(&place, context.uc_sigmask));

    if (error == 0)
        error = pop_registers(tf, &place, &place.fpstate);
    if (error == 0)
        error = pop_fpu(place.fpstate);
    if (error == 0)
        error = pop_altstack(&place, tf->rsp);
    if (error == 0)
        signal_set_blocked(blocked);
    return error;
}

int64_t signal_return(struct trap_frame *tf)
{
    current_thread()->restart.again = NULL;
    tf->err = NO_SYSCALL; // whatever rax will hold is no restart code
    if (frame_pop(tf) != 0)
        signal_force(SIGSEGV, SI_KERNEL, 0);
    return tf->rax;
}
