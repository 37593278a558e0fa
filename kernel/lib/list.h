// SPDX-License-Identifier: MIT
/*
 * list.h - intrusive, doubly linked, circular lists. A head is a link of its own; an empty one points to itself.
 *
 * => the owner's lock guards the list; none is taken here
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(head) { &(head), &(head) }

/* Make `head` an empty list, or a link that is in no list. */
static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *link, struct list *prev, struct list *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

/* Put `link`, which is in no list, in front. */
static inline void list_add_head(struct list *head, struct list *link)
{
    list_insert_between(link, head, head->next);
}

/* Put `link`, which is in no list, at the end. Given a link for `head`: just before it. */
static inline void list_add_tail(struct list *head, struct list *link)
{
    list_insert_between(link, head->prev, head);
}

/* Take `link` out of its list. It is then a list_init()ed link, so taking it out again does nothing. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* => the first or last link, or NULL when empty */
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* Take the first link out. => NULL when empty */
static inline struct list *list_take_first(struct list *head)
{
    struct list *link = list_first(head);

    if (link != NULL)
        list_remove(link);
    return link;
}

/* Move all of `from` to the end of `to`; `from` is empty then. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* The first entry of a list known not to be empty. */
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)

#define list_for_each_entry(pos, head, member)                                  \
    for (pos = list_entry((head)->next, __typeof__(*pos), member);              \
         &pos->member != (head);                                                \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* The same; the body may remove or free `pos`. `after` is a second pointer of its type. */
#define list_for_each_entry_safe(pos, after, head, member)                      \
    for (pos = list_entry((head)->next, __typeof__(*pos), member),              \
         after = list_entry(pos->member.next, __typeof__(*pos), member);        \
         &pos->member != (head);                                                \
         pos = after, after = list_entry(after->member.next, __typeof__(*pos), member))

#endif
