// SPDX-License-Identifier: MIT
/*
 * writeback.c - a thread that syncs file systems whose changes have become old.
 *
 * Theory      Every `interval` it looks at each file system that is mounted. One that it finds changed, and that has been so for as long
 *             as `expire`, is synced as by sync(2), names and attributes included. So what a program has written is on the disk after `expire`
 *             and `interval` at the latest, if the machine stops then without having been asked to.
 * Failure     What could not be written stays changed, and is tried again the next time.
 * Considered  An age for every page: who writes a little all the time would have less written at once, and every file a few bytes more.
 */
#include "fs/writeback.h"

#include "arch/x86/time.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "sync/sched.h"
#include "sync/wait.h"

#define CENTISECOND_NS (NS_PER_SECOND / 100)

static struct {
    _Atomic bool started, changed; // changed: the settings
    _Atomic int expire, interval;
    struct wait_queue wait;
} thread = {.expire = 3000, .interval = 500, .wait = WAIT_QUEUE_INIT(thread.wait)};

static bool look_at(struct mount *mount, void *arg)
{
    struct super_block *sb = mount->sb;
    uint64_t now = *(const uint64_t *)arg;

    if (sb->ops->has_changes == NULL)
        return true;
    if (!sb->ops->has_changes(sb)) {
        sb->changed_ns = 0;
        return true;
    }
    if (sb->changed_ns == 0)
        sb->changed_ns = now;
    if (now - sb->changed_ns >= (uint64_t)thread.expire * CENTISECOND_NS && sb->ops->sync(sb) == 0)
        sb->changed_ns = 0;
    return true;
}

static void __noreturn run(void *unused)
{
    (void)unused;
    kalloc_use_reserve(true);
    for (;;) {
        uint64_t interval = (uint64_t)thread.interval * CENTISECOND_NS, now = clock_ns();

        (void)wait_event_deadline(&thread.wait, atomic_exchange(&thread.changed, false), interval != 0 ? now + interval : WAIT_FOR_EVER);
        now = clock_ns();
        if (interval != 0)
            mounts_for_each(look_at, &now);
    }
}

int writeback_start(void)
{
    if (atomic_exchange(&thread.started, true))
        return 0;
    if (sched_spawn_kernel(run, NULL, "writeback") != NULL)
        return 0;
    atomic_store(&thread.started, false);
    return -ENOMEM;
}

int writeback_expire(void)
{
    return thread.expire;
}

int writeback_interval(void)
{
    return thread.interval;
}

static void settings_changed(void)
{
    atomic_store(&thread.changed, true);
    wake_all(&thread.wait);
}

void writeback_set_expire(int centiseconds)
{
    thread.expire = centiseconds;
    settings_changed();
}

void writeback_set_interval(int centiseconds)
{
    thread.interval = centiseconds;
    settings_changed();
}
