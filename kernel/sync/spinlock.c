// SPDX-License-Identifier: MIT
/* spinlock.c - waiting for a spinlock: look until it seems free, and only then try, so that its line stays shared. */
#include "sync/spinlock.h"

void spin_wait(struct spinlock *lock)
{
    do {
        while (atomic_load_explicit(&lock->locked, memory_order_relaxed) != 0)
            cpu_relax();
    } while (atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire) != 0);
}
