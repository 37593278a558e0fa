// SPDX-License-Identifier: MIT
/*
 * missing.c - count the calls that are not there, by number and program.
 *
 * Records are added, never removed. There is room for some; what comes after them still gets its ENOSYS, and is counted
 * in the last one, without a program.
 */
#include "sys/missing.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "proc/process.h"
#include "sync/spinlock.h"

#define RECORDS 48

static struct spinlock missing_lock = SPINLOCK_INIT("missing calls", RANK_CREDENTIALS);
static struct missing_call records[RECORDS];    // under missing_lock
static unsigned record_count;                   // under missing_lock

static struct missing_call *find_locked(uint64_t number, const char *program)
{
    for (unsigned i = 0; i < record_count; i++)
        if (records[i].number == (uint32_t)number && !strcmp(records[i].program, program))
            return &records[i];
    return NULL;
}

static struct missing_call *add_locked(uint64_t number, const char *program)
{
    struct missing_call *call;

    if (record_count == RECORDS)
        return &records[RECORDS - 1];
    call = &records[record_count++];
    call->number = (uint32_t)number;
    strlcpy(call->program, record_count == RECORDS ? "(others)" : program, sizeof(call->program));
    return call;
}

int64_t missing_count(uint64_t number)
{
    char program[COMM_SIZE];
    struct missing_call *call;

    memcpy(program, current_process()->comm, COMM_SIZE);
    spin_lock(&missing_lock);
    call = find_locked(number, program);
    if (!call)
        call = add_locked(number, program);
    call->count++;
    spin_unlock(&missing_lock);
    return -ENOSYS;
}

bool missing_get(unsigned index, struct missing_call *call)
{
    bool found;

    spin_lock(&missing_lock);
    found = index < record_count;
    if (found)
        *call = records[index];
    spin_unlock(&missing_lock);
    return found;
}
