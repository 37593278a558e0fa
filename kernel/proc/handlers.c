// SPDX-License-Identifier: MIT
/*
 * handlers.c - what a process does with each signal.
 *
 * Locking  A handlers' lock comes after the signal_lock of one of its processes. Both are of rank
 *          RANK_SIGNAL, hence "nested".
 */
#include "proc/handlers.h"

#include <stdatomic.h>

#include "lib/string.h"
#include "mm/slab.h"
#include "proc/signal.h"

/* As struct sigaction, but by column: the flags fit in 32 bits, and the table in a slab object. */
struct action_table {
    _Atomic uint32_t references;
    uint32_t flags[SIGNAL_MAX];
    __sighandler_t handler[SIGNAL_MAX];
    __sigrestore_t restorer[SIGNAL_MAX];
    sigset_t mask[SIGNAL_MAX];
};

static struct slab_cache table_cache;

void handlers_init(void)
{
    slab_cache_init(&table_cache, "action_table", sizeof(struct action_table));
}

struct action_table *action_table_alloc(void)
{
    struct action_table *table = slab_cache_alloc(&table_cache);

    if (table != NULL)
        atomic_init(&table->references, 1);
    return table;
}

void action_table_free(struct action_table *table)
{
    if (table != NULL && atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) == 1)
        slab_cache_free(&table_cache, table);
}

struct signal_handlers *handlers_create(void)
{
    struct signal_handlers *handlers = slab_zalloc(sizeof(*handlers));

    if (handlers == NULL)
        return NULL;
    atomic_init(&handlers->references, 1);
    spin_init(&handlers->lock, "handlers", RANK_SIGNAL);
    return handlers;
}

struct signal_handlers *handlers_copy(struct signal_handlers *old)
{
    struct signal_handlers *new = handlers_create();
    uint64_t flags;

    if (new == NULL)
        return NULL;
    flags = spin_lock_irq(&old->lock);
    new->ignored = old->ignored;
    new->caught = old->caught;
    new->detailed = old->detailed;
    new->table = old->table;
    if (new->table != NULL)
        atomic_fetch_add_explicit(&new->table->references, 1, memory_order_relaxed);
    spin_unlock_irq(&old->lock, flags);
    return new;
}

struct signal_handlers *handlers_get(struct signal_handlers *handlers)
{
    atomic_fetch_add_explicit(&handlers->references, 1, memory_order_relaxed);
    return handlers;
}

void handlers_put(struct signal_handlers *handlers)
{
    if (handlers == NULL
        || atomic_fetch_sub_explicit(&handlers->references, 1, memory_order_acq_rel) != 1)
        return;
    action_table_free(handlers->table);
    slab_free(handlers);
}

/* => handlers->lock held */
static void table_read(const struct action_table *table, int sig, struct sigaction *action)
{
    unsigned i = sig - 1;

    action->sa_handler = table->handler[i];
    action->sa_flags = table->flags[i];
    action->sa_restorer = table->restorer[i];
    action->sa_mask = table->mask[i];
}

void handlers_read(struct signal_handlers *handlers, int sig, struct sigaction *action)
{
    sigset_t bit = SIGNAL_BIT(sig);

    spin_lock_nested(&handlers->lock);
    if (handlers->detailed & bit) {
        table_read(handlers->table, sig, action);
    } else {
        memset(action, 0, sizeof(*action));
        action->sa_handler = handlers->ignored & bit ? SIG_IGN : SIG_DFL;
    }
    spin_unlock(&handlers->lock);
}

/* A table that only these handlers use. => lock held; false: *spare is needed and there is none */
static bool own_table(struct signal_handlers *handlers, struct action_table **spare)
{
    struct action_table *old = handlers->table;
    struct action_table *new = *spare;

    if (old != NULL && atomic_load_explicit(&old->references, memory_order_acquire) == 1)
        return true;
    if (new == NULL)
        return false;
    if (old != NULL)
        memcpy(new->flags, old->flags, sizeof(*new) - offsetof(struct action_table, flags));
    handlers->table = new;
    *spare = old; // one reference less, outside the lock
    return true;
}

static void table_write(struct action_table *table, int sig, const struct sigaction *action)
{
    unsigned i = sig - 1;

    table->handler[i] = action->sa_handler;
    table->flags[i] = action->sa_flags;
    table->restorer[i] = action->sa_restorer;
    table->mask[i] = action->sa_mask;
}

/* Whether a bit can say all of it. The restorer does not count: no function will return. */
static bool is_plain(const struct sigaction *action)
{
    return (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
           && (action->sa_flags & ~(unsigned long)SA_RESTORER) == 0 && action->sa_mask == 0;
}

static void set_bit(sigset_t *set, sigset_t bit, bool on)
{
    *set = on ? *set | bit : *set & ~bit;
}

bool handlers_write(struct signal_handlers *handlers, int sig, const struct sigaction *action,
                    struct action_table **spare)
{
    sigset_t bit = SIGNAL_BIT(sig);
    bool detailed = !is_plain(action);
    bool done;

    spin_lock_nested(&handlers->lock);
    done = !detailed || own_table(handlers, spare);
    if (done) {
        if (detailed)
            table_write(handlers->table, sig, action);
        set_bit(&handlers->detailed, bit, detailed);
        set_bit(&handlers->ignored, bit, action->sa_handler == SIG_IGN);
        set_bit(&handlers->caught, bit, action->sa_handler != SIG_IGN && action->sa_handler != SIG_DFL);
    }
    spin_unlock(&handlers->lock);
    return done;
}

void handlers_reset(struct signal_handlers *handlers, int sig)
{
    spin_lock_nested(&handlers->lock);
    handlers->detailed &= ~SIGNAL_BIT(sig);
    handlers->ignored &= ~SIGNAL_BIT(sig);
    handlers->caught &= ~SIGNAL_BIT(sig);
    spin_unlock(&handlers->lock);
}

void handlers_drop_functions(struct signal_handlers *handlers)
{
    uint64_t flags = spin_lock_irq(&handlers->lock);
    struct action_table *table = handlers->table;

    handlers->table = NULL;
    handlers->detailed = 0;
    handlers->caught = 0;
    spin_unlock_irq(&handlers->lock, flags);
    action_table_free(table);
}

void handlers_sets(struct signal_handlers *handlers, sigset_t *ignored, sigset_t *caught)
{
    spin_lock_nested(&handlers->lock);
    *ignored = handlers->ignored;
    *caught = handlers->caught;
    spin_unlock(&handlers->lock);
}
