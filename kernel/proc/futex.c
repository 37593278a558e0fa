// SPDX-License-Identifier: MIT
/*
 * futex.c - sleep until a word in user memory changes.
 *
 * Theory   A waiter enters a queue first, and looks at the word then. A waker has changed the word first,
 *          and looks into the queue then, under the same lock: so it finds the waiter, or the waiter finds
 *          the change. No user memory is touched under a lock, except where FUTEX_CMP_REQUEUE demands it,
 *          and then without waiting for a fault.
 * Key      Which memory a word is: its address in an address space; or, for a word in a shared mapping,
 *          its place in the file, by which other address spaces find it too. The waiter keeps the file.
 * Locking  Each bucket's lock. A waiter always takes it before it leaves, so it cannot go while a waker
 *          still looks at it.
 */
#include "proc/futex.h"

#include <linux/futex.h>

#include "arch/x86/layout.h"
#include "arch/x86/user_copy.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "mm/page_cache.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/boot.h"
#include "proc/process.h"

#define BUCKETS 64
#define ROBUST_LIST_LIMIT 2048      // as on Linux: a ring of the user's must not hold us for ever

struct futex_key {
    const void *where;              // an address space, or a file's pages
    uint64_t offset;                // the address, or the byte in the file
    struct page_cache *file;        // the file that the holder of this key keeps, or NULL
};

/* Fields: (c) constant while it waits  (l) the lock of its bucket */
struct futex_waiter {
    struct list link;               // (l) in its bucket
    struct futex_key key;           // (l) FUTEX_REQUEUE changes it
    struct bucket *_Atomic bucket;  // (l) to write
    struct kthread *kthread;        // (c)
    uint32_t bitset;                // (c)
    _Atomic bool woken;             // (l) to write: out of the queue
};

struct bucket {
    struct spinlock lock;
    struct list waiters;            // (l) in order of arrival
};

static struct bucket buckets[BUCKETS];

void futex_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, "futex", RANK_FUTEX);
        list_init(&buckets[i].waiters);
    }
}

static struct bucket *bucket_of(const struct futex_key *key)
{
    uint64_t mixed = ((uintptr_t)key->where ^ key->offset) * 0x9e3779b97f4a7c15ul; // 2^64 / golden ratio

    return &buckets[mixed >> 58];
}

static_assert(BUCKETS == 1 << (64 - 58), "the hash has as many values as there are buckets");

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->where == b->where && a->offset == b->offset;
}

/*
 * If the word lies in a shared mapping: the file's key, with a hold on the file. Else the key stays as it is.
 *
 * => 0, -EFAULT: nobody can reach the word
 */
static int find_file(struct vspace *space, vaddr_t address, struct futex_key *key)
{
    struct vregion *region;
    int error = 0;

    rwlock_read_lock(&space->lock);
    region = va2vregion(space, address);
    if (region == NULL || region->prot == 0) {
        error = -EFAULT;
    } else if (region->shared) {
        key->file = region->file;
        key->where = region->file;
        key->offset = region->file_offset + (address - vregion_start(region));
        region->file->ops->hold(region->file);
    }
    rwlock_read_unlock(&space->lock);
    return error;
}

/* => 0, -EINVAL, -EFAULT; key_put when done */
static __must_check int key_get(vaddr_t address, bool shared, struct futex_key *key)
{
    struct vspace *space = current_process()->vspace;

    if (!IS_ALIGNED(address, sizeof(uint32_t)))
        return -EINVAL;
    if (address >= USER_END)
        return -EFAULT;
    *key = (struct futex_key){.where = space, .offset = address};
    return shared ? find_file(space, address, key) : 0;
}

static void key_put(struct futex_key *key)
{
    if (key->file != NULL)
        key->file->ops->release(key->file);
}

static void enter(struct futex_waiter *waiter)
{
    struct bucket *bucket = bucket_of(&waiter->key);

    spin_lock(&bucket->lock);
    waiter->bucket = bucket;
    list_add_tail(&bucket->waiters, &waiter->link);
    spin_unlock(&bucket->lock);
}

/* The bucket that the waiter is in now, locked: it may be moved until the lock is held. */
static struct bucket *lock_bucket_of(struct futex_waiter *waiter)
{
    for (;;) {
        struct bucket *bucket = waiter->bucket;

        spin_lock(&bucket->lock);
        if (bucket == waiter->bucket)
            return bucket;
        spin_unlock(&bucket->lock);
    }
}

/* => true: somebody has woken it */
static bool leave(struct futex_waiter *waiter)
{
    struct bucket *bucket = lock_bucket_of(waiter);
    bool woken = waiter->woken;

    if (!woken)
        list_remove(&waiter->link);
    spin_unlock(&bucket->lock);
    return woken;
}

/* => 0 woken, -EINTR, -ETIMEDOUT */
static int sleep_until_woken(struct futex_waiter *waiter, uint64_t deadline)
{
    int error = 0;

    while (error == 0) {
        sched_sleep_prepare(true);
        if (waiter->woken) {
            sched_sleep_cancel();
            return 0;
        }
        error = wait_sleep(deadline);
    }
    return error;
}

int64_t futex_wait(const struct futex_wait_request *request)
{
    struct futex_waiter waiter = {.kthread = current_kthread(), .bitset = request->bitset};
    uint32_t value;
    int error;

    if (request->bitset == 0)
        return -EINVAL;
    error = key_get(request->address, request->shared, &waiter.key);
    if (error != 0)
        return error;
    enter(&waiter);
    error = get_user_u32(&value, request->address);
    if (error == 0)
        error = value != request->value ? -EAGAIN : sleep_until_woken(&waiter, request->deadline);
    if (leave(&waiter))
        error = 0;
    key_put(&waiter.key);
    return error;
}

/* => the bucket's lock held; the waiter may be gone when it is released */
static void wake_waiter(struct futex_waiter *waiter)
{
    list_remove(&waiter->link);
    waiter->woken = true;
    sched_wake(waiter->kthread);
}

/* => the bucket's lock held; the number woken */
static uint32_t wake_locked(struct bucket *bucket, const struct futex_key *key, uint32_t count,
                            uint32_t bitset)
{
    struct futex_waiter *waiter, *after;
    uint32_t woken = 0;

    list_for_each_entry_safe(waiter, after, &bucket->waiters, link) {
        if (woken == count)
            break;
        if (!key_equal(&waiter->key, key) || !(waiter->bitset & bitset))
            continue;
        wake_waiter(waiter);
        woken++;
    }
    return woken;
}

/* The count is signed, and whoever asks for none or fewer gets one: so it is on Linux. => the number woken */
static int64_t wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
    struct bucket *bucket = bucket_of(key);
    int64_t woken;

    spin_lock(&bucket->lock);
    woken = wake_locked(bucket, key, (int32_t)count > 0 ? count : 1, bitset);
    spin_unlock(&bucket->lock);
    return woken;
}

int64_t futex_wake(vaddr_t address, uint32_t count, uint32_t bitset, bool shared)
{
    struct futex_key key;
    int64_t result;

    if (bitset == 0)
        return -EINVAL;
    result = key_get(address, shared, &key);
    if (result != 0)
        return result;
    result = wake_key(&key, count, bitset);
    key_put(&key);
    return result;
}

/* Both locks, the one at the lower address first. */
static void lock_two(struct bucket *a, struct bucket *b)
{
    struct bucket *first = MIN(a, b);
    struct bucket *second = MAX(a, b);

    spin_lock(&first->lock);
    if (second != first)
        spin_lock_nested(&second->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
    if (a != b)
        spin_unlock(&MAX(a, b)->lock);
    spin_unlock(&MIN(a, b)->lock);
}

/* Move waiters from one key to the other. => both buckets locked; the number moved */
static uint32_t move_waiters(struct bucket *from, const struct futex_key *key, struct bucket *to,
                             const struct futex_key *new_key, uint32_t count)
{
    struct list moved = LIST_INIT(moved);
    struct futex_waiter *waiter, *after;
    uint32_t n = 0;

    list_for_each_entry_safe(waiter, after, &from->waiters, link) {
        if (n == count)
            break;
        if (!key_equal(&waiter->key, key))
            continue;
        list_remove(&waiter->link);
        list_add_tail(&moved, &waiter->link);
        // The waiter keeps the file it came with, not this one: the key is only compared, never followed.
        waiter->key.where = new_key->where;
        waiter->key.offset = new_key->offset;
        waiter->bucket = to;
        n++;
    }
    list_splice_tail(&to->waiters, &moved);
    return n;
}

/*
 * The word at request->from still has the value, looked at under the lock.
 *
 * => 0, -EAGAIN, -EFAULT: it is not present
 */
static int compare_locked(const struct futex_requeue_request *request)
{
    uint32_t value;

    if (!request->compare)
        return 0;
    // Preemption is off, so that a fault is not resolved but told.
    if (get_user_u32(&value, request->from) != 0)
        return -EFAULT;
    return value != request->value ? -EAGAIN : 0;
}

/* One attempt. => as futex_requeue; -EFAULT: make the word present and try again */
static int64_t requeue_once(const struct futex_requeue_request *request, const struct futex_key *from_key,
                            const struct futex_key *to_key)
{
    struct bucket *from = bucket_of(from_key);
    struct bucket *to = bucket_of(to_key);
    int64_t result;

    lock_two(from, to);
    result = compare_locked(request);
    if (result == 0) {
        result = wake_locked(from, from_key, request->wake, FUTEX_ANYONE);
        result += move_waiters(from, from_key, to, to_key, request->requeue);
    }
    unlock_two(from, to);
    return result;
}

static int64_t requeue_retrying(const struct futex_requeue_request *request, const struct futex_key *from_key,
                                const struct futex_key *to_key)
{
    int64_t result;
    uint32_t value;

    do {
        result = requeue_once(request, from_key, to_key);
    } while (result == -EFAULT && get_user_u32(&value, request->from) == 0);
    return result;
}

__cold int64_t futex_requeue(const struct futex_requeue_request *request)
{
    struct futex_key from, to;
    int64_t result = key_get(request->from, request->shared, &from);

    if (result != 0)
        return result;
    result = key_get(request->to, request->shared, &to);
    if (result == 0) {
        result = requeue_retrying(request, &from, &to);
        key_put(&to);
    }
    key_put(&from);
    return result;
}

/* The fields of an operation, as FUTEX_OP() packs them. */
struct wake_operation {
    unsigned op, comparison;
    int32_t operand, compared;
};

static int32_t sign_extend_12(uint32_t bits)
{
    return (int32_t)(bits << 20) >> 20;
}

static struct wake_operation decode(uint32_t encoded)
{
    struct wake_operation operation = {
        .op = encoded >> 28 & 7,
        .comparison = encoded >> 24 & 15,
        .operand = sign_extend_12(encoded >> 12),
        .compared = sign_extend_12(encoded),
    };

    if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
        operation.operand = (int32_t)(1u << (operation.operand & 31));
    return operation;
}

/* => false: no such operation */
static bool apply(const struct wake_operation *operation, uint32_t old, uint32_t *new)
{
    uint32_t operand = operation->operand;

    switch (operation->op) {
    case FUTEX_OP_SET: *new = operand; return true;
    case FUTEX_OP_ADD: *new = old + operand; return true;
    case FUTEX_OP_OR: *new = old | operand; return true;
    case FUTEX_OP_ANDN: *new = old & ~operand; return true;
    case FUTEX_OP_XOR: *new = old ^ operand; return true;
    default: return false;
    }
}

/* => 1 or 0; -ENOSYS: no such comparison */
static int compare(const struct wake_operation *operation, int32_t old)
{
    switch (operation->comparison) {
    case FUTEX_OP_CMP_EQ: return old == operation->compared;
    case FUTEX_OP_CMP_NE: return old != operation->compared;
    case FUTEX_OP_CMP_LT: return old < operation->compared;
    case FUTEX_OP_CMP_GE: return old >= operation->compared;
    case FUTEX_OP_CMP_LE: return old <= operation->compared;
    case FUTEX_OP_CMP_GT: return old > operation->compared;
    default: return -ENOSYS;
    }
}

/* Change the word at `address` atomically. => what it was compared true, 1 or 0; -EFAULT, -ENOSYS */
static int operate(vaddr_t address, uint32_t encoded)
{
    struct wake_operation operation = decode(encoded);
    uint32_t old, new, found;
    int error = get_user_u32(&old, address);

    while (error == 0) {
        if (!apply(&operation, old, &new))
            return -ENOSYS;
        error = user_cmpxchg_u32((uint32_t *)address, old, new, &found);
        if (error == 0 && found == old)
            return compare(&operation, (int32_t)old);
        old = found;
        if (signal_fatal_pending())
            return -EINTR;
    }
    return error;
}

__cold int64_t futex_wake_op(const struct futex_wake_op_request *request)
{
    struct futex_key first, second;
    int64_t result = key_get(request->first, request->shared, &first);
    int matches;

    if (result != 0)
        return result;
    result = key_get(request->second, request->shared, &second);
    if (result == 0) {
        matches = operate(request->second, request->operation);
        result = matches < 0 ? matches : wake_key(&first, request->wake_first, FUTEX_ANYONE);
        if (matches > 0)
            result += wake_key(&second, request->wake_second, FUTEX_ANYONE);
        key_put(&second);
    }
    key_put(&first);
    return result;
}

/*
 * A lock whose owner ends: marked so, and handed to a waiter. `pending`: it was about to be locked or unlocked; if it
 * is free, who unlocked it may not have come to wake the next.
 *
 * => false: the memory cannot be reached
 */
static bool mark_owner_died(vaddr_t address, uint32_t tid, bool pending)
{
    uint32_t word, found;

    if (!IS_ALIGNED(address, sizeof(uint32_t)) || get_user_u32(&word, address) != 0)
        return false;
    if (pending && word == 0)
        (void)futex_wake(address, 1, FUTEX_ANYONE, true);
    while ((word & FUTEX_TID_MASK) == tid) {
        uint32_t marked = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;

        if (user_cmpxchg_u32((uint32_t *)address, word, marked, &found) != 0)
            return false;
        if (found == word) {
            if (word & FUTEX_WAITERS)
                (void)futex_wake(address, 1, FUTEX_ANYONE, true); // aligned and mapped, as was just seen
            break;
        }
        word = found;
    }
    return true;
}

/* The links of a robust list carry a flag in bit 0. */
static int read_link(vaddr_t address, vaddr_t *link)
{
    uint64_t value = 0;
    int error = get_user_u64(&value, address);

    *link = value & ~(vaddr_t)1;
    return error;
}

void futex_exit_robust_list(struct thread *thread)
{
    vaddr_t head = thread->robust_list;
    uint32_t tid = thread->tid->number;
    vaddr_t entry, next, pending;
    uint64_t offset;

    if (read_link(head + offsetof(struct robust_list_head, list), &entry) != 0
        || get_user_u64(&offset, head + offsetof(struct robust_list_head, futex_offset)) != 0
        || read_link(head + offsetof(struct robust_list_head, list_op_pending), &pending) != 0)
        return;
    for (unsigned i = 0; entry != head && i < ROBUST_LIST_LIMIT; i++) {
        // The link is read first: once marked, the lock may be taken and its memory given away.
        bool more = read_link(entry, &next) == 0;

        if (entry != pending && !mark_owner_died(entry + offset, tid, false))
            return;
        if (!more)
            return;
        entry = next;
    }
    if (pending != 0)
        (void)mark_owner_died(pending + offset, tid, true);
}
