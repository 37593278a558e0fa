// SPDX-License-Identifier: MIT
/*
 * epoll_nest.c - epolls that watch epolls.
 *
 * Theory      A wake-up goes from a file to the epolls that watch it, to those that watch them, and so on, with
 *             interrupts off. So the graph has no circle, no chain of more than four steps between epolls, and from
 *             no file more ways of each length than Linux allows.
 */
#include "fs/epoll_private.h"
#include "lib/errno.h"

#define STEPS_MAX 4     // from epoll to epoll: five in a chain

static int greater(int a, int b)
{
    return a > b ? a : b;
}

/*
 * Steps from `file` down to the last epoll below it; 0 if it watches none.
 *
 * => more than STEPS_MAX if it comes by `forbidden`, or finds a chain that long
 */
static int steps_below(const struct file *file, const struct epoll *forbidden, int depth)
{
    struct epoll *epoll = epoll_of(file);
    struct tree_node *node;
    int most = 0;

    if (epoll == forbidden || depth > STEPS_MAX)
        return STEPS_MAX + 1;
    tree_for_each(node, &epoll->items) {
        const struct file *watched = epoll_item_of(node)->file;

        if (file_is_epoll(watched))
            most = greater(most, 1 + steps_below(watched, forbidden, depth + 1));
        if (most > STEPS_MAX)
            break;
    }
    return most;
}

// Steps from the epoll up to the last one that watches.
static int steps_above(const struct epoll *epoll, int depth)
{
    int most = 0;

    if (depth > STEPS_MAX)
        return STEPS_MAX + 1;
    for (struct epoll_item *item = epoll->file->watchers; item != NULL && most <= STEPS_MAX; item = item->next)
        most = greater(most, 1 + steps_above(item->epoll, depth + 1));
    return most;
}

int epoll_nest_check(struct epoll *epoll, struct file *file)
{
    if (!file_is_epoll(file))
        return 0;
    return steps_above(epoll, 0) + 1 + steps_below(file, epoll, 0) > STEPS_MAX ? -ELOOP : 0;
}

// Count the ways up from `file`, by length. => false: too many
static bool count_paths(const struct file *file, unsigned length, unsigned counts[STEPS_MAX + 1])
{
    static const unsigned most[STEPS_MAX + 1] = {UINT32_MAX, 500, 100, 50, 10};

    for (struct epoll_item *item = file->watchers; item != NULL; item = item->next)
        if (++counts[length] > most[length] || !count_paths(item->epoll->file, length + 1, counts))
            return false;
    return true;
}

// The same for all files that are no epolls at or below `file`.
static bool count_paths_below(struct file *file)
{
    struct epoll *epoll = epoll_of(file);
    unsigned counts[STEPS_MAX + 1] = {0};
    struct tree_node *node;

    if (epoll == NULL)
        return count_paths(file, 0, counts);
    tree_for_each(node, &epoll->items) {
        if (!count_paths_below(epoll_item_of(node)->file))
            return false;
    }
    return true;
}

int epoll_paths_check(struct epoll *epoll, struct file *file)
{
    if (!file_is_epoll(file) && epoll->file->watchers == NULL)
        return 0;   // one step only: as many as one likes
    return count_paths_below(file) ? 0 : -EINVAL;
}
