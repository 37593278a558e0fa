// SPDX-License-Identifier: MIT
#include "sys/user_time.h"

#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/usercopy.h"

#define NS_PER_US 1000ull

uint64_t deadline_after(uint64_t ns)
{
    uint64_t deadline;

    return add_overflows(clock_ns(), ns, &deadline) ? TIMER_NEVER : deadline;
}

/* seconds and fraction, not negative. => 0, -EINVAL */
static int to_ns(int64_t seconds, uint64_t fraction, uint64_t per_second, uint64_t *ns)
{
    if (seconds < 0 || fraction >= per_second)
        return -EINVAL;
    if (mul_overflows(seconds, NS_PER_SECOND, ns) || add_overflows(*ns, fraction * (NS_PER_SECOND / per_second), ns))
        *ns = TIMER_NEVER;
    return 0;
}

int user_timespec(vaddr_t address, uint64_t *ns)
{
    struct timespec time;
    int error = copy_from_user(&time, address, sizeof(time));

    return error ? error : to_ns(time.tv_sec, time.tv_nsec, NS_PER_SECOND, ns);
}

int user_timeval(vaddr_t address, uint64_t *ns)
{
    struct timeval time;
    int error = copy_from_user(&time, address, sizeof(time));

    return error ? error : to_ns(time.tv_sec, time.tv_usec, NS_PER_SECOND / NS_PER_US, ns);
}

int put_timespec(vaddr_t address, uint64_t ns)
{
    struct timespec time = {ns / NS_PER_SECOND, ns % NS_PER_SECOND};

    return copy_to_user(address, &time, sizeof(time));
}

int put_timeval(vaddr_t address, uint64_t ns)
{
    struct timeval time = {ns / NS_PER_SECOND, ns % NS_PER_SECOND / NS_PER_US};

    return copy_to_user(address, &time, sizeof(time));
}

int user_itimerspec(vaddr_t address, struct alarm_setting *setting)
{
    int error = user_timespec(address + offsetof(struct itimerspec, it_interval), &setting->interval_ns);

    return error ? error : user_timespec(address + offsetof(struct itimerspec, it_value), &setting->value_ns);
}

int put_itimerspec(vaddr_t address, const struct alarm_setting *setting)
{
    int error = put_timespec(address + offsetof(struct itimerspec, it_interval), setting->interval_ns);

    return error ? error : put_timespec(address + offsetof(struct itimerspec, it_value), setting->value_ns);
}

uint64_t time_left(uint64_t deadline)
{
    uint64_t now = clock_ns();

    return deadline > now ? deadline - now : 0;
}

int put_time_left(vaddr_t address, uint64_t deadline)
{
    return deadline == TIMER_NEVER ? 0 : put_timespec(address, time_left(deadline));
}
