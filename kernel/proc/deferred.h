// SPDX-License-Identifier: MIT
/*
 * deferred.h - small objects that are given up where they cannot be freed: under the locks that interrupts
 * take, too (process_tree, signal_lock). They are strung together through their first word, and freed when
 * the locks are released.
 */
#ifndef PROC_DEFERRED_H
#define PROC_DEFERRED_H

#include "lib/types.h"
#include "mm/slab.h"

struct deferred {
    struct deferred *next;
};

/* Give up `object`, from slab_alloc. => its content is lost */
static inline void deferred_add(struct deferred **list, void *object)
{
    struct deferred *entry = object;

    entry->next = *list;
    *list = entry;
}

/* Free all. => no lock of the interrupt zone held */
static inline void deferred_free(struct deferred *list)
{
    while (list != NULL) {
        struct deferred *next = list->next;

        slab_free(list);
        list = next;
    }
}

#endif
