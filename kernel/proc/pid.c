// SPDX-License-Identifier: MIT
/*
 * pid.c - numbers for processes, threads, process groups and sessions.
 *
 * Numbers are handed out in order and begin again at PID_WRAP_TO, so that one is not used again soon. They
 * are kept in a tree by number, which answers three questions at once: who has it, is it free, which is
 * the next one (for /proc).
 *
 * Considered  A bitmap: it cannot tell who has a number. A hash: it cannot list them in order.
 */
#include "proc/pid.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "proc/deferred.h"

struct spinlock process_tree = SPINLOCK_INIT("process_tree", RANK_PROCESS_TREE);

static struct tree pids;        // (t) every struct pid, by number
uint32_t pids_changes;          // (t)
static pid_t last_number;       // (t) handed out last
static uint32_t pid_total;      // (t) numbers in use

static struct pid *pid_of(struct tree_node *node)
{
    return node == NULL ? NULL : container_of(node, struct pid, node);
}

static bool pid_less(const struct tree_node *a, const struct tree_node *b)
{
    return container_of(a, struct pid, node)->number < container_of(b, struct pid, node)->number;
}

struct pid *pid_find_from(pid_t number)
{
    struct tree_node *node = pids.root;
    struct pid *best = NULL;

    DEBUG_ASSERT(spin_held(&process_tree));
    while (node != NULL) {
        struct pid *pid = pid_of(node);

        if (pid->number >= number)
            best = pid;
        if (pid->number == number)
            break;
        node = pid->number > number ? node->left : node->right;
    }
    return best;
}

struct pid *pid_find(pid_t number)
{
    struct pid *pid = pid_find_from(number);

    return pid != NULL && pid->number == number ? pid : NULL;
}

/* The first free number from `number` on, or PID_MAX. */
static pid_t first_free_from(pid_t number)
{
    struct pid *taken = pid_find_from(number);

    while (taken != NULL && taken->number == number) {
        number++;
        taken = pid_of(tree_next(&taken->node));
    }
    return number;
}

/* => process_tree held; 0 when all numbers are taken */
static pid_t number_alloc(void)
{
    pid_t number;

    if (pid_total >= PID_MAX - PID_WRAP_TO)
        return 0;
    number = first_free_from(last_number + 1);
    if (number >= PID_MAX)
        number = first_free_from(PID_WRAP_TO);
    if (number >= PID_MAX)
        return 0;
    last_number = number;
    return number;
}

/* => process_tree held; between begin and end the tree changes */
static void tree_change_begin(void)
{
    pids_changes++;
    atomic_thread_fence(memory_order_release);
}

static void tree_change_end(void)
{
    atomic_thread_fence(memory_order_release);
    pids_changes++;
}

int pid_create(struct pid **out)
{
    struct pid *pid = slab_zalloc(sizeof(*pid));
    uint64_t flags;

    if (pid == NULL)
        return -ENOMEM;
    list_init(&pid->members);
    pid->users = 1;
    flags = spin_lock_irq(&process_tree);
    pid->number = number_alloc();
    if (pid->number != 0) {
        tree_change_begin();
        tree_insert(&pids, &pid->node, pid_less);
        tree_change_end();
        pid_total++;
    }
    spin_unlock_irq(&process_tree, flags);
    if (pid->number == 0) {
        slab_free(pid);
        return -EAGAIN;
    }
    *out = pid;
    return 0;
}

struct pid *pid_use(struct pid *pid)
{
    DEBUG_ASSERT(spin_held(&process_tree));
    pid->users++;
    return pid;
}

void pid_drop(struct pid *pid, struct deferred **garbage)
{
    DEBUG_ASSERT(spin_held(&process_tree));
    ASSERT(pid->users > 0);
    if (--pid->users > 0)
        return;
    tree_change_begin();
    tree_remove(&pids, &pid->node);
    tree_change_end();
    pid_total--;
    deferred_add(garbage, pid);
}

pid_t pid_last(void)
{
    return __atomic_load_n(&last_number, __ATOMIC_RELAXED);
}

uint32_t pid_count(void)
{
    return __atomic_load_n(&pid_total, __ATOMIC_RELAXED);
}
