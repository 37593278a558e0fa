// SPDX-License-Identifier: MIT
/*
 * futex.c - decode futex(2) for proc/futex.h. Priority inheritance is not there: -ENOSYS.
 */
#include "proc/futex.h"

#include <linux/futex.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* The call's six arguments by their usual names; what each means depends on the operation. */
struct futex_call {
    vaddr_t address, address2;
    uint32_t value, value2, value3;
    vaddr_t timeout;
    bool shared, realtime;
};

/* Whether the timeout is a moment (on the clock that the operation names) or a length. */
static int futex_deadline(const struct futex_call *call, bool absolute, uint64_t *deadline)
{
    uint64_t ns, now;
    int error;

    *deadline = FUTEX_FOREVER;
    if (!call->timeout)
        return 0;
    error = user_timespec(call->timeout, &ns);
    if (error)
        return error;
    if (!absolute) {
        *deadline = deadline_after(ns);
    } else if (call->realtime) {
        now = clock_realtime_ns();
        *deadline = ns > now ? deadline_after(ns - now) : 0;
    } else {
        *deadline = ns;
    }
    return 0;
}

/* A wait with a timeout goes on after a stop, to the same deadline. */
static int64_t futex_wait_again(struct restart_block *block)
{
    struct futex_wait_request request = {
        .address = block->args[0],
        .value = block->args[1],
        .bitset = block->args[1] >> 32,
        .deadline = block->args[2],
        .shared = block->args[3],
    };
    int64_t result = futex_wait(&request);

    return result == -EINTR ? signal_restart_with(futex_wait_again, block->args, 4) : result;
}

static int64_t futex_sleep(const struct futex_call *call, uint32_t bitset, bool absolute)
{
    struct futex_wait_request request = {
        .address = call->address, .value = call->value, .bitset = bitset, .shared = call->shared,
    };
    int64_t result;

    if (!bitset)
        return -EINVAL;
    result = futex_deadline(call, absolute, &request.deadline);
    if (!result)
        result = futex_wait(&request);
    if (result != -EINTR)
        return result;
    if (request.deadline == FUTEX_FOREVER)
        return -ERESTARTSYS;
    uint64_t args[] = {request.address, request.value | (uint64_t)bitset << 32, request.deadline, request.shared};

    return signal_restart_with(futex_wait_again, args, ARRAY_SIZE(args));
}

static int64_t requeue(const struct futex_call *call, bool compare)
{
    struct futex_requeue_request request = {
        .from = call->address,
        .to = call->address2,
        .wake = call->value,
        .requeue = call->value2,
        .compare = compare,
        .value = call->value3,
        .shared = call->shared,
    };

    if ((int32_t)call->value < 0 || (int32_t)call->value2 < 0)
        return -EINVAL;
    return futex_requeue(&request);
}

static int64_t wake_op(const struct futex_call *call)
{
    struct futex_wake_op_request request = {
        .first = call->address,
        .second = call->address2,
        .wake_first = call->value,
        .wake_second = call->value2,
        .operation = call->value3,
        .shared = call->shared,
    };

    return futex_wake_op(&request);
}

SYSCALL6(futex, vaddr_t, address, int, operation, uint32_t, value, uint64_t, timeout, vaddr_t, address2, uint32_t,
         value3)
{
    struct futex_call call = {
        .address = address,
        .address2 = address2,
        .value = value,
        .value2 = timeout,
        .value3 = value3,
        .timeout = timeout,
        .shared = !(operation & FUTEX_PRIVATE_FLAG),
        .realtime = operation & FUTEX_CLOCK_REALTIME,
    };
    int command = operation & FUTEX_CMD_MASK;

    if (call.realtime && command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT:
        return futex_sleep(&call, FUTEX_BITSET_MATCH_ANY, false);
    case FUTEX_WAIT_BITSET:
        return futex_sleep(&call, value3, true);
    case FUTEX_WAKE:
        return futex_wake(address, value, FUTEX_BITSET_MATCH_ANY, call.shared);
    case FUTEX_WAKE_BITSET:
        return value3 ? futex_wake(address, value, value3, call.shared) : -EINVAL;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return requeue(&call, command == FUTEX_CMP_REQUEUE);
    case FUTEX_WAKE_OP:
        return wake_op(&call);
    default:
        return -ENOSYS;
    }
}
