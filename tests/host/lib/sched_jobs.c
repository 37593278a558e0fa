// SPDX-License-Identifier: MIT
/*
 * sched_jobs.c - threads of the scheduler that all run one function, and watching that they do not hang. Included by test_sched.c.
 */
struct job {
    struct kthread kthread;
    void (*entry)(struct job *);
    unsigned random;
    unsigned index;
    char stack[STACK_SIZE] __aligned(64);
};

#define JOBS 24

static struct job jobs[JOBS];

static unsigned random_below(struct job *job, unsigned limit)
{
    job->random = job->random * 1103515245 + 12345;
    return (job->random >> 16) % limit;
}

static void job_main(void *argument)
{
    struct job *job = argument;

    job->entry(job);
    atomic_fetch_sub(&threads_left, 1);
}

static void start_job(unsigned index, void (*entry)(struct job *))
{
    struct job *job = &jobs[index];

    while (atomic_load(&job->kthread.on_cpu))   // from the claim before
        cpu_relax();
    job->entry = entry;
    job->random = index * 7919 + 1;
    job->index = index;
    kthread_init(&job->kthread, "job", job->stack + STACK_SIZE);
    kthread_prepare(&job->kthread, job->stack + STACK_SIZE, job_main, job);
    sched_start(&job->kthread);
}

/* The pthread of the test is no CPU: a device's interrupt on CPU 0 starts what it wants to run. */
static _Atomic unsigned jobs_to_start;
static void (*jobs_entry)(struct job *);

static void device_interrupt(void)
{
    unsigned count = atomic_exchange(&jobs_to_start, 0);

    for (unsigned i = 0; i < count; i++)
        start_job(i, jobs_entry);
}

/* Run `entry` in `count` threads until all have ended; no progress for ten seconds fails. */
static void run_jobs(unsigned count, void (*entry)(struct job *))
{
    unsigned idle_rounds = 0;
    uint64_t last = 0;

    jobs_entry = entry;
    atomic_store(&threads_left, count);
    atomic_store(&jobs_to_start, count);
    interrupt(0, INTERRUPT_DEVICE);
    while (atomic_load(&threads_left) > 0) {
        usleep(10000);
        if (atomic_load(&progress) != last)
            idle_rounds = 0;
        else if (++idle_rounds == 1000)
            fail_msg("%u threads hang", atomic_load(&threads_left));
        last = atomic_load(&progress);
    }
}
