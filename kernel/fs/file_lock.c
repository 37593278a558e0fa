// SPDX-License-Identifier: MIT
/*
 * file_lock.c - advisory locks on files.
 *
 * Theory      An inode has a list of locks while there are any, or somebody waits for one. An owner's locks on it never overlap, and two of the
 *             same type never touch: they are merged. Who has to wait says so in a list of its own, and looks again
 *             when something there was given up. Whether that would be a deadlock is found by asking who waits for
 *             whom, from those lists, at each look.
 * Locking     One mutex for all. Nothing is copied and nobody waits for others' locks under it.
 * Considered  A lock for each inode: locks are rare, and finding deadlocks needs all of them.
 */
#include "fs/file_lock.h"

#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "mm/slab.h"
#include "sync/mutex.h"
#include "sync/wait.h"

#define DEADLOCK_STEPS 10       // so far a chain of those who wait is followed; as on Linux

struct file_lock {
    struct list link;
    struct file_lock_request held;
};

/* All fields: file_locks; `changes` is read by those who wait without it. */
struct file_lock_list {
    struct list link;               // of all lists
    struct inode *inode;
    unsigned waiting;               // threads that wait here
    struct list locks;              // struct file_lock; those of an owner together, in order
    _Atomic uint32_t changes;       // how often something was given up
    struct wait_queue changed;
};

/* A thread that waits. */
struct file_lock_waiter {
    struct list link;
    const struct file_lock_request *request;
    struct file_lock_list *list;
};

/* Memory for what one request may need: the lock, and the second half of one that is split. */
struct file_lock_spares {
    struct file_lock *lock[2];
};

static struct mutex file_locks = MUTEX_INIT(file_locks, "file locks", RANK_FILE_LOCKS);
static struct list lists = LIST_INIT(lists);
static struct list waiters = LIST_INIT(waiters);

static bool same_owner(const struct file_lock_request *a, const struct file_lock_request *b)
{
    return a->owner == b->owner && a->kind == b->kind;
}

static bool overlap(const struct file_lock_request *a, const struct file_lock_request *b)
{
    return a->start <= b->end && b->start <= a->end;
}

static bool exclude(const struct file_lock_request *a, const struct file_lock_request *b)
{
    return (a->kind == FILE_LOCK_FLOCK) == (b->kind == FILE_LOCK_FLOCK) && !same_owner(a, b) && (a->write || b->write)
           && overlap(a, b);
}

/* The first lock that stands in the way, or NULL. */
static struct file_lock *find_conflict(struct file_lock_list *list, const struct file_lock_request *request)
{
    struct file_lock *lock;

    list_for_each_entry(lock, &list->locks, link) {
        if (exclude(&lock->held, request))
            return lock;
    }
    return NULL;
}

/* Whom the owner of POSIX locks waits for, or NULL. */
static const struct file_lock_request *waits_for(const struct file_lock_request *who)
{
    struct file_lock_waiter *waiter;

    list_for_each_entry(waiter, &waiters, link) {
        struct file_lock *lock;

        if (!same_owner(waiter->request, who))
            continue;
        lock = find_conflict(waiter->list, waiter->request);
        if (lock != NULL)
            return &lock->held;
    }
    return NULL;
}

static bool would_deadlock(const struct file_lock_request *request, const struct file_lock_request *blocker)
{
    if (request->kind != FILE_LOCK_POSIX)
        return false;
    for (int i = 0; i < DEADLOCK_STEPS && blocker != NULL && blocker->kind == FILE_LOCK_POSIX; i++) {
        if (same_owner(blocker, request))
            return true;
        blocker = waits_for(blocker);
    }
    return false;
}

static struct file_lock_list *list_create(struct inode *inode)
{
    struct file_lock_list *list = slab_zalloc(sizeof *list);

    if (list == NULL)
        return NULL;
    list->inode = inode;
    list_init(&list->locks);
    wait_queue_init(&list->changed);
    list_add_tail(&lists, &list->link);
    inode->locks = list;
    return list;
}

/* Nobody needs an empty list: the inode may go. */
static void drop_if_unused(struct inode *inode)
{
    struct file_lock_list *list = inode->locks;

    if (list == NULL || list->waiting != 0 || !list_empty(&list->locks))
        return;
    inode->locks = NULL;
    list_remove(&list->link);
    slab_free(list);
}

static void lock_free(struct file_lock *lock)
{
    list_remove(&lock->link);
    slab_free(lock);
}

/* Put a lock among those of its owner, in order. */
static void insert(struct file_lock_list *list, struct file_lock *new)
{
    struct list *before = &list->locks;     // where it goes: in front of this
    struct file_lock *lock;

    list_for_each_entry(lock, &list->locks, link) {
        if (!same_owner(&lock->held, &new->held))
            continue;
        before = &lock->link;
        if (lock->held.start > new->held.start)
            break;
        before = lock->link.next;
    }
    list_add_tail(before, &new->link);
}

static struct file_lock *take_spare(struct file_lock_spares *spares)
{
    struct file_lock **spare = &spares->lock[spares->lock[0] == NULL];
    struct file_lock *lock = *spare;

    *spare = NULL;
    return lock;
}

/* Take the range of `request` out of one lock of its owner. */
static void cut(struct file_lock_list *list, struct file_lock *lock, const struct file_lock_request *request,
                struct file_lock_spares *spares)
{
    struct file_lock *rest;

    if (lock->held.start < request->start && lock->held.end > request->end) {
        rest = take_spare(spares);
        rest->held = lock->held;
        rest->held.start = request->end + 1;
        lock->held.end = request->start - 1;
        insert(list, rest);
    } else if (lock->held.start < request->start) {
        lock->held.end = request->start - 1;
    } else if (lock->held.end > request->end) {
        lock->held.start = request->end + 1;
    } else {
        lock_free(lock);
    }
}

/* Make what the owner has in the range `request`, or (clear) nothing. => cannot fail */
static void apply(struct file_lock_list *list, const struct file_lock_request *request, bool clear,
                  struct file_lock_spares *spares)
{
    struct file_lock_request sum = *request;
    struct file_lock *lock, *after;

    list_for_each_entry_safe(lock, after, &list->locks, link) {
        const struct file_lock_request *held = &lock->held;

        if (!same_owner(held, request))
            continue;
        if (!clear && held->write == request->write) {
            if (held->end + 1 < sum.start || held->start > sum.end + 1)
                continue;
            sum.start = MIN(sum.start, held->start);
            sum.end = MAX(sum.end, held->end);
            lock_free(lock);
        } else if (overlap(held, request)) {
            cut(list, lock, request, spares);
        }
    }
    if (!clear) {
        lock = take_spare(spares);
        lock->held = sum;
        insert(list, lock);
    }
}

/* Something may have been given up. */
static void tell(struct file_lock_list *list)
{
    list->changes++;
    wake_all(&list->changed);
}

/* => 0, -ENOLCK with nothing allocated */
static int spares_alloc(struct file_lock_spares *spares)
{
    spares->lock[0] = slab_alloc(sizeof(struct file_lock));
    spares->lock[1] = slab_alloc(sizeof(struct file_lock));
    if (spares->lock[0] != NULL && spares->lock[1] != NULL)
        return 0;
    slab_free(spares->lock[0]);
    slab_free(spares->lock[1]);
    return -ENOLCK;
}

static void spares_free(struct file_lock_spares *spares)
{
    slab_free(spares->lock[0]);
    slab_free(spares->lock[1]);
}

/* Another type of lock for the same open file: flock gives up the old one first, come what may. */
static void give_up_flock(struct file_lock_list *list, const struct file_lock_request *request)
{
    struct file_lock *lock, *after;

    list_for_each_entry_safe(lock, after, &list->locks, link) {
        if (!same_owner(&lock->held, request) || lock->held.write == request->write)
            continue;
        lock_free(lock);
        tell(list);
    }
}

/*
 * One try. => file_locks held
 * => 0; -EAGAIN: *seen says since which change; -EDEADLK, -ENOLCK
 */
static int try_set(struct inode *inode, const struct file_lock_request *request, struct file_lock_spares *spares,
                   uint32_t *seen)
{
    struct file_lock_list *list = inode->locks != NULL ? inode->locks : list_create(inode);
    struct file_lock *conflict;

    if (list == NULL)
        return -ENOLCK;
    if (request->kind == FILE_LOCK_FLOCK)
        give_up_flock(list, request);
    conflict = find_conflict(list, request);
    *seen = list->changes;
    if (conflict != NULL)
        return would_deadlock(request, &conflict->held) ? -EDEADLK : -EAGAIN;
    apply(list, request, false, spares);
    tell(list);
    return 0;
}

/* Try until it succeeds. => file_locks held, but not while asleep; as file_lock_set */
static int set_waiting(struct inode *inode, const struct file_lock_request *request, struct file_lock_spares *spares)
{
    struct file_lock_waiter self = {.request = request};
    uint32_t seen;
    int error;

    list_init(&self.link);
    while ((error = try_set(inode, request, spares, &seen)) == -EAGAIN) {
        self.list = inode->locks;
        self.list->waiting++;
        list_remove(&self.link);
        list_add_tail(&waiters, &self.link);
        mutex_unlock(&file_locks);
        error = wait_event_interruptible(&self.list->changed, self.list->changes != seen);
        mutex_lock(&file_locks);
        self.list->waiting--;
        if (error != 0)
            break;
    }
    list_remove(&self.link);
    return error;
}

/* Without waiting one is told that others hold it, even if they wait for us. */
static int set_at_once(struct inode *inode, const struct file_lock_request *request, struct file_lock_spares *spares)
{
    uint32_t seen;
    int error = try_set(inode, request, spares, &seen);

    return error == -EDEADLK ? -EAGAIN : error;
}

int file_lock_set(struct inode *inode, const struct file_lock_request *request, bool wait)
{
    struct file_lock_spares spares;
    int error = spares_alloc(&spares);

    if (error != 0)
        return error;
    mutex_lock(&file_locks);
    error = wait ? set_waiting(inode, request, &spares) : set_at_once(inode, request, &spares);
    drop_if_unused(inode);
    mutex_unlock(&file_locks);
    spares_free(&spares);
    return error;
}

/* A look without the lock: what oneself has locked is seen. */
static bool has_locks(const struct inode *inode)
{
    return __atomic_load_n(&inode->locks, __ATOMIC_RELAXED) != NULL;
}

int file_lock_clear(struct inode *inode, const struct file_lock_request *request)
{
    struct file_lock_spares spares;
    int error;

    if (!has_locks(inode))
        return 0;
    error = spares_alloc(&spares);
    if (error != 0)
        return error;
    mutex_lock(&file_locks);
    if (inode->locks != NULL) {
        apply(inode->locks, request, true, &spares);
        tell(inode->locks);
        drop_if_unused(inode);
    }
    mutex_unlock(&file_locks);
    spares_free(&spares);
    return 0;
}

bool file_lock_test(struct inode *inode, const struct file_lock_request *request, struct file_lock_request *found)
{
    struct file_lock *conflict = NULL;

    mutex_lock(&file_locks);
    if (inode->locks != NULL)
        conflict = find_conflict(inode->locks, request);
    if (conflict != NULL)
        *found = conflict->held;
    mutex_unlock(&file_locks);
    return conflict != NULL;
}

static void release_locked(struct inode *inode, const void *owner)
{
    struct file_lock *lock, *after;

    list_for_each_entry_safe(lock, after, &inode->locks->locks, link) {
        if (lock->held.owner == owner)
            lock_free(lock);
    }
    tell(inode->locks);
    drop_if_unused(inode);
}

void file_locks_release(struct inode *inode, const void *owner)
{
    if (!has_locks(inode))
        return;
    mutex_lock(&file_locks);
    if (inode->locks != NULL)
        release_locked(inode, owner);
    mutex_unlock(&file_locks);
}

void file_locks_for_each(void (*visit)(const struct inode *inode, const struct file_lock_request *lock, unsigned id,
                                       bool waits, void *arg),
                         void *arg)
{
    struct file_lock_list *list;
    struct file_lock_waiter *waiter;
    struct file_lock *lock;
    unsigned id = 0;

    mutex_lock(&file_locks);
    list_for_each_entry(list, &lists, link) {
        list_for_each_entry(lock, &list->locks, link) {
            visit(list->inode, &lock->held, ++id, false, arg);
            list_for_each_entry(waiter, &waiters, link) {
                if (waiter->list == list && find_conflict(list, waiter->request) == lock)
                    visit(list->inode, waiter->request, id, true, arg);
            }
        }
    }
    mutex_unlock(&file_locks);
}
