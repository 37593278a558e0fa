// SPDX-License-Identifier: MIT
/* log_lock.c - gives the log a spinlock. It is the last in rank but that of the output, so printk works everywhere. */
#include "sync/log_lock.h"

#include "lib/log.h"
#include "sync/spinlock.h"

static struct spinlock log_lock = SPINLOCK_INIT("log", RANK_LOG);

static uint64_t take(void)
{
    return spin_lock_irq(&log_lock);
}

static void give(uint64_t flags)
{
    spin_unlock_irq(&log_lock, flags);
}

void log_lock_init(void)
{
    log_set_lock(take, give);
}
