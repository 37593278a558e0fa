// SPDX-License-Identifier: MIT
/*
 * test_sched.c - the scheduler, locks, wait queues and timers themselves, on CPUs made of Linux threads.
 */
#include "sched_machine.c"
#include "sched_jobs.c"

#define ROUNDS 4000

static struct spinlock counter_lock = SPINLOCK_INIT("counter", RANK_SLAB);
static struct spinlock irq_counter_lock = SPINLOCK_INIT("irq counter", RANK_DEVICE);
static struct mutex counter_mutex = MUTEX_INIT(counter_mutex, "counter", RANK_INODE);
static uint64_t spin_counter, irq_counter, mutex_counter;
static _Atomic int inside_mutex;

static void count_under_locks(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t flags;

        spin_lock(&counter_lock);
        spin_counter++;
        spin_unlock(&counter_lock);
        flags = spin_lock_irq(&irq_counter_lock);
        irq_counter++;
        spin_unlock_irq(&irq_counter_lock, flags);
        mutex_lock(&counter_mutex);
        ASSERT(atomic_fetch_add(&inside_mutex, 1) == 0);
        ASSERT(mutex_held(&counter_mutex));
        mutex_counter++;
        if (random_below(job, 50) == 0)
            sched_yield_cpu();
        atomic_fetch_sub(&inside_mutex, 1);
        mutex_unlock(&counter_mutex);
        atomic_fetch_add(&progress, 1);
    }
}

static void locks_exclude(void **state)
{
    (void)state;
    run_jobs(12, count_under_locks);
    assert_int_equal(spin_counter, 12 * ROUNDS);
    assert_int_equal(irq_counter, 12 * ROUNDS);
    assert_int_equal(mutex_counter, 12 * ROUNDS);
    assert_int_equal(counter_mutex.owner, 0);
}

static struct rwlock table_lock = RWLOCK_INIT(table_lock, "table", RANK_VSPACE);
static uint64_t table[8];
static _Atomic int readers, writers;

static void read_table(struct job *job)
{
    rwlock_read_lock(&table_lock);
    atomic_fetch_add(&readers, 1);
    ASSERT(atomic_load(&writers) == 0);
    for (unsigned i = 1; i < ARRAY_SIZE(table); i++)
        ASSERT(table[i] == table[0]);
    if (random_below(job, 20) == 0)
        sched_yield_cpu();
    atomic_fetch_sub(&readers, 1);
    rwlock_read_unlock(&table_lock);
}

static void write_table(struct job *job)
{
    rwlock_write_lock(&table_lock);
    ASSERT(atomic_fetch_add(&writers, 1) == 0);
    ASSERT(atomic_load(&readers) == 0);
    ASSERT(rwlock_held_write(&table_lock));
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        table[i]++;
        if (random_below(job, 40) == 0)
            sched_yield_cpu();
    }
    atomic_fetch_sub(&writers, 1);
    rwlock_write_unlock(&table_lock);
}

static void read_and_write(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (random_below(job, 5) == 0)
            write_table(job);
        else
            read_table(job);
        if (random_below(job, 10) == 0 && rwlock_try_write_lock(&table_lock)) {
            for (unsigned k = 0; k < ARRAY_SIZE(table); k++)
                table[k]++;
            rwlock_write_unlock(&table_lock);
        }
        atomic_fetch_add(&progress, 1);
    }
}

static void spread_table_lock(struct job *job)
{
    (void)job;
    rwlock_write_lock(&table_lock);
    rwlock_spread(&table_lock);
    rwlock_write_unlock(&table_lock);
}

static void readers_share_and_writers_exclude(void **state)
{
    (void)state;
    run_jobs(12, read_and_write);
    assert_int_equal(table_lock.word, 0);
    assert_true(list_empty(&table_lock.line));
}

/* Half of the time one reader's mark stands in the way of the next, who is counted instead. */
static void readers_of_a_spread_lock_share_and_writers_exclude(void **state)
{
    (void)state;
    run_jobs(1, spread_table_lock);
    run_jobs(12, read_and_write);
    assert_int_equal(table_lock.word, RWLOCK_SPREAD);
    assert_true(list_empty(&table_lock.line));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        assert_null(marks[cpu].lock);
}

#define SLOTS 3
#define ITEMS_EACH 3000

static struct wait_queue not_full = WAIT_QUEUE_INIT(not_full), not_empty = WAIT_QUEUE_INIT(not_empty);
static _Atomic int items_in_buffer;
static _Atomic uint64_t items_taken;
static uint64_t items_wanted;

static bool take_unit(_Atomic int *counter, int limit, int step)
{
    int value = atomic_load(counter);

    while (value != limit) {
        if (atomic_compare_exchange_weak(counter, &value, value + step))
            return true;
    }
    return false;
}

/* Each event is told by wake_one, to waiters that also give up by deadline or signal: none may be lost. */
static void produce_or_consume(struct job *job)
{
    bool produce = job->index % 2 == 0;

    for (unsigned i = 0; i < ITEMS_EACH; i++) {
        struct wait_queue *queue = produce ? &not_full : &not_empty;
        int limit = produce ? SLOTS : 0, step = produce ? 1 : -1, error;

        do {
            switch (random_below(job, 3)) {
            case 0:
                wait_event(queue, take_unit(&items_in_buffer, limit, step));
                error = 0;
                break;
            case 1:
                error = wait_event_interruptible(queue, take_unit(&items_in_buffer, limit, step));
                break;
            default:
                error = wait_event_deadline(queue, take_unit(&items_in_buffer, limit, step),
                                            clock_ns() + random_below(job, 300000));
            }
            atomic_store(&job->kthread.interrupt, false);
        } while (error != 0);
        if (!produce)
            atomic_fetch_add(&items_taken, 1);
        wake_one(produce ? &not_empty : &not_full);
        if (random_below(job, 30) == 0)
            sched_interrupt(&jobs[random_below(job, 12)].kthread);
        atomic_fetch_add(&progress, 1);
    }
}

static void no_wakeup_is_lost(void **state)
{
    (void)state;
    items_wanted = 6 * ITEMS_EACH;
    run_jobs(12, produce_or_consume);
    assert_int_equal(items_taken, items_wanted);
    assert_int_equal(items_in_buffer, 0);
    assert_true(list_empty(&not_full.waiters));
    assert_true(list_empty(&not_empty.waiters));
}

static struct wait_queue ping_queues[8] = {
    WAIT_QUEUE_INIT(ping_queues[0]), WAIT_QUEUE_INIT(ping_queues[1]), WAIT_QUEUE_INIT(ping_queues[2]),
    WAIT_QUEUE_INIT(ping_queues[3]), WAIT_QUEUE_INIT(ping_queues[4]), WAIT_QUEUE_INIT(ping_queues[5]),
    WAIT_QUEUE_INIT(ping_queues[6]), WAIT_QUEUE_INIT(ping_queues[7]),
};
static _Atomic unsigned ping_turns[4];

/* Pairs that sleep for each other all the time, while all CPUs idle in between: a lost reschedule interrupt hangs. */
static void ping_pong(struct job *job)
{
    unsigned pair = job->index / 2, side = job->index % 2;

    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_event(&ping_queues[job->index], atomic_load(&ping_turns[pair]) == 2 * i + side);
        atomic_store(&ping_turns[pair], 2 * i + side + 1);
        wake_all(&ping_queues[job->index ^ 1]);
        atomic_fetch_add(&progress, 1);
    }
}

static void idle_cpus_wake_for_every_turn(void **state)
{
    (void)state;
    run_jobs(8, ping_pong);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ping_turns[i], 2 * ROUNDS);
}

static _Atomic uint64_t children_run;

static void child(void *argument)
{
    burn((unsigned)(uintptr_t)argument % 2000);
    if ((uintptr_t)argument % 3 == 0)
        sleep_until(clock_ns() + (uintptr_t)argument % 100000);
    atomic_fetch_add(&children_run, 1);
}

static void spawn_children(struct job *job)
{
    for (unsigned i = 0; i < 1500; i++) {
        ASSERT(sched_spawn_kernel(child, (void *)(uintptr_t)random_below(job, 60000), "child") != NULL);
        if (random_below(job, 4) == 0)
            sleep_until(clock_ns() + random_below(job, 200000));
        atomic_fetch_add(&progress, 1);
    }
}

static void thousands_start_and_end(void **state)
{
    (void)state;
    run_jobs(6, spawn_children);
    for (int i = 0; i < 1000 && atomic_load(&children_run) < 6 * 1500; i++)
        usleep(10000);
    assert_int_equal(children_run, 6 * 1500);
    usleep(100000);
    for (unsigned i = 0; i < STACKS; i++)
        assert_false(stack_used[i]);
}

static void move_about(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t allowed = 1 + random_below(job, (1u << CPUS) - 1);

        ASSERT(sched_set_allowed(&job->kthread, allowed) == 0);
        preempt_disable();
        ASSERT((allowed >> cpu_id()) & 1);
        preempt_enable();
        if (random_below(job, 8) == 0)
            sleep_until(clock_ns() + random_below(job, 100000));
        preempt_disable();
        ASSERT((allowed >> cpu_id()) & 1);
        preempt_enable();
        if (random_below(job, 3) == 0)
            burn(random_below(job, 20000));
        atomic_fetch_add(&progress, 1);
    }
    ASSERT(sched_set_allowed(&job->kthread, UINT64_C(1) << 60) == -EINVAL);
}

static void threads_stay_where_they_are_allowed(void **state)
{
    (void)state;
    run_jobs(10, move_about);
}

struct watched_timer {
    struct timer timer;
    _Atomic bool allowed;
    _Atomic uint64_t runs;
    unsigned again;
};

static void watched_run(struct timer *timer)
{
    struct watched_timer *watched = container_of(timer, struct watched_timer, timer);

    ASSERT(atomic_load(&watched->allowed));
    ASSERT(clock_ns() >= timer->deadline_ns);
    atomic_fetch_add(&watched->runs, 1);
    if (watched->again > 0) {
        watched->again--;
        timer_add(timer, clock_ns() + 20000);
    }
    burn(2000);
    ASSERT(atomic_load(&watched->allowed));
}

static void add_and_cancel(struct job *job)
{
    struct watched_timer watched;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t runs;

        watched.runs = 0;
        watched.again = random_below(job, 3);
        watched.allowed = true;
        timer_init(&watched.timer, watched_run);
        timer_add(&watched.timer, clock_ns() + random_below(job, 100000));
        if (random_below(job, 3) == 0)
            timer_add(&watched.timer, clock_ns() + random_below(job, 100000));
        if (random_below(job, 2) == 0)
            sleep_until(clock_ns() + random_below(job, 150000));
        timer_cancel(&watched.timer);
        watched.allowed = false;
        runs = watched.runs;
        burn(random_below(job, 500));
        ASSERT(runs == watched.runs);
        atomic_fetch_add(&progress, 1);
    }
}

static void a_cancelled_timer_never_runs(void **state)
{
    (void)state;
    run_jobs(10, add_and_cancel);
}

/* More runnable threads than CPUs, none of which ever sleeps or yields: the clock alone shares the CPUs. */
static _Atomic bool hogs_done;
static _Atomic uint64_t hog_rounds[12];

static void hog(struct job *job)
{
    while (!atomic_load(&hogs_done)) {
        burn(1000);
        atomic_fetch_add(&hog_rounds[job->index], 1);
        if (job->index == 0 && atomic_load(&hog_rounds[0]) % 256 == 0) {
            bool all = true;

            for (unsigned i = 0; i < ARRAY_SIZE(hog_rounds); i++)
                all &= atomic_load(&hog_rounds[i]) > 5000;
            atomic_store(&hogs_done, all);
        }
        atomic_fetch_add(&progress, 1);
    }
}

static void the_clock_shares_out_cpus(void **state)
{
    (void)state;
    run_jobs(12, hog);      // ends when each has run for a while
    for (unsigned i = 0; i < 12; i++)
        assert_true(jobs[i].kthread.switches_forced > 0);
}

static struct spinlock low_lock = SPINLOCK_INIT("low", RANK_DENTRY), high_lock = SPINLOCK_INIT("high", RANK_SLAB);
static struct spinlock device_lock = SPINLOCK_INIT("ring", RANK_DEVICE);
static struct mutex low_mutex = MUTEX_INIT(low_mutex, "sleepy", RANK_INODE);

/* Do one thing that must panic, and put the world back in order. => did it, with all of these words? */
static bool panics_with(void (*act)(void), const char *one, const char *other)
{
    volatile bool panicked = true;

    panic_is_expected = true;
    if (setjmp(expected_panic) == 0) {
        act();
        panicked = false;
    }
    panic_is_expected = false;
    irq_enable();
    return panicked && strstr(panic_text, one) != NULL && strstr(panic_text, other) != NULL;
}

static void take_low(void)
{
    spin_lock(&low_lock);
}

static void take_high(void)
{
    spin_lock(&high_lock);
}

static void take_device(void)
{
    spin_lock(&device_lock);
}

static void take_mutex(void)
{
    mutex_lock(&low_mutex);
}

static void give_low(void)
{
    lock_rank_pop(&low_lock, RANK_DENTRY);
}

static void break_the_order(struct job *job)
{
    (void)job;
    spin_lock(&high_lock);
    ASSERT(panics_with(take_low, "\"low\"", "\"high\""));
    preempt_enable();
    ASSERT(panics_with(take_high, "\"high\"", "twice"));
    preempt_enable();
    ASSERT(panics_with(take_mutex, "\"sleepy\"", "\"high\""));
    spin_unlock(&high_lock);
    ASSERT(panics_with(take_device, "\"ring\"", "interrupts on"));
    preempt_enable();
    ASSERT(panics_with(give_low, "dentry", "not hold"));
    ASSERT(preempt_count() == 0);
}

static void violations_of_the_order_panic_with_both_names(void **state)
{
    (void)state;
    run_jobs(1, break_the_order);
}

static int start(void **state)
{
    (void)state;
    start_machines();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_of_the_order_panic_with_both_names),
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(readers_share_and_writers_exclude),
        cmocka_unit_test(readers_of_a_spread_lock_share_and_writers_exclude),
        cmocka_unit_test(no_wakeup_is_lost),
        cmocka_unit_test(idle_cpus_wake_for_every_turn),
        cmocka_unit_test(thousands_start_and_end),
        cmocka_unit_test(threads_stay_where_they_are_allowed),
        cmocka_unit_test(a_cancelled_timer_never_runs),
        cmocka_unit_test(the_clock_shares_out_cpus),
    };

    return cmocka_run_group_tests_name("scheduler", tests, start, NULL);
}
