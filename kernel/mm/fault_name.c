// SPDX-License-Identifier: MIT
/* fault_name.c - the words for causes and outcomes of faults, as /proc/PID/gaur/fault tells them. */
#include "mm/fault.h"

static const char *const cause_names[CAUSES] = {
    [CAUSE_NONE] = "none",
    [CAUSE_STACK_GROWTH] = "stack_growth",
    [CAUSE_STACK_GROWTH_READ] = "stack_growth_read",
    [CAUSE_ANONYMOUS_WRITE] = "anonymous_write",
    [CAUSE_ANONYMOUS_READ] = "anonymous_read",
    [CAUSE_ZERO_FRAME_WRITE] = "zero_frame_write",
    [CAUSE_FILE_FIRST_TOUCH] = "file_first_touch",
    [CAUSE_FILE_PRIVATE_WRITE] = "file_private_write",
    [CAUSE_FILE_SHARED_WRITE] = "file_shared_write",
    [CAUSE_COW_WRITE] = "cow_write",
    [CAUSE_SWAPPED] = "swapped",
    [CAUSE_SHARED_NODE_WRITE] = "shared_node_write",
    [CAUSE_ALREADY_RESOLVED] = "already_resolved",
    [CAUSE_READONLY_WRITE] = "readonly_write",
    [CAUSE_PROT_NONE] = "prot_none",
    [CAUSE_NO_EXECUTE] = "no_execute",
    [CAUSE_PAST_END_OF_FILE] = "past_end_of_file",
    [CAUSE_NO_REGION] = "no_region",
    [CAUSE_KERNEL_ADDRESS] = "kernel_address",
    [CAUSE_NON_CANONICAL] = "non_canonical",
};

static const char *const outcome_names[FAULT_OUTCOMES] = {
    [FAULT_RESOLVED] = "resolved",
    [FAULT_RETRY] = "retry",
    [FAULT_SEGV_MAPERR] = "sigsegv_maperr",
    [FAULT_SEGV_ACCERR] = "sigsegv_accerr",
    [FAULT_BUS_ADRERR] = "sigbus_adrerr",
    [FAULT_OOM] = "out_of_memory",
};

const char *fault_cause_name(enum fault_cause cause)
{
    return cause_names[cause];
}

const char *fault_outcome_name(enum fault_outcome outcome)
{
    return outcome_names[outcome];
}
