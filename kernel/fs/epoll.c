// SPDX-License-Identifier: MIT
/*
 * epoll.c - what an epoll watches.
 *
 * Theory      An item stands as an observer in every queue that its file's poll names, for as long as it is watched;
 *             a wake-up puts it on the list of what may be ready (epoll_ready.c).
 *             Nothing of the file is touched once it does not point to the item any more: the file may be gone then.
 */
#include "fs/epoll.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>

#include "fs/epoll_private.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"

struct mutex epolls = MUTEX_INIT(epolls, "epolls", RANK_EPOLLS);

// Collects the queues that a file names.
struct item_table {
    struct poll_table table;
    struct epoll_item *item;
    bool no_memory;
};

static void item_stand(struct poll_table *table, struct wait_queue *queue)
{
    struct item_table *stand = container_of(table, struct item_table, table);
    struct epoll_waiter *waiter = slab_alloc(sizeof *waiter);

    if (waiter == NULL) {
        stand->no_memory = true;
        return;
    }
    waiter->item = stand->item;
    waiter->next = stand->item->waiters;
    stand->item->waiters = waiter;
    wait_add(queue, &waiter->waiter, epoll_notify, (stand->item->events & EPOLLEXCLUSIVE) != 0);
}

static void item_leave_queues(struct epoll_item *item)
{
    while (item->waiters != NULL) {
        struct epoll_waiter *waiter = item->waiters;

        item->waiters = waiter->next;
        wait_remove(&waiter->waiter);
        slab_free(waiter);
    }
}

static int compare(const struct epoll_item *item, const struct file *file, int fd)
{
    if (item->file != file)
        return (uintptr_t)file < (uintptr_t)item->file ? -1 : 1;
    return fd < item->fd ? -1 : fd > item->fd;
}

static bool item_less(const struct tree_node *a, const struct tree_node *b)
{
    const struct epoll_item *first = container_of(a, struct epoll_item, node);

    return compare(container_of(b, struct epoll_item, node), first->file, first->fd) < 0;
}

// => epoll->lock held
static struct epoll_item *item_find(struct epoll *epoll, const struct file *file, int fd)
{
    struct tree_node *node = epoll->items.root;

    while (node != NULL) {
        struct epoll_item *item = epoll_item_of(node);
        int order = compare(item, file, fd);

        if (order == 0)
            return item;
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

// => epolls and epoll->lock held
static void item_link(struct epoll_item *item)
{
    struct epoll_item **first = &item->file->watchers;

    tree_insert(&item->epoll->items, &item->node, item_less);
    item->next = *first;
    item->link = first;
    if (item->next != NULL)
        item->next->link = &item->next;
    __atomic_store_n(first, item, __ATOMIC_RELEASE);
}

// => epolls and epoll->lock held
static void item_destroy(struct epoll_item *item)
{
    item_leave_queues(item);
    epoll_ready_remove(item);
    tree_remove(&item->epoll->items, &item->node);
    if (item->next != NULL)
        item->next->link = item->link;
    __atomic_store_n(item->link, item->next, __ATOMIC_RELEASE);
    slab_free(item);
}

static struct epoll_item *item_create(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_item *item = slab_zalloc(sizeof *item);

    if (item == NULL)
        return NULL;
    item->epoll = epoll;
    item->file = file;
    item->fd = fd;
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data;
    list_init(&item->ready);
    return item;
}

// Begin to watch. => epolls and epoll->lock held; 0, -ENOMEM, -EINVAL with nothing changed
static int item_start(struct epoll_item *item)
{
    struct item_table stand = {{item_stand}, item, false};
    int error;

    item_link(item);
    error = epoll_paths_check(item->epoll, item->file);
    if (error == 0) {
        if (epoll_item_poll(item, &stand.table) != 0)
            epoll_ready_add(item);
        error = stand.no_memory ? -ENOMEM : 0;
    }
    if (error != 0)
        item_destroy(item);
    return error;
}

static int add_locked(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    int error = epoll_nest_check(epoll, file);
    struct epoll_item *item;

    if (error != 0)
        return error;
    if (item_find(epoll, file, fd) != NULL)
        return -EEXIST;
    item = item_create(epoll, file, fd, event);
    return item == NULL ? -ENOMEM : item_start(item);
}

int epoll_add(struct file *epoll_file, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll *epoll = epoll_of(epoll_file);
    int error;

    if (file->ops->poll == NULL)
        return -EPERM;
    mutex_lock(&epolls);
    mutex_lock(&epoll->lock);
    error = add_locked(epoll, file, fd, event);
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epolls);
    return error;
}

// => epoll->lock held
static int modify_locked(struct epoll_item *item, const struct epoll_event *event)
{
    if (item == NULL)
        return -ENOENT;
    if (item->events & EPOLLEXCLUSIVE)
        return -EINVAL;
    epoll_ask_for(item, event->events | EPOLLERR | EPOLLHUP);
    item->data = event->data;
    if (epoll_item_poll(item, NULL) != 0)
        epoll_ready_add(item);
    return 0;
}

int epoll_modify(struct file *epoll_file, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll *epoll = epoll_of(epoll_file);
    int error;

    mutex_lock(&epoll->lock);
    error = modify_locked(item_find(epoll, file, fd), event);
    mutex_unlock(&epoll->lock);
    return error;
}

int epoll_remove(struct file *epoll_file, struct file *file, int fd)
{
    struct epoll *epoll = epoll_of(epoll_file);
    struct epoll_item *item;

    mutex_lock(&epolls);
    mutex_lock(&epoll->lock);
    item = item_find(epoll, file, fd);
    if (item != NULL)
        item_destroy(item);
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epolls);
    return item != NULL ? 0 : -ENOENT;
}

void epoll_forget(struct file *file)
{
    mutex_lock(&epolls);
    while (file->watchers != NULL) {
        struct epoll *epoll = file->watchers->epoll;

        mutex_lock(&epoll->lock);
        item_destroy(file->watchers);
        mutex_unlock(&epoll->lock);
    }
    mutex_unlock(&epolls);
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->private;
    struct tree_node *node;

    mutex_lock(&epolls);
    mutex_lock(&epoll->lock);
    while ((node = tree_first(&epoll->items)) != NULL)
        item_destroy(epoll_item_of(node));
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epolls);
    slab_free(epoll);
}

// May be asked by an epoll that watches this one, and holds its own lock.
static uint32_t epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;
    bool ready;

    poll_wait(table, &epoll->observers);
    mutex_lock_nested(&epoll->lock);    // the watcher's before the watched one's
    ready = epoll_has_ready(epoll);
    mutex_unlock(&epoll->lock);
    return ready ? POLLIN | POLLRDNORM : 0;
}

static const struct file_ops epoll_file_ops = {
    .stream = true,
    .release = epoll_release,
    .poll = epoll_poll,
};

bool file_is_epoll(const struct file *file)
{
    return file->ops == &epoll_file_ops;
}

struct epoll *epoll_of(const struct file *file)
{
    return file_is_epoll(file) ? file->private : NULL;
}

int epoll_create(struct file **out)
{
    struct epoll *epoll = slab_zalloc(sizeof *epoll);
    int error;

    if (epoll == NULL)
        return -ENOMEM;
    mutex_init(&epoll->lock, "epoll", RANK_EPOLL);
    tree_init(&epoll->items);
    spin_init(&epoll->ready_lock, "epoll ready", RANK_EPOLL_READY);
    list_init(&epoll->ready);
    wait_queue_init(&epoll->collectors);
    wait_queue_init(&epoll->observers);
    error = file_create_nameless("anon_inode:[eventpoll]", S_IRUSR | S_IWUSR, &epoll_file_ops, O_RDWR, epoll, out);
    if (error != 0) {
        slab_free(epoll);
        return error;
    }
    epoll->file = *out;
    return 0;
}
