// SPDX-License-Identifier: MIT
#include "sys/ipc.h"

#include "fs/credentials.h"
#include "lib/errno.h"
#include "lib/log.h"
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

struct ipc_object *ipc_find(struct ipc_table *table, int id)
{
    struct ipc_object *object = ipc_find_from(table, id & 0x7fff);

    return object && object->id == id ? object : NULL;
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
