// SPDX-License-Identifier: MIT
/*
 * sem_control.c - System V semaphores: semget, semctl.    Not here: semop, sem.c
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "sys/buffer.h"
#include "sys/sem_set.h"
#include "sys/syscall.h"

static uint32_t all_semaphores; // (sem_sets.lock) in all sets

static size_t set_size(uint64_t count)
{
    return sizeof(struct sem_set) + count * sizeof(struct semaphore);
}

/* => in no table; NULL: no memory */
static struct sem_set *set_create(uint32_t count)
{
    struct sem_set *set = buffer_alloc(set_size(count));

    if (!set)
        return NULL;
    memset(set, 0, set_size(count));
    list_init(&set->sleepers);
    list_init(&set->undos);
    set->changed = ipc_now();
    return set;
}

/* => sem_sets.lock held */
static void set_remove(struct sem_set *set)
{
    struct list *link;

    ipc_remove(&sem_sets, &set->object);
    all_semaphores -= set->object.size;
    ipc_wake_all(&set->sleepers, -EIDRM);
    while ((link = list_take_first(&set->undos)) != NULL) {
        struct sem_undo *undo = list_entry(link, struct sem_undo, link);
        buffer_free(undo, sem_undo_size(undo->count));
    }
    buffer_free(set, set_size(set->object.size));
}

static int64_t make(int key, int count, unsigned flags)
{
    struct sem_set *set = set_create((uint32_t)count);
    struct ipc_object *spare;
    int64_t result;

    if (!set)
        return -ENOMEM;
    spare = &set->object;
    result = ipc_get(&sem_sets, key, flags, &spare, (uint64_t)count);
    if (spare) {
        buffer_free(set, set_size((uint64_t)count));
        return result;
    }
    spin_lock(&sem_sets.lock);
    all_semaphores += (uint32_t)count;
    spin_unlock(&sem_sets.lock);
    return result;
}

SYSCALL3(semget, int, key, int, count, unsigned, flags)
{
    struct ipc_object *none = NULL;

    if (count < 0 || count > SEMMSL)
        return -EINVAL;
    if (count && (key == IPC_PRIVATE || (flags & IPC_CREAT)))
        return make(key, count, flags);
    return ipc_get(&sem_sets, key, flags, &none, (uint64_t)count);
}

/* ---- Of a set ---- */

void sem_set_tell(const struct ipc_object *object, void *state)
{
    const struct sem_set *set = container_of(object, struct sem_set, object);
    struct semid64_ds *out = state;

    *out = (struct semid64_ds){.sem_otime = set->operated, .sem_ctime = set->changed, .sem_nsems = set->object.size};
    ipc_tell(&set->object, &out->sem_perm);
}

int sem_tell_from(int index, struct semid64_ds *out, int *id)
{
    return ipc_tell_from(&sem_sets, index, out, id);
}

static int64_t sem_stat(int id, int command, vaddr_t address)
{
    struct semid64_ds state;

    return ipc_stat(&sem_sets, id, command == IPC_STAT, command == SEM_STAT_ANY, &state, sizeof(state), address);
}

/* Change or remove: for the owner. `state` NULL: remove. */
static int64_t sem_change(int id, const struct semid64_ds *state)
{
    struct ipc_object *object;
    int error;

    spin_lock(&sem_sets.lock);
    error = ipc_obtain_owned(&sem_sets, id, &object);
    if (!error && state) {
        ipc_set(object, &state->sem_perm);
        sem_set_of(object)->changed = ipc_now();
    } else if (!error) {
        set_remove(sem_set_of(object));
    }
    spin_unlock(&sem_sets.lock);
    return error;
}

static int64_t sem_set_owner(int id, vaddr_t address)
{
    struct semid64_ds state;

    return copy_from_user(&state, address, sizeof(state)) ? -EFAULT : sem_change(id, &state);
}

static int64_t sem_limits(int command, vaddr_t address)
{
    struct seminfo info = {
        .semmap = SEMMAP, .semmni = SEMMNI, .semmns = SEMMNS, .semmnu = SEMMNU, .semmsl = SEMMSL, .semopm = SEMOPM,
        .semume = SEMUME, .semusz = SEMUSZ, .semvmx = SEMVMX, .semaem = SEMAEM,
    };
    int highest;

    spin_lock(&sem_sets.lock);
    if (command == SEM_INFO) {
        info.semusz = (int)sem_sets.count;
        info.semaem = (int)all_semaphores;
    }
    highest = ipc_highest_index(&sem_sets);
    spin_unlock(&sem_sets.lock);
    return copy_to_user(address, &info, sizeof(info)) ? -EFAULT : highest;
}

/* ---- Of all semaphores of a set ---- */

static void forget_undo(struct sem_set *set, unsigned first, unsigned count)
{
    struct sem_undo *undo;

    list_for_each_entry(undo, &set->undos, link)
        memset(undo->adjust + first, 0, count * sizeof(*undo->adjust));
}

/* => sem_sets.lock held; the set has as many as there are values */
static void set_values(struct sem_set *set, const uint16_t *values, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        set->semaphores[first + i].value = values[i];
        set->semaphores[first + i].process = current_process()->id;
    }
    forget_undo(set, first, count);
    set->changed = ipc_now();
    sem_serve(set);
}

static int get_all(struct sem_set *set, uint16_t *values)
{
    for (unsigned i = 0; i < set->object.size; i++)
        values[i] = set->semaphores[i].value;
    return 0;
}

/* How many there are. => -errno */
static int64_t count_of(int id, unsigned wanted)
{
    struct ipc_object *object;
    int64_t result;

    spin_lock(&sem_sets.lock);
    result = ipc_obtain(&sem_sets, id, wanted, &object);
    if (!result)
        result = (int64_t)object->size;
    spin_unlock(&sem_sets.lock);
    return result;
}

/* Between the set and a buffer that has room for it, once the values to be set are in that. */
static int move_all(int id, unsigned wanted, uint16_t *values, unsigned count)
{
    struct ipc_object *object;
    int error;

    for (unsigned i = 0; wanted == IPC_WRITE && i < count; i++)
        if (values[i] > SEMVMX)
            return -ERANGE;
    spin_lock(&sem_sets.lock);
    error = ipc_obtain(&sem_sets, id, wanted, &object);
    if (error == -EINVAL)
        error = -EIDRM;
    else if (!error && wanted == IPC_WRITE)
        set_values(sem_set_of(object), values, 0, count);
    else if (!error)
        error = get_all(sem_set_of(object), values);
    spin_unlock(&sem_sets.lock);
    return error;
}

static int64_t sem_all(int id, bool set, vaddr_t address)
{
    unsigned wanted = set ? IPC_WRITE : IPC_READ;
    int64_t count = count_of(id, wanted), error = 0;
    size_t size = (size_t)count * sizeof(uint16_t);
    uint16_t *values;

    if (count < 0)
        return count;
    values = buffer_alloc(size);
    if (!values)
        return -ENOMEM;
    if (set && copy_from_user(values, address, size))
        error = -EFAULT;
    if (!error)
        error = move_all(id, wanted, values, (unsigned)count);
    if (!error && !set && copy_to_user(address, values, size))
        error = -EFAULT;
    buffer_free(values, size);
    return error;
}

/* ---- Of one ---- */

/* How many wait for one semaphore to become zero, or to become more. */
static int64_t count_waiting(struct sem_set *set, unsigned index, bool for_zero)
{
    struct sem_operation *operation;
    int64_t count = 0;

    list_for_each_entry(operation, &set->sleepers, sleeper.link)
        count += operation->blocking->sem_num == index && (operation->blocking->sem_op == 0) == for_zero;
    return count;
}

static int64_t tell_one(struct sem_set *set, int command, unsigned index)
{
    switch (command) {
    case GETVAL:
        return set->semaphores[index].value;
    case GETPID:
        return set->semaphores[index].process;
    default:
        return count_waiting(set, index, command == GETZCNT);
    }
}

static int64_t sem_one(int id, int index, int command, int value)
{
    uint16_t new_value = (uint16_t)value;
    struct ipc_object *object;
    int64_t result;

    if (command == SETVAL && (value < 0 || value > SEMVMX))
        return -ERANGE;
    spin_lock(&sem_sets.lock);
    result = ipc_obtain(&sem_sets, id, command == SETVAL ? IPC_WRITE : IPC_READ, &object);
    if ((!result || (result == -EACCES && command == SETVAL)) && (index < 0 || (uint64_t)index >= object->size))
        result = -EINVAL;
    if (!result && command == SETVAL)
        set_values(sem_set_of(object), &new_value, (unsigned)index, 1);
    else if (!result)
        result = tell_one(sem_set_of(object), command, (unsigned)index);
    spin_unlock(&sem_sets.lock);
    return result;
}

SYSCALL4(semctl, int, id, int, index, int, command, uint64_t, argument)
{
    if (id < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        return sem_limits(command, argument);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return sem_stat(id, command, argument);
    case GETALL:
    case SETALL:
        return sem_all(id, command == SETALL, argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
        return sem_one(id, index, command, (int)argument);
    case IPC_SET:
        return sem_set_owner(id, argument);
    case IPC_RMID:
        return sem_change(id, NULL);
    default:
        return -EINVAL;
    }
}
