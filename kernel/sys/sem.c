// SPDX-License-Identifier: MIT
/*
 * sem.c - System V semaphores: semop, semtimedop, and what the end of a process undoes.
 *
 * Theory      All steps of an operation are done, or none. One that cannot be done waits in its set; who changes a value does for those
 *             that wait what can be done now, in their order, so that nobody who comes later is faster.
 * Locking     The table's spinlock. A sleeper is on its thread's stack: sys/ipc.h.
 * Not here    Making, asking and removing sets: sem_control.c.
 */
#include "arch/x86/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/exit.h"
#include "proc/process.h"
#include "sys/buffer.h"
#include "sys/sem_set.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

#define MUST_WAIT 1

struct ipc_table sem_sets = IPC_TABLE_INIT(sem_sets, sem_set_tell);

/* => 0, MUST_WAIT, -EAGAIN, -ERANGE */
static int take_step(struct sem_set *set, struct sem_operation *operation, const struct sembuf *step)
{
    struct semaphore *semaphore = &set->semaphores[step->sem_num];
    int value = semaphore->value + step->sem_op, adjust = 0;

    if (value < 0 || (step->sem_op == 0 && value != 0)) {
        operation->blocking = step;
        return step->sem_flg & IPC_NOWAIT ? -EAGAIN : MUST_WAIT;
    }
    if (step->sem_flg & SEM_UNDO)
        adjust = operation->undo->adjust[step->sem_num] - step->sem_op;
    if (value > SEMVMX || adjust < -SEMAEM - 1 || adjust > SEMAEM)
        return -ERANGE;
    if (step->sem_flg & SEM_UNDO)
        operation->undo->adjust[step->sem_num] = (int16_t)adjust;
    semaphore->value = (uint16_t)value;
    return 0;
}

static void take_back(struct sem_set *set, struct sem_operation *operation, const struct sembuf *step)
{
    set->semaphores[step->sem_num].value -= step->sem_op;
    if (step->sem_flg & SEM_UNDO)
        operation->undo->adjust[step->sem_num] += step->sem_op;
}

/* All steps, or none. => 0, MUST_WAIT, -EAGAIN, -ERANGE */
static int try(struct sem_set *set, struct sem_operation *operation)
{
    const struct sembuf *step = operation->steps, *end = step + operation->count;
    int result = 0;

    while (step < end && (result = take_step(set, operation, step)) == 0)
        step++;
    if (result) {
        while (step-- > operation->steps)
            take_back(set, operation, step);
        return result;
    }
    for (step = operation->steps; step < end; step++)
        set->semaphores[step->sem_num].process = operation->process;
    set->operated = ipc_now();
    return 0;
}

/* The first that need not wait any longer goes. => false: there is none */
static bool serve_one(struct sem_set *set)
{
    struct sem_operation *operation;

    list_for_each_entry(operation, &set->sleepers, sleeper.link) {
        int result = try(set, operation);
        if (result == MUST_WAIT)
            continue;
        ipc_wake(&operation->sleeper, result);
        return true;
    }
    return false;
}

void sem_serve(struct sem_set *set)
{
    while (serve_one(set))
        ;
}

/* ---- What is undone ---- */

static struct sem_undo *find_undo(struct sem_set *set, int process)
{
    struct sem_undo *undo;

    list_for_each_entry(undo, &set->undos, link)
        if (undo->process == process)
            return undo;
    return NULL;
}

static void undo_all(struct sem_set *set, struct sem_undo *undo)
{
    for (uint32_t i = 0; i < undo->count; i++) {
        struct semaphore *semaphore = &set->semaphores[i];
        int value = semaphore->value + undo->adjust[i];
        if (!undo->adjust[i])
            continue;
        semaphore->value = (uint16_t)MIN(MAX(value, 0), SEMVMX);
        semaphore->process = undo->process;
    }
    set->operated = ipc_now();
    sem_serve(set);
}

static void process_ends(int process)
{
    struct ipc_object *object;

    spin_lock(&sem_sets.lock);
    list_for_each_entry(object, &sem_sets.objects, link) {
        struct sem_undo *undo = find_undo(sem_set_of(object), process);
        if (!undo)
            continue;
        list_remove(&undo->link);
        undo_all(sem_set_of(object), undo);
        buffer_free(undo, sem_undo_size(undo->count));
    }
    spin_unlock(&sem_sets.lock);
}

/* ---- semop ---- */

/* The set that an operation is for, if it may be done there. => sem_sets.lock held; 0, -EINVAL, -EIDRM, -EACCES, -EFBIG */
static int find_set(int id, const struct sem_operation *operation, struct sem_set **out)
{
    struct ipc_object *object;
    int error = ipc_obtain(&sem_sets, id, operation->alters ? IPC_WRITE : IPC_READ, &object);

    *out = sem_set_of(object);
    return (!error || error == -EACCES) && operation->most >= object->size ? -EFBIG : error;
}

/* As find_set; and the operation has room for what it will be undone by. Without memory for that, -ENOMEM */
static int find_set_and_undo(int id, struct sem_operation *operation, struct sem_set **out)
{
    struct sem_undo *spare = NULL;
    int error;

    while (!(error = find_set(id, operation, out)) && operation->undoes) {
        uint32_t count = (uint32_t)(*out)->object.size;
        operation->undo = find_undo(*out, operation->process);
        if (!operation->undo && spare) {
            list_add_tail(&(*out)->undos, &spare->link);
            operation->undo = spare;
            return 0;
        }
        if (operation->undo)
            break;
        spin_unlock(&sem_sets.lock);
        spare = buffer_alloc(sem_undo_size(count));
        spin_lock(&sem_sets.lock);
        if (!spare)
            return -ENOMEM;
        memset(spare, 0, sem_undo_size(count));
        spare->process = operation->process;
        spare->count = count;
    }
    if (spare)
        buffer_free(spare, sem_undo_size(spare->count));
    return error;
}

/* => sem_sets.lock held, given up while it waits */
static int operate_locked(int id, struct sem_operation *operation, uint64_t deadline)
{
    struct sem_set *set;
    int result = find_set_and_undo(id, operation, &set);

    if (!result)
        result = try(set, operation);
    if (!result && operation->alters)
        sem_serve(set);
    if (result == MUST_WAIT)
        result = ipc_sleep(&sem_sets, &set->sleepers, &operation->sleeper, deadline);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

/* => as semop; never made again by itself, whatever SA_RESTART says */
static int operate(int id, const struct sembuf *steps, unsigned count, uint64_t deadline)
{
    struct sem_operation operation = {.steps = steps, .count = count, .process = current_process()->id};
    int result;

    for (unsigned i = 0; i < count; i++) {
        operation.most = MAX(operation.most, (unsigned)steps[i].sem_num);
        operation.alters |= steps[i].sem_op != 0;
        operation.undoes |= (steps[i].sem_flg & SEM_UNDO) != 0;
    }
    if (operation.undoes)
        exit_set_hook(process_ends);
    spin_lock(&sem_sets.lock);
    result = operate_locked(id, &operation, deadline);
    spin_unlock(&sem_sets.lock);
    return result;
}

/* `error`: what is wrong with the deadline, which is told last. */
static int64_t read_and_operate(int id, vaddr_t address, unsigned count, uint64_t deadline, int error)
{
    size_t size = count * sizeof(struct sembuf);
    struct sembuf *steps;

    if (count > SEMOPM)
        return -E2BIG;
    steps = buffer_alloc(size);
    if (!steps)
        return -ENOMEM;
    if (copy_from_user(steps, address, size))
        error = -EFAULT;
    else if (count < 1 || id < 0)
        error = -EINVAL;
    else if (!error)
        error = operate(id, steps, count, deadline);
    buffer_free(steps, size);
    return error;
}

SYSCALL3(semop, int, id, vaddr_t, steps, unsigned, count)
{
    return read_and_operate(id, steps, count, WAIT_FOR_EVER, 0);
}

SYSCALL4(semtimedop, int, id, vaddr_t, steps, unsigned, count, vaddr_t, timeout)
{
    uint64_t ns = 0;
    int error = timeout ? user_timespec(timeout, &ns) : 0;

    if (error == -EFAULT)
        return error;
    return read_and_operate(id, steps, count, timeout ? deadline_after(ns) : WAIT_FOR_EVER, error);
}
