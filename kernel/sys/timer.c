// SPDX-License-Identifier: MIT
/*
 * timer.c - POSIX timers: decode for proc/posix_timer.h.
 */
#include <linux/time.h>

#include "mm/usercopy.h"
#include "proc/cpu_clock.h"
#include "proc/posix_timer.h"
#include "proc/signal.h"
#include "sys/clock.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* => 0; -EINVAL: no clock; -EOPNOTSUPP: one that timers cannot go by */
static int check_clock(int clock)
{
    uint64_t ns;

    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
        return 0;
    if (cpu_clock_is(clock) && !clock_is_dynamic(clock))
        return 0;
    return clock_is_dynamic(clock) || !clock_read(clock, &ns) ? -EOPNOTSUPP : -EINVAL;
}

static int read_request(struct posix_timer_request *request, vaddr_t address)
{
    struct sigevent event;

    if (!address) {
        request->by_default = true;
        request->notify = SIGEV_SIGNAL;
        request->sig = SIGALRM;
        return 0;
    }
    if (copy_from_user(&event, address, sizeof(event)))
        return -EFAULT;
    request->notify = event.sigev_notify;
    request->sig = event.sigev_signo;
    request->value = event.sigev_value;
    request->thread = event.sigev_notify_thread_id;
    return 0;
}

SYSCALL3(timer_create, int, clock, vaddr_t, event, vaddr_t, id_address)
{
    struct posix_timer_request request = {.clock = clock};
    int id = read_request(&request, event);

    if (!id)
        id = check_clock(clock);
    if (!id)
        id = posix_timer_create(&request);
    if (id < 0 || !put_user_u32(id_address, id))
        return MIN(id, 0);
    (void)posix_timer_delete(id); // it is there
    return -EFAULT;
}

SYSCALL4(timer_settime, int, id, int, flags, vaddr_t, new_address, vaddr_t, old_address)
{
    struct alarm_setting new, old;
    int error;

    if (!new_address)
        return -EINVAL;
    error = user_itimerspec(new_address, &new);
    if (!error)
        error = posix_timer_set(id, flags & TIMER_ABSTIME, &new, &old);
    if (!error && old_address)
        error = put_itimerspec(old_address, &old);
    return error;
}

SYSCALL2(timer_gettime, int, id, vaddr_t, address)
{
    struct alarm_setting setting;
    int error = posix_timer_get(id, &setting);

    return error ? error : put_itimerspec(address, &setting);
}

SYSCALL1(timer_getoverrun, int, id)
{
    return posix_timer_overrun(id);
}

SYSCALL1(timer_delete, int, id)
{
    return posix_timer_delete(id);
}
