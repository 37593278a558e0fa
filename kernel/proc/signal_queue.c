// SPDX-License-Identifier: MIT
/*
 * signal_queue.c - signals that wait to be taken.
 */
#include "proc/signal_queue.h"

#include "lib/string.h"
#include "mm/slab.h"
#include "proc/deferred.h"
#include "proc/posix_timer.h"
#include "proc/process.h"

struct signal_entry *signal_entry_create(const struct signal_info *info)
{
    struct signal_entry *entry;

    if (info == NULL)
        return NULL;
    entry = slab_alloc(sizeof(*entry));
    if (entry == NULL)
        return NULL;
    entry->info = *info;
    entry->timer = NULL;
    return entry;
}

void signal_queue_add(struct signal_queue *queue, int sig, struct signal_entry *entry)
{
    queue->set |= SIGNAL_BIT(sig);
    if (entry == NULL)
        return;
    queue->count++;
    list_add_tail(&queue->entries, &entry->link);
}

/* => `info` where the signal was taken to, or NULL: it is thrown away */
static void entry_remove(struct signal_queue *queue, struct signal_entry *entry, struct signal_info *info,
                         struct deferred **garbage)
{
    queue->count--;
    list_remove(&entry->link);
    if (entry->timer != NULL)
        posix_timer_taken(entry->timer, info);
    else
        deferred_add(garbage, entry);
}

void signal_queue_remove(struct signal_queue *queue, struct signal_entry *entry)
{
    int sig = entry->info.si_signo;

    queue->count--;
    list_remove(&entry->link);
    list_for_each_entry(entry, &queue->entries, link) {
        if (entry->info.si_signo == sig)
            return;
    }
    queue->set &= ~SIGNAL_BIT(sig);
}

void signal_queue_take(struct signal_queue *queue, int sig, struct signal_info *info,
                       struct deferred **garbage)
{
    struct signal_entry *entry, *after, *first = NULL;
    bool more = false;

    list_for_each_entry_safe(entry, after, &queue->entries, link) {
        if (entry->info.si_signo != sig)
            continue;
        more = first != NULL;
        if (more)
            break;
        first = entry;
    }
    if (!more)
        queue->set &= ~SIGNAL_BIT(sig);
    if (first == NULL) {
        memset(info, 0, sizeof(*info));
        info->si_signo = sig;
        info->si_code = SI_KERNEL;
        return;
    }
    *info = first->info;
    entry_remove(queue, first, info, garbage);
}

void signal_queue_discard(struct signal_queue *queue, sigset_t set, struct deferred **garbage)
{
    struct signal_entry *entry, *after;

    if ((queue->set & set) == 0)
        return;
    queue->set &= ~set;
    list_for_each_entry_safe(entry, after, &queue->entries, link) {
        if (SIGNAL_BIT(entry->info.si_signo) & set)
            entry_remove(queue, entry, NULL, garbage);
    }
}

void signal_queue_flush(struct signal_queue *queue, struct deferred **garbage)
{
    signal_queue_discard(queue, ~0ul, garbage);
}

int signal_first(sigset_t set)
{
    if (set & SIGNAL_SYNCHRONOUS)
        set &= SIGNAL_SYNCHRONOUS;
    return set == 0 ? 0 : __builtin_ctzl(set) + 1;
}

int signal_dequeue(struct thread *thread, sigset_t blocked, struct signal_info *info)
{
    struct process *process = thread->process;
    struct signal_queue *queue = &thread->pending;
    int sig = signal_first(queue->set & ~blocked);

    if (sig == 0) {
        queue = &process->pending;
        sig = signal_first(queue->set & ~blocked);
    }
    if (sig != 0)
        signal_queue_take(queue, sig, info, &process->signal_garbage);
    return sig;
}
