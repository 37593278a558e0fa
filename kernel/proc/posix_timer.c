// SPDX-License-Identifier: MIT
/*
 * posix_timer.c - timers of a process that send a signal.
 *
 * Theory      A timer has one entry for the signal queue, made with it, so that ringing needs no memory. Once it has
 *             rung it is set again only when that signal is taken; the times that have passed by then are its
 *             overruns. A signal that is ignored is taken at once, but the timer then rests for a tick.
 * Locking     One call at a time (timers->lock), so a timer that a call has found does not go. What the signal has to
 *             do with the timer: signal_lock. The alarm has a lock of its own, taken after that.
 */
#include "proc/posix_timer.h"

#include <linux/time.h>

#include "lib/errno.h"
#include "lib/list.h"
#include "mm/slab.h"
#include "proc/cpu_watch.h"
#include "proc/process.h"
#include "proc/signal_queue.h"
#include "sync/mutex.h"

/* An ignored timer rings no more often than this. */
#define IGNORED_REST_NS SCHED_SLICE_NS

/* Fields: (c) constant  (t) timers->lock  (s) signal_lock */
struct posix_timer {
    struct list link;               // (t)
    int id;                         // (c)
    struct process *process;        // (c) not counted: it outlives its timers
    struct posix_timer_request what;// (c)
    struct alarm alarm;
    struct cpu_watch watch;         // (c) on if it goes by a CPU clock
    struct signal_entry entry;      // (c) but for its place in a queue: (s)
    struct signal_queue *queue;     // (s) where it waits, or NULL
    bool deleted;                   // (s) must not ring any more
    _Atomic int overrun;            // of the last signal taken
};

/* All of a process. */
struct posix_timers {
    struct mutex lock;
    struct list list;               // struct posix_timer
    int next_id;
    unsigned count;
};

/* => signal_lock held */
static void send(struct posix_timer *timer)
{
    bool to_thread = timer->what.notify & SIGEV_THREAD_ID;
    struct thread *thread = to_thread ? process_thread(timer->process, timer->what.thread) : NULL;
    struct signal_entry *entry = &timer->entry;

    if (to_thread && thread == NULL)
        return;
    (void)signal_send_locked(timer->process, thread, timer->what.sig, &entry); // brings its entry: cannot fail
    if (entry == NULL)
        timer->queue = thread != NULL ? &thread->pending : &timer->process->pending;
    else
        alarm_skip(&timer->alarm, IGNORED_REST_NS);
}

static void posix_timer_rings(struct alarm *alarm)
{
    struct posix_timer *timer = container_of(alarm, struct posix_timer, alarm);
    uint64_t flags;

    if (timer->what.notify == SIGEV_NONE)
        return;
    flags = spin_lock_irq(&timer->process->signal_lock);
    if (!timer->deleted && timer->queue == NULL && alarm_has_rung(&timer->alarm))  // not set anew meanwhile
        send(timer);
    spin_unlock_irq(&timer->process->signal_lock, flags);
}

static const struct alarm_ops posix_timer_alarm_ops = {.rings = posix_timer_rings};

void posix_timer_taken(struct posix_timer *timer, struct signal_info *info)
{
    uint64_t times;

    timer->queue = NULL;
    if (info == NULL) {
        alarm_skip(&timer->alarm, IGNORED_REST_NS);
        return;
    }
    times = alarm_collect(&timer->alarm);
    timer->overrun = times == 0 ? 0 : (int)MIN(times - 1, (uint64_t)INT32_MAX);
    info->si_overrun = timer->overrun;
}

/* Take back a signal that waits. => signal_lock held */
static void take_back(struct posix_timer *timer)
{
    if (timer->queue != NULL)
        signal_queue_remove(timer->queue, &timer->entry);
    timer->queue = NULL;
}

static void forget_signal(struct posix_timer *timer, bool for_ever)
{
    uint64_t flags = spin_lock_irq(&timer->process->signal_lock);

    timer->deleted = for_ever;
    take_back(timer);
    spin_unlock_irq(&timer->process->signal_lock, flags);
}

/* The process's timers, made with the first. NULL: no memory */
static struct posix_timers *timers_get(struct process *process)
{
    struct posix_timers *timers = __atomic_load_n(&process->posix_timers, __ATOMIC_ACQUIRE), *none = NULL;

    if (timers != NULL)
        return timers;
    timers = slab_zalloc(sizeof *timers);
    if (timers == NULL)
        return NULL;
    mutex_init(&timers->lock, "posix timers", RANK_POSIX_TIMERS);
    list_init(&timers->list);
    if (__atomic_compare_exchange_n(&process->posix_timers, &none, timers, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return timers;
    slab_free(timers); // another thread was faster
    return none;
}

static bool is_own_thread(pid_t tid)
{
    struct process *process = process_find_by_tid(tid);

    if (process != NULL)
        process_put(process);
    return process == current_process();
}

static int check(const struct posix_timer_request *request)
{
    switch (request->notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_SIGNAL | SIGEV_THREAD_ID:
        if (!is_own_thread(request->thread))
            return -EINVAL;
        // fall through
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
        return request->sig >= 1 && request->sig <= SIGNAL_MAX ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

/* The timer of that number. => timers->lock held; NULL: there is none */
static struct posix_timer *find(struct posix_timers *timers, int id)
{
    struct posix_timer *timer;

    list_for_each_entry(timer, &timers->list, link) {
        if (timer->id == id)
            return timer;
    }
    return NULL;
}

static int free_id(struct posix_timers *timers)
{
    int id;

    do {
        id = timers->next_id;
        timers->next_id = (int)(((unsigned)id + 1) & INT32_MAX);
    } while (find(timers, id) != NULL);
    return id;
}

static void fill_entry(struct posix_timer *timer)
{
    struct signal_info *info = &timer->entry.info;

    timer->entry.timer = timer;
    info->si_signo = timer->what.sig;
    info->si_code = SI_TIMER;
    info->si_tid = timer->id;
    info->si_value = timer->what.value;
}

/* `cpu`: its clock, if that is one of CPU time. */
static int create_locked(struct posix_timers *timers, const struct posix_timer_request *request,
                         const struct cpu_clock *cpu)
{
    struct process *process = current_process();
    struct posix_timer *timer;

    if (timers->count >= process->limits[RLIMIT_SIGPENDING].rlim_cur)
        return -EAGAIN;
    timer = slab_zalloc(sizeof *timer);
    if (timer == NULL)
        return -EAGAIN;
    timer->id = free_id(timers);
    timer->process = process;
    timer->what = *request;
    if (request->by_default)
        timer->what.value.sival_int = timer->id;
    fill_entry(timer);
    alarm_init(&timer->alarm, &posix_timer_alarm_ops);
    if (cpu->process != NULL)
        cpu_watch_begin(&timer->watch, &timer->alarm, cpu);
    list_add_tail(&timers->list, &timer->link);
    timers->count++;
    return timer->id;
}

int posix_timer_create(const struct posix_timer_request *request)
{
    struct posix_timers *timers;
    struct cpu_clock cpu = {0};
    int id = check(request);

    if (id == 0 && cpu_clock_is(request->clock))
        id = cpu_clock_find(request->clock, &cpu);
    if (id != 0)
        return id;
    id = -EAGAIN;
    timers = timers_get(current_process());
    if (timers != NULL) {
        mutex_lock(&timers->lock);
        id = create_locked(timers, request, &cpu);
        mutex_unlock(&timers->lock);
    }
    if (id < 0 && cpu.process != NULL)
        cpu_clock_put(&cpu);
    return id;
}

/* The running process's timer of that number, its timers locked; NULL: there is none, and they are not. */
static struct posix_timer *lock_timer(int id)
{
    struct posix_timers *timers = __atomic_load_n(&current_process()->posix_timers, __ATOMIC_ACQUIRE);
    struct posix_timer *timer;

    if (timers == NULL)
        return NULL;
    mutex_lock(&timers->lock);
    timer = find(timers, id);
    if (timer == NULL)
        mutex_unlock(&timers->lock);
    return timer;
}

static void unlock_timers(void)
{
    mutex_unlock(&current_process()->posix_timers->lock);
}

/* Tell a timer that goes by CPU time how far that is. => 0, -ESRCH: who would use it has ended */
static int tell_time(struct posix_timer *timer)
{
    return cpu_watch_on(&timer->watch) ? cpu_watch_tell(&timer->watch) : 0;
}

static bool follows_wall(const struct posix_timer *timer)
{
    return timer->what.clock == CLOCK_REALTIME || timer->what.clock == CLOCK_TAI;
}

/* A timer that tells nobody reads as 0 when its time has come; another one never does while it is set. */
static void read_timer(struct posix_timer *timer, struct alarm_setting *out)
{
    alarm_get(&timer->alarm, out, timer->what.notify == SIGEV_NONE ? 0 : 1);
}

int posix_timer_set(int id, bool absolute, const struct alarm_setting *setting, struct alarm_setting *old)
{
    struct posix_timer *timer = lock_timer(id);
    struct alarm_setting none = {0};
    int error;

    if (timer == NULL)
        return -EINVAL;
    error = tell_time(timer);
    if (error != 0) {
        unlock_timers();
        return error;
    }
    read_timer(timer, old);
    alarm_set(&timer->alarm, &none, ALARM_AFTER);
    forget_signal(timer, false);
    timer->overrun = 0;
    alarm_set(&timer->alarm, setting, !absolute ? ALARM_AFTER : follows_wall(timer) ? ALARM_AT_WALL_TIME : ALARM_AT);
    if (cpu_watch_on(&timer->watch))
        cpu_watch_hurry();
    unlock_timers();
    return 0;
}

int posix_timer_get(int id, struct alarm_setting *out)
{
    struct posix_timer *timer = lock_timer(id);
    int error;

    if (timer == NULL)
        return -EINVAL;
    error = tell_time(timer);
    read_timer(timer, out);
    if (error != 0)
        out->value_ns = 0;
    unlock_timers();
    return 0;
}

int posix_timer_overrun(int id)
{
    struct posix_timer *timer = lock_timer(id);
    int overrun;

    if (timer == NULL)
        return -EINVAL;
    overrun = timer->overrun;
    unlock_timers();
    return overrun;
}

/* => timers->lock held, or nobody else knows them any more */
static void destroy(struct posix_timers *timers, struct posix_timer *timer)
{
    forget_signal(timer, true);
    cpu_watch_end(&timer->watch);
    alarm_end(&timer->alarm);
    list_remove(&timer->link);
    timers->count--;
    slab_free(timer);
}

int posix_timer_delete(int id)
{
    struct posix_timer *timer = lock_timer(id);

    if (timer == NULL)
        return -EINVAL;
    destroy(current_process()->posix_timers, timer);
    unlock_timers();
    return 0;
}

void posix_timers_release(struct process *process)
{
    struct posix_timers *timers = process->posix_timers;

    if (timers == NULL)
        return;
    process->posix_timers = NULL;
    while (!list_empty(&timers->list))
        destroy(timers, list_first_entry(&timers->list, struct posix_timer, link));
    slab_free(timers);
}
