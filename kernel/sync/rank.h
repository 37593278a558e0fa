// SPDX-License-Identifier: MIT
/*
 * rank.h - the order of all locks, and its checker.
 *
 * A lock may be taken only while every lock held has a lower rank. This is the list; docs/locking.md says what each
 * guards and why it stands where it does. Debug builds check each acquire and panic with both names.
 *
 * Three zones:
 *   sleeping      mutexes and rwlocks; one may block while holding them
 *   spinning      preemption is off; never taken in interrupts
 *   interrupts    also taken by interrupt handlers, so interrupts are off while one is held
 * In the second and third nobody sleeps, allocates memory in the third, or waits for a flush.
 */
#ifndef SYNC_RANK_H
#define SYNC_RANK_H

#include "lib/types.h"

enum lock_rank {
    RANK_NONE,

    /* Sleeping. */
    RANK_FILE_OFFSET,       // a struct file's offset, over one read or write; the text of a file in /proc
    RANK_POSIX_TIMERS,      // the POSIX timers of a process, one call at a time
    RANK_EPOLLS,            // which epolls watch which files
    RANK_EPOLL,             // one epoll: what it watches, and who collects
    RANK_FILE_LOCKS,        // advisory locks on files
    RANK_PIPE,              // a pipe's ring
    RANK_EXT2_MOUNTS,       // which disks are mounted
    RANK_SWAP_FILES,        // which files are in use for swap
    RANK_DIRECTORY,         // the tree of names of one file system
    RANK_INODE,             // a file's content, size and attributes against other writers
    RANK_SOCKET_RECEIVE,    // one receiver of a socket at a time
    RANK_TTY_SESSIONS,      // which terminal belongs to which session
    RANK_TTY_SLEEP,         // one reader, one writer of a terminal or host channel at a time
    RANK_EVENTS,            // who begins and ends watching
    RANK_RECLAIM,           // who looks for memory to give back
    RANK_SWAP_GATE,         // pages on their way to or from a swap device, against verify
    RANK_VSPACES,           // the list of all address spaces, for verify
    RANK_VSPACE,            // one address space: faults read, changes of regions write
    RANK_EXT2,              // an ext2's block maps, bitmaps and tables of inodes
    RANK_SLEEPING_LAST,

    /* Spinning. */
    RANK_MOUNTS,            // the mount tree itself
    RANK_SUPERBLOCK,        // the types of file systems; the character devices; numbers of pseudo-terminals
    RANK_DENTRY,            // the names of an inode
    RANK_FILE_TABLE,        // a table of descriptors
    RANK_FS_CONTEXT,        // a process's root, working directory, umask
    RANK_CREDENTIALS,       // what a process points to, against readers from outside; the host's name; missing calls
    RANK_IPC,               // System V objects of one kind
    RANK_SOCKETS,           // who is connected to whom, names and queues of all local sockets
    RANK_FUTEX,             // a bucket of waiters
    RANK_NODE_4,            // page-table nodes by level, parent before child
    RANK_NODE_3,
    RANK_NODE_2,
    RANK_NODE_1,            // leaf nodes
    RANK_HELD_FAULTS,       // faults that wait until they are let on
    RANK_SWAP,              // slots of swap, and the frames that have one
    RANK_PAGE_CACHES,       // the list of all page caches
    RANK_PAGE_CACHE,        // the pages of one file
    RANK_RANDOM,            // the state of the random generator
    RANK_MAGAZINES,         // the small objects that one CPU keeps
    RANK_SLAB,              // small objects of one size
    RANK_KSTACK,            // kernel stacks
    RANK_KMEM_CACHE,        // free frames kept by one CPU
    RANK_KMEM,              // kmem.lock: the free frames
    RANK_SPINNING_LAST,

    /* Taken in interrupts, too. */
    RANK_DEVICE,            // a driver's rings and registers, the queue of a disk
    RANK_TTY,               // a terminal's buffers and settings
    RANK_ITIMER,            // interval timers of a process
    RANK_PROCESS_TREE,      // parents, children, groups, sessions, pids
    RANK_SIGNAL,            // a process's pending signals, then its handlers
    RANK_ALARMS,            // the alarms that follow the wall clock, or CPU time
    RANK_ALARM,             // one alarm
    RANK_WAIT_QUEUE,        // the waiters of a queue
    RANK_EPOLL_READY,       // what is ready in one epoll
    RANK_SLEEP_LOCK,        // the waiters of a mutex or rwlock
    RANK_RUN_QUEUE,         // the threads ready on one CPU
    RANK_TIMER,             // the timers of one CPU
    RANK_LOG,               // the ring of messages
    RANK_CONSOLE,           // a serial port, which printk writes to
    RANK_LAST
};

#ifdef DEBUG

/* A lock that is held, in debug builds. */
struct lock_held {
    const void *lock;
    const char *name;
    enum lock_rank rank;
};

#define LOCK_STACK_DEPTH 16

/* The locks that a thread (sleeping ones) or a CPU (the others) holds.   All fields: only their thread or CPU. */
struct lock_stack {
    unsigned count;                             // of `held` in use
    unsigned untracked;                         // held but not recorded, the stack being full
    struct lock_held held[LOCK_STACK_DEPTH];    // in order of acquisition
};

/*
 * Record a lock, after checking its rank against what is held. `nested`: another of the same rank may be held; whoever
 * says so has an order within the rank, and a comment with it. `trying`: cannot wait, so no order is asked.
 * => for spinning ranks preemption is off; panics on a violation
 */
void lock_rank_acquire(const void *lock, const char *name, enum lock_rank rank, bool nested, bool trying);
void lock_rank_push(const void *lock, enum lock_rank rank);             // a lock without a name, by its rank's
void lock_rank_push_nested(const void *lock, enum lock_rank rank);
void lock_rank_pop(const void *lock, enum lock_rank rank);

/* The rank's name in messages, as in the list above, in small letters. */
const char *lock_rank_name(enum lock_rank rank);

/* Does this thread, or CPU, hold the lock, as recorded? */
bool lock_rank_holds(const void *lock, enum lock_rank rank);

/* Panic unless this CPU holds no spinning lock, as it must before sleeping. `why` names what it is about to do. */
void lock_rank_assert_no_spinlock(const char *why);

#else

#define lock_rank_acquire(lock, name, rank, nested, trying) ((void)0)
#define lock_rank_push(lock, rank)                          ((void)(lock))
#define lock_rank_push_nested(lock, rank)                   ((void)(lock))
#define lock_rank_pop(lock, rank)                           ((void)(lock))
#define lock_rank_assert_no_spinlock(why)                   ((void)0)

#endif

#endif
