// SPDX-License-Identifier: MIT
/*
 * alarm.c - alarms by the clock since boot, and by the wall clock.
 *
 * Theory      The timer below may fire too early (the alarm was moved, the wall clock was set back): it looks whether
 *             the time has come, and if not is set again. A moved alarm is never taken out of the timers' tree first.
 * Locking     The list of those that follow the wall clock, then each alarm, then its CPU's timers.
 */
#include "sync/alarm.h"

#include "arch/x86/time.h"

static struct spinlock alarms_lock = SPINLOCK_INIT("alarms", RANK_ALARMS);
static struct list wall_alarms = LIST_INIT(wall_alarms);

/* => alarm->lock held */
static uint64_t now_on(const struct alarm *alarm)
{
    if (alarm->counted)
        return alarm->count_ns;
    return alarm->follows_wall ? clock_realtime_ns() : clock_ns();
}

/* => alarm->lock held, it is set */
static void start_timer(struct alarm *alarm)
{
    uint64_t now = now_on(alarm), deadline;

    if (alarm->expiry_ns <= now)
        deadline = 0;
    else if (alarm->counted)
        return; // alarm_count will
    else if (__builtin_add_overflow(clock_ns(), alarm->expiry_ns - now, &deadline))
        deadline = TIMER_NEVER;
    timer_add(&alarm->timer, deadline);
}

static void timer_fired(struct timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);
    uint64_t flags = spin_lock_irq(&alarm->lock);
    bool set = alarm->expiry_ns != 0 && !alarm->due;
    bool rings = set && alarm->expiry_ns <= now_on(alarm);

    if (rings)
        alarm->due = true;
    else if (set)
        start_timer(alarm);
    spin_unlock_irq(&alarm->lock, flags);
    if (rings)
        alarm->ops->rings(alarm);
}

void alarm_init(struct alarm *alarm, const struct alarm_ops *ops)
{
    timer_init(&alarm->timer, timer_fired);
    spin_init(&alarm->lock, "alarm", RANK_ALARM);
    alarm->ops = ops;
    alarm->expiry_ns = alarm->interval_ns = alarm->rung = 0;
    alarm->due = alarm->follows_wall = alarm->counted = false;
    alarm->count_ns = 0;
    list_init(&alarm->link);
}

/* => alarms and alarm->lock held */
static void set_locked(struct alarm *alarm, const struct alarm_setting *setting, int kind)
{
    alarm->follows_wall = kind == ALARM_AT_WALL_TIME && setting->value_ns != 0;
    list_remove(&alarm->link);
    if (alarm->follows_wall)
        list_add_tail(&wall_alarms, &alarm->link);
    alarm->rung = 0;
    alarm->due = false;
    alarm->interval_ns = setting->interval_ns;
    alarm->expiry_ns = setting->value_ns;
    if (setting->value_ns == 0)
        return;
    if (kind == ALARM_AFTER && __builtin_add_overflow(now_on(alarm), setting->value_ns, &alarm->expiry_ns))
        alarm->expiry_ns = TIMER_NEVER;
    start_timer(alarm);
}

void alarm_set(struct alarm *alarm, const struct alarm_setting *setting, int kind)
{
    uint64_t flags = spin_lock_irq(&alarms_lock);

    spin_lock(&alarm->lock);
    set_locked(alarm, setting, kind);
    spin_unlock(&alarm->lock);
    spin_unlock_irq(&alarms_lock, flags);
}

/* Count what will have passed `rest_ns` from now, and set it for the next time. => alarm->lock held */
static void advance(struct alarm *alarm, uint64_t rest_ns)
{
    uint64_t now, times = 1, next;

    if (!alarm->due)
        return;
    alarm->due = false;
    if (alarm->interval_ns == 0) {
        alarm->expiry_ns = 0;
        alarm->rung++;
        return;
    }
    now = now_on(alarm) + rest_ns;
    if (now > alarm->expiry_ns)
        times += (now - alarm->expiry_ns) / alarm->interval_ns;
    if (__builtin_mul_overflow(times, alarm->interval_ns, &next)
        || __builtin_add_overflow(alarm->expiry_ns, next, &next))
        next = TIMER_NEVER;
    alarm->rung += times;
    alarm->expiry_ns = next;
    start_timer(alarm);
}

void alarm_get(struct alarm *alarm, struct alarm_setting *out, uint64_t least)
{
    uint64_t flags = spin_lock_irq(&alarm->lock), now;

    advance(alarm, 0);
    now = now_on(alarm);
    out->interval_ns = alarm->interval_ns;
    out->value_ns = 0;
    if (alarm->expiry_ns != 0)
        out->value_ns = alarm->expiry_ns > now ? alarm->expiry_ns - now : least;
    spin_unlock_irq(&alarm->lock, flags);
}

uint64_t alarm_collect(struct alarm *alarm)
{
    uint64_t flags = spin_lock_irq(&alarm->lock), rung;

    advance(alarm, 0);
    rung = alarm->rung;
    alarm->rung = 0;
    spin_unlock_irq(&alarm->lock, flags);
    return rung;
}

void alarm_skip(struct alarm *alarm, uint64_t rest_ns)
{
    uint64_t flags = spin_lock_irq(&alarm->lock);

    advance(alarm, rest_ns);
    alarm->rung = 0;
    spin_unlock_irq(&alarm->lock, flags);
}

uint64_t alarm_count(struct alarm *alarm, uint64_t count_ns)
{
    uint64_t flags = spin_lock_irq(&alarm->lock), left = UINT64_MAX;

    alarm->counted = true;
    alarm->count_ns = MAX(alarm->count_ns, count_ns);
    if (alarm->expiry_ns != 0 && !alarm->due) {
        left = alarm->expiry_ns - MIN(alarm->expiry_ns, alarm->count_ns);
        start_timer(alarm);
    }
    spin_unlock_irq(&alarm->lock, flags);
    return left;
}

bool alarm_has_rung(const struct alarm *alarm)
{
    return __atomic_load_n(&alarm->due, __ATOMIC_RELAXED) || __atomic_load_n(&alarm->rung, __ATOMIC_RELAXED) != 0;
}

void alarm_end(struct alarm *alarm)
{
    const struct alarm_setting none = {0};

    alarm_set(alarm, &none, ALARM_AFTER);
    (void)timer_cancel(&alarm->timer);
}

void alarms_clock_set(void)
{
    uint64_t flags = spin_lock_irq(&alarms_lock);
    struct alarm *alarm;

    list_for_each_entry(alarm, &wall_alarms, link) {
        spin_lock(&alarm->lock);
        if (alarm->expiry_ns != 0 && !alarm->due)
            start_timer(alarm);
        spin_unlock(&alarm->lock);
        if (alarm->ops->clock_set != NULL)
            alarm->ops->clock_set(alarm);
    }
    spin_unlock_irq(&alarms_lock, flags);
}
