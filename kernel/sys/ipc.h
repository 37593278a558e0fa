// SPDX-License-Identifier: MIT
/*
 * ipc.h - what the objects of System V's interprocess communication have in common: keys, ids, owners, rights.
 *
 * An id is an index and a number that counts up, so that an id that was removed does not soon mean something else.
 */
#ifndef SYS_IPC_H
#define SYS_IPC_H

#include <linux/ipc.h>

#include "lib/list.h"
#include "lib/types.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define IPC_OBJECTS_MAX 32000   // of one kind: SHMMNI and its like
#define IPC_READ  0444u         // what a call wants to do
#define IPC_WRITE 0222u

/* Fields: (c) constant  (t) the table's lock */
struct ipc_object {
    struct list link;               // (t) in order of index
    int id;                         // (c)
    int key;                        // (t)
    uint32_t uid, gid, mode;        // (t) mode: permission bits
    uint64_t size;                  // (c) which a second ...get may not ask more of
    uint32_t cuid, cgid;            // (c) of the creator
};

struct ipc_table {
    struct spinlock lock;
    struct list objects;            // (t)
    uint32_t count;                 // (t)
    uint32_t sequence;              // (t) of the next id
    void (*tell)(const struct ipc_object *object, void *state); // (c) what IPC_STAT tells of one; under the lock
};

#define IPC_TABLE_INIT(table, tell_function) \
    { .lock = SPINLOCK_INIT("System V objects", RANK_IPC), .objects = LIST_INIT((table).objects), .tell = (tell_function) }

/* All with the table's lock held, none of them sleeps. */

/* Enter an object with the running process as its owner. => 0, -ENOSPC */
__must_check int ipc_add(struct ipc_table *table, struct ipc_object *object, int key, unsigned flags);
void ipc_remove(struct ipc_table *table, struct ipc_object *object);

/* By key, by index, and the first from an index on. NULL: none. */
struct ipc_object *ipc_find_key(struct ipc_table *table, int key);
struct ipc_object *ipc_find_index(struct ipc_table *table, int index);
struct ipc_object *ipc_find_from(struct ipc_table *table, int index);

static inline int ipc_index(const struct ipc_object *object)
{
    return object->id & 0x7fff;
}

/* For a call that wants to do `wanted` to the object of that id. => 0, -EINVAL, -EIDRM (its index has another one), -EACCES */
__must_check int ipc_obtain(struct ipc_table *table, int id, unsigned wanted, struct ipc_object **out);

/* The same for what its owner does with it. => 0, -EINVAL, -EIDRM, -EPERM */
__must_check int ipc_obtain_owned(struct ipc_table *table, int id, struct ipc_object **out);

/* What the table tells of the first object from an index on, and its id. => not locked; its index, or -1: there is none */
int ipc_tell_from(struct ipc_table *table, int index, void *state, int *id);

/*
 * IPC_STAT (`by_id`), SHM_STAT and the like, by index, and SHM_STAT_ANY: the first `size` bytes of what the table tells, in `state`, to
 * `address`. => not locked; what the call returns: 0, the id, -errno
 */
int64_t ipc_stat(struct ipc_table *table, int id, bool by_id, bool any, void *state, size_t size, vaddr_t address);

/*
 * What shmget and its relatives do: the object of a key, or a new one. *spare, of `size`, is entered, and NULL then; NULL: none can be
 * made. => not locked; the id; -EEXIST, -ENOENT, -ENOSPC, -EACCES; -EINVAL: what there is has less than `size`, or none can be made
 */
int64_t ipc_get(struct ipc_table *table, int key, unsigned flags, struct ipc_object **spare, uint64_t size);

/*
 * A thread that sleeps for an object, in a list of that. Who wakes it says why; the sleeper has to have gone from there before the
 * object goes.
 */
#define IPC_WAITS 1 // status of one that nobody has woken
struct ipc_sleeper {
    struct list link;               // (t)
    struct wait_queue wait;
    _Atomic int status;             // written: (t)
};

/* => the table is locked, but not while it sleeps; the status, or -EINTR, -ETIMEDOUT. The object may have gone */
int ipc_sleep(struct ipc_table *table, struct list *list, struct ipc_sleeper *sleeper, uint64_t deadline);
void ipc_wake(struct ipc_sleeper *sleeper, int status);
void ipc_wake_all(struct list *list, int status);

int64_t ipc_now(void); // seconds since 1970

/* The highest index in use, or 0: what IPC_INFO returns. */
int ipc_highest_index(struct ipc_table *table);

/* May the running process do `wanted` (permission bits)? => 0, -EACCES */
__must_check int ipc_permission(const struct ipc_object *object, unsigned wanted);

/* May it change or remove the object? => 0, -EPERM */
__must_check int ipc_owner(const struct ipc_object *object);

/* The UAPI's structure from an object, and owner and rights back from it. */
void ipc_tell(const struct ipc_object *object, struct ipc64_perm *out);
void ipc_set(struct ipc_object *object, const struct ipc64_perm *perm);

#endif
