// SPDX-License-Identifier: MIT
#include "sys/ipc.h"

#include "arch/x86/time.h"
#include "fs/credentials.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/usercopy.h"
#include "proc/cred.h"

#define INDEX_BITS    15
#define SEQUENCE_MASK 0xffffu
#define PERMISSIONS   0777u

static struct ipc_object *object_of(struct list *link)
{
    return container_of(link, struct ipc_object, link);
}

/* The lowest index that is free, and before which object it belongs. => false: there is none */
static bool find_place(struct ipc_table *table, int *index, struct list **before)
{
    *index = 0;
    for (*before = table->objects.next; *before != &table->objects; *before = (*before)->next) {
        if (ipc_index(object_of(*before)) != *index)
            break;
        ++*index;
    }
    return table->count < IPC_OBJECTS_MAX;
}

int ipc_add(struct ipc_table *table, struct ipc_object *object, int key, unsigned flags)
{
    const struct credentials *credentials = current_credentials();
    struct list *before;
    int index;

    DEBUG_ASSERT(spin_held(&table->lock));
    if (!find_place(table, &index, &before))
        return -ENOSPC;
    object->id = (int)((table->sequence++ & SEQUENCE_MASK) << INDEX_BITS) | index;
    object->key = key;
    object->mode = flags & PERMISSIONS;
    object->uid = object->cuid = credentials->euid;
    object->gid = object->cgid = credentials->egid;
    list_add_tail(before, &object->link);
    table->count++;
    return 0;
}

void ipc_remove(struct ipc_table *table, struct ipc_object *object)
{
    list_remove(&object->link);
    table->count--;
}

struct ipc_object *ipc_find_key(struct ipc_table *table, int key)
{
    struct ipc_object *object;

    list_for_each_entry(object, &table->objects, link)
        if (object->key == key && key != IPC_PRIVATE)
            return object;
    return NULL;
}

struct ipc_object *ipc_find_from(struct ipc_table *table, int index)
{
    struct ipc_object *object;

    list_for_each_entry(object, &table->objects, link)
        if (ipc_index(object) >= index)
            return object;
    return NULL;
}

struct ipc_object *ipc_find_index(struct ipc_table *table, int index)
{
    struct ipc_object *object = ipc_find_from(table, index);

    return object && ipc_index(object) == index ? object : NULL;
}

int ipc_obtain(struct ipc_table *table, int id, unsigned wanted, struct ipc_object **out)
{
    *out = id < 0 ? NULL : ipc_find_index(table, id & 0x7fff);
    if (!*out)
        return -EINVAL;
    return (*out)->id != id ? -EIDRM : ipc_permission(*out, wanted);
}

int ipc_obtain_owned(struct ipc_table *table, int id, struct ipc_object **out)
{
    int error = ipc_obtain(table, id, 0, out);

    return error ? error : ipc_owner(*out);
}

static int obtain_for_stat(struct ipc_table *table, int id, bool by_id, bool any, struct ipc_object **out)
{
    int error;

    if (by_id)
        return ipc_obtain(table, id, IPC_READ, out);
    *out = ipc_find_index(table, id & 0x7fff);
    error = !*out ? -EINVAL : any ? 0 : ipc_permission(*out, IPC_READ);
    return error ? error : (*out)->id;
}

int64_t ipc_stat(struct ipc_table *table, int id, bool by_id, bool any, void *state, size_t size, vaddr_t address)
{
    struct ipc_object *object;
    int64_t result;

    spin_lock(&table->lock);
    result = obtain_for_stat(table, id, by_id, any, &object);
    if (result >= 0)
        table->tell(object, state);
    spin_unlock(&table->lock);
    return result >= 0 && copy_to_user(address, state, size) ? -EFAULT : result;
}

int ipc_tell_from(struct ipc_table *table, int index, void *state, int *id)
{
    struct ipc_object *object;
    int found = -1;

    spin_lock(&table->lock);
    object = ipc_find_from(table, index);
    if (object) {
        table->tell(object, state);
        *id = object->id;
        found = ipc_index(object);
    }
    spin_unlock(&table->lock);
    return found;
}

static int64_t get_existing(const struct ipc_object *object, unsigned flags, uint64_t size)
{
    int error;

    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return -EEXIST;
    if (object->size < size)
        return -EINVAL;
    error = ipc_permission(object, flags);
    return error ? error : object->id;
}

/* => table->lock held */
static int64_t find_or_enter(struct ipc_table *table, int key, unsigned flags, struct ipc_object **spare, uint64_t size)
{
    struct ipc_object *object = ipc_find_key(table, key);
    int error;

    if (object)
        return get_existing(object, flags, size);
    if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
        return -ENOENT;
    object = *spare;
    if (!object)
        return -EINVAL;
    error = ipc_add(table, object, key, flags);
    if (error)
        return error;
    object->size = size;
    *spare = NULL;
    return object->id;
}

int64_t ipc_get(struct ipc_table *table, int key, unsigned flags, struct ipc_object **spare, uint64_t size)
{
    int64_t result;

    spin_lock(&table->lock);
    result = find_or_enter(table, key, flags, spare, size);
    spin_unlock(&table->lock);
    return result;
}

int ipc_sleep(struct ipc_table *table, struct list *list, struct ipc_sleeper *sleeper, uint64_t deadline)
{
    int error;

    wait_queue_init(&sleeper->wait);
    sleeper->status = IPC_WAITS;
    list_add_tail(list, &sleeper->link);
    spin_unlock(&table->lock);
    error = wait_event_deadline(&sleeper->wait, sleeper->status != IPC_WAITS, deadline);
    spin_lock(&table->lock); // who woke us has let go of us
    if (sleeper->status != IPC_WAITS)
        return sleeper->status;
    list_remove(&sleeper->link);
    return error;
}

void ipc_wake(struct ipc_sleeper *sleeper, int status)
{
    list_remove(&sleeper->link);
    sleeper->status = status;
    wake_all(&sleeper->wait);
}

void ipc_wake_all(struct list *list, int status)
{
    while (!list_empty(list))
        ipc_wake(list_first_entry(list, struct ipc_sleeper, link), status);
}

int64_t ipc_now(void)
{
    return clock_realtime_ns() / NS_PER_SECOND;
}

int ipc_highest_index(struct ipc_table *table)
{
    struct list *last = list_last(&table->objects);

    return last ? ipc_index(object_of(last)) : 0;
}

int ipc_permission(const struct ipc_object *object, unsigned wanted)
{
    const struct credentials *credentials = current_credentials();
    unsigned asked = (wanted >> 6 | wanted >> 3 | wanted) & 7, granted = object->mode;

    if (credentials->euid == object->cuid || credentials->euid == object->uid)
        granted >>= 6;
    else if (credentials_in_group(credentials, object->cgid) || credentials_in_group(credentials, object->gid))
        granted >>= 3;
    return (asked & ~granted) && !credentials_is_root(credentials) ? -EACCES : 0;
}

int ipc_owner(const struct ipc_object *object)
{
    const struct credentials *credentials = current_credentials();

    if (credentials->euid == object->cuid || credentials->euid == object->uid || credentials_is_root(credentials))
        return 0;
    return -EPERM;
}

void ipc_tell(const struct ipc_object *object, struct ipc64_perm *out)
{
    *out = (struct ipc64_perm){
        .key = object->key,
        .uid = object->uid,
        .gid = object->gid,
        .cuid = object->cuid,
        .cgid = object->cgid,
        .mode = object->mode,
        .seq = object->id >> INDEX_BITS,
    };
}

void ipc_set(struct ipc_object *object, const struct ipc64_perm *perm)
{
    object->uid = perm->uid;
    object->gid = perm->gid;
    object->mode = (object->mode & ~PERMISSIONS) | (perm->mode & PERMISSIONS);
}
