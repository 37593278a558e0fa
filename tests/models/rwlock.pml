// SPDX-License-Identifier: MIT
/*
 * rwlock.pml - a spread rwlock: two readers on a CPU each, and two writers, each of whom takes it once, and may go on as a reader.
 *
 *   kernel (sync/rwlock.c)                        here
 *   word: RWLOCK_WRITER, RWLOCK_WAITING, readers  writer, waiting, counted
 *   marks[cpu].lock == lock                       mark[cpu]
 *   line_lock, lock->line, waiter.granted         line, queued[i], granted[i]
 *   sched_sleep_prepare, sched_block, sched_wake  woken = false, wait for it, woken = true
 *
 * The line has no order here: what is claimed holds whoever is first. Claims: a writer is alone; no other one comes before it has ended,
 * as a reader, too; nobody waits for ever.
 *
 * Left out one at a time: READER_LOOKS_FIRST, WRITER_LOOKS_FIRST, LEAVE_WITHOUT_LOOKING, DRAIN_UNANNOUNCED, PASS_FORGETS_DRAIN,
 * DOWNGRADE_LETS_GO_FIRST.
 */
#define READERS 2
#define ALL 4

bool writer = false, waiting = false, draining = false, woken = false, line = false;
byte counted = 0;
bool mark[READERS] = false;
bool queued[ALL] = false, granted[ALL] = false;
byte inside = 0;         // readers that read
bool inside_writer = false;
byte times = 0;          // that a writer wrote

#define LOCK_LINE   atomic { !line -> line = true }
#define UNLOCK_LINE line = false
#define MARKED      (mark[0] || mark[1])
#define ANY_QUEUED  (queued[0] || queued[1] || queued[2] || queued[3])

inline grant_readers(i)
{
    queued[i] = false;
    counted++;
    granted[i] = true
}

inline grant_writer(i)
{
    queued[i] = false;
    writer = true;
    granted[i] = true
}

inline pass()
{
    LOCK_LINE;
    if
#ifndef PASS_FORGETS_DRAIN
    :: draining -> woken = true
    :: else ->
#else
    :: true ->
        if
        :: draining -> woken = true
        :: else
        fi;
#endif
        do
        :: atomic { queued[0] && !writer -> grant_readers(0) }
        :: atomic { queued[1] && !writer -> grant_readers(1) }
        :: atomic { queued[2] && !writer && counted == 0 -> grant_writer(2) }
        :: atomic { queued[3] && !writer && counted == 0 -> grant_writer(3) }
        :: else -> break
        od;
        if
        :: !ANY_QUEUED -> waiting = false
        :: else
        fi
    fi;
    UNLOCK_LINE
}

inline leave_mark(i)
{
    mark[i] = false;
#ifndef LEAVE_WITHOUT_LOOKING
    if
    :: waiting -> pass()
    :: else
    fi
#endif
}

active [READERS] proctype reader()
{
    byte i = _pid;
    bool by_mark = false, last;

#ifdef READER_LOOKS_FIRST
    bool free = !writer && !waiting;
    mark[i] = true;
#else
    mark[i] = true;
    bool free = !writer && !waiting;
#endif
    if
    :: free -> by_mark = true
    :: else ->
        leave_mark(i);
        LOCK_LINE;
        if // one compare-and-exchange of the word
        :: atomic { !writer && !ANY_QUEUED -> counted++ }; UNLOCK_LINE
        :: atomic { writer || ANY_QUEUED -> waiting = true }; queued[i] = true; UNLOCK_LINE; granted[i]
        fi
    fi;

    atomic { assert(!inside_writer); inside++ }
    inside--;

    if
    :: by_mark -> leave_mark(i)
    :: else ->
        atomic { counted--; last = (counted == 0 && waiting) }
        if
        :: last -> pass()
        :: else
        fi
    fi
}

inline drain()
{
    LOCK_LINE;
    draining = true;
#ifndef DRAIN_UNANNOUNCED
    waiting = true;
#endif
    do
    :: MARKED -> woken = false; UNLOCK_LINE; woken; LOCK_LINE
    :: else -> break
    od;
    draining = false;
    if
    :: !ANY_QUEUED -> waiting = false
    :: else
    fi;
    UNLOCK_LINE
}

/* Go on as a reader, and end as one. */
inline downgrade()
{
#ifndef DOWNGRADE_LETS_GO_FIRST
    atomic { writer = false; counted++; others = waiting };
#else
    writer = false;
    atomic { counted++; others = waiting };
#endif
    if
    :: others -> pass()
    :: else
    fi;
    inside++;
    assert(times == time);
    inside--;
    atomic { counted--; others = (counted == 0 && waiting) }
}

active [2] proctype write()
{
    byte i = _pid;
    bool others, drained = false;

#ifdef WRITER_LOOKS_FIRST
    drained = !MARKED;
#endif
    LOCK_LINE;
    if
    :: atomic { !writer && counted == 0 && !ANY_QUEUED -> writer = true }; UNLOCK_LINE
    :: atomic { writer || counted != 0 || ANY_QUEUED -> waiting = true }; queued[i] = true; UNLOCK_LINE; granted[i]
    fi;
    if
    :: drained || !MARKED
    :: else -> drain()
    fi;

    inside_writer = true;
    assert(inside == 0);
    times++;
    byte time = times;
    inside_writer = false;

    if
    :: true -> atomic { writer = false; others = waiting }
    :: true -> downgrade()
    fi;
    if
    :: others -> pass()
    :: else
    fi
}
