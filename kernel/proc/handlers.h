// SPDX-License-Identifier: MIT
/*
 * handlers.h - what a process does with each signal: the actions that sigaction(2) sets.
 */
#ifndef PROC_HANDLERS_H
#define PROC_HANDLERS_H

#include <asm/signal.h>

#include "lib/types.h"
#include "sync/spinlock.h"

struct action_table;

/*
 * The actions of one process, or of several that CLONE_SIGHAND made.
 *
 * What needs more than a bit lies in a table that fork shares with the child: whoever changes it first
 * takes a copy. A bit in `detailed` says that the table has the action; without it the signal is ignored
 * or handled by default, with no flags.
 *
 * Fields: (a) atomic  (l) lock, which is taken after the signal_lock of one of the processes, with
 * interrupts off
 */
struct signal_handlers {
    _Atomic uint32_t references;    // (a)
    struct spinlock lock;
    sigset_t ignored;               // (l) SIG_IGN
    sigset_t caught;                // (l) by a function
    sigset_t detailed;              // (l) see above
    struct action_table *table;     // (l) counted; NULL if nothing is detailed
};

void handlers_init(void);

/* All by default, one reference. => NULL when there is no memory */
__must_check struct signal_handlers *handlers_create(void);

/* The same actions for another process (fork). => NULL when there is no memory */
__must_check struct signal_handlers *handlers_copy(struct signal_handlers *old);

struct signal_handlers *handlers_get(struct signal_handlers *handlers);

/* => NULL does nothing; does not sleep */
void handlers_put(struct signal_handlers *handlers);

/*
 * The action of `sig`, and changing it.
 *
 * => reading: the signal_lock of the process is held
 * => setting: a spare table from action_table_alloc is used up (then *spare is NULL) if one is needed;
 *    false: one is needed and there is none
 */
void handlers_read(struct signal_handlers *handlers, int sig, struct sigaction *action);
__must_check bool handlers_write(struct signal_handlers *handlers, int sig, const struct sigaction *action,
                                 struct action_table **spare);
struct action_table *action_table_alloc(void);
void action_table_free(struct action_table *table);

/* One signal back to its default. => the signal_lock of the process is held */
void handlers_reset(struct signal_handlers *handlers, int sig);

/* exec, CLONE_CLEAR_SIGHAND: no functions any more, but what is ignored stays so. => not shared */
void handlers_drop_functions(struct signal_handlers *handlers);

/* Signals that are ignored by name, and caught. => the signal_lock of the process is held */
void handlers_sets(struct signal_handlers *handlers, sigset_t *ignored, sigset_t *caught);

#endif
