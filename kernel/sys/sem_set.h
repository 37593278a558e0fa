// SPDX-License-Identifier: MIT
/*
 * sem_set.h - sets of semaphores: what semop and semctl share.
 */
#ifndef SYS_SEM_SET_H
#define SYS_SEM_SET_H

#include "sys/ipc.h"
#include "sys/sem.h"

struct semaphore {
    uint16_t value;
    int process;                    // that changed it last
};

/* Fields: (c) constant  (t) sem_sets.lock; in its object, size is how many semaphores there are */
struct sem_set {
    struct ipc_object object;       // (t)
    int64_t operated, changed;      // (t) seconds since 1970
    struct list sleepers;           // (t) operations that wait, in the order in which they came
    struct list undos;              // (t) what is to be undone when processes end
    struct semaphore semaphores[];  // (t)
};

/* What SEM_UNDO of one process comes to, for each semaphore of one set.    Fields: (c) constant  (t) sem_sets.lock */
struct sem_undo {
    struct list link;               // (t)
    int process;                    // (c)
    uint32_t count;                 // (c) semaphores
    int16_t adjust[];               // (t)
};

/* A semop under way: on the stack of who makes it. */
struct sem_operation {
    struct ipc_sleeper sleeper;
    const struct sembuf *steps;
    unsigned count, most;           // most: the largest number of a semaphore
    bool alters, undoes;
    int process;
    struct sem_undo *undo;
    const struct sembuf *blocking;  // the step that it waits for
};

extern struct ipc_table sem_sets;
void sem_set_tell(const struct ipc_object *object, void *state); // a struct semid64_ds

static inline struct sem_set *sem_set_of(struct ipc_object *object)
{
    return container_of(object, struct sem_set, object);
}

static inline size_t sem_undo_size(uint32_t count)
{
    return sizeof(struct sem_undo) + count * sizeof(int16_t);
}

/* Values have changed: carry out what waits and now can be. => sem_sets.lock held */
void sem_serve(struct sem_set *set);

#endif
