// SPDX-License-Identifier: MIT
/*
 * fault.h - page faults: why one happened and what came of it.
 */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "lib/types.h"

struct vspace;

/* What the faulting access met: the rows of the fault table in docs/mm.md. */
enum fault_cause {
    CAUSE_NONE,
    CAUSE_STACK_GROWTH,       // first write below the stack
    CAUSE_STACK_GROWTH_READ,  // first read there
    CAUSE_ANONYMOUS_WRITE,    // first touch of anonymous memory
    CAUSE_ANONYMOUS_READ,
    CAUSE_ZERO_FRAME_WRITE,   // a write to the zero frame
    CAUSE_FILE_FIRST_TOUCH,   // first touch of file-backed memory
    CAUSE_FILE_PRIVATE_WRITE, // a write to a present private file page
    CAUSE_FILE_SHARED_WRITE,  // the first write to a shared file page
    CAUSE_COW_WRITE,          // a write to a page whose frame others hold, or held
    CAUSE_SWAPPED,            // a page in swap
    CAUSE_SHARED_NODE_WRITE,  // a write under a node shared after fork: the path became private, and no more was needed
    CAUSE_ALREADY_RESOLVED,   // the entry was behind its metadata, or another CPU was faster
    CAUSE_READONLY_WRITE,
    CAUSE_PROT_NONE,
    CAUSE_NO_EXECUTE,
    CAUSE_PAST_END_OF_FILE,
    CAUSE_NO_REGION,
    CAUSE_KERNEL_ADDRESS,
    CAUSE_NON_CANONICAL,      // a general protection fault, told by trap.c
    CAUSES
};

/* What the caller has to do. */
enum fault_outcome {
    FAULT_RESOLVED,   // the access will succeed: go back
    FAULT_RETRY,      // go back and fault again: somebody is at work on the page
    FAULT_SEGV_MAPERR, // SIGSEGV, SEGV_MAPERR
    FAULT_SEGV_ACCERR, // SIGSEGV, SEGV_ACCERR
    FAULT_BUS_ADRERR,  // SIGBUS, BUS_ADRERR
    FAULT_OOM,         // no memory for it
    FAULT_OUTCOMES
};

/* One fault, before and after. */
struct fault {
    vaddr_t address;             // CR2
    uint32_t code;               // tf->err: PF_P | PF_W | PF_U | PF_I
    enum fault_cause cause;      // out
    enum fault_outcome outcome;  // out
    bool major;                  // out: it waited for a device
    bool watched;                // in watch_fault (watch.h), which is not to be entered again
    uint8_t ahead;               // out: pages behind it that were filled as well
};

/*
 * Resolve a fault of an access to `space`, by user or kernel.
 *
 * => may sleep; no spinlock and no vspace lock held. Fills in cause and outcome, and returns the outcome
 */
enum fault_outcome vspace_fault(struct vspace *space, struct fault *fault);

/* "cow_write", "resolved", ...: the words of /proc/PID/gaur/fault. */
const char *fault_cause_name(enum fault_cause cause);
const char *fault_outcome_name(enum fault_outcome outcome);

/* Who tells how many bytes the running process may lock in all: a stack that is locked stays within them. => once, at boot */
void fault_set_lock_limit(uint64_t (*limit)(void));

#endif
