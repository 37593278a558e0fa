// SPDX-License-Identifier: MIT
#include "mm/fail.h"

#include "mm/kalloc.h"

struct fail_point fail_point;

void fail_arm(struct kthread *thread, uint64_t n, bool again)
{
    atomic_store(&fail_point.left, 0);
    atomic_store(&fail_point.thread, thread);
    atomic_store(&fail_point.again, again);
    atomic_store(&fail_point.left, n);
}

uint64_t fail_left(void)
{
    return atomic_load(&fail_point.left);
}

bool fail_count_down(void)
{
    struct kthread *thread = atomic_load(&fail_point.thread);
    uint64_t left = atomic_load(&fail_point.left);

    if (cpu_in_irq() || (thread && thread != current_kthread()))
        return false;
    while (left > 0 && !atomic_compare_exchange_weak(&fail_point.left, &left, left - 1))
        ;
    if (left == 1 && atomic_load(&fail_point.again))
        kalloc_note_failure();
    return left == 1;
}

bool fail_wants_again(void)
{
    return unlikely(atomic_load_explicit(&fail_point.again, memory_order_relaxed)) && fail_left() == 0 &&
           atomic_load(&fail_point.thread) == current_kthread() && atomic_exchange(&fail_point.again, false);
}
