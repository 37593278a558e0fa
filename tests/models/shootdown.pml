// SPDX-License-Identifier: MIT
/*
 * shootdown.pml - one CPU takes a page away, and in the end the tables, while another one comes to the address space, uses it, idles with
 * it, goes on, and leaves.
 *
 *   kernel                                        here
 *   vspace_activate: RUNNING                      join
 *                    paging_load(root)            load: from now on the MMU may walk and remember
 *                    bits of the old cleared      leave, after the new tables are loaded
 *   vspace_idle: RUNNING -> IDLE                  idle, in one step
 *   go_on: RUNNING; STALE then? flush             go on, RUNNING and the look in one step
 *   vspace_underive: pte_exchange(none)           entry = 0
 *   tlb_flush_range: fence, active_targets        barrier, then who runs is asked and who idles is marked, in one step
 *                    flush_others                 ask, wait for the answer
 *   frame_put                                     freed = 1
 *   vspace_put: tlb_flush_nodes                   ask who idles as well; it gives the tables up
 *               vspace_tear_down                  tables_freed = 1
 *
 * A store waits in its CPU's buffer until some later moment (x86); a barrier waits until it is out. Steps that are one
 * locked operation are barriers.
 * Claims: no CPU reaches the frame once it is freed; none has the tables loaded once they are.
 *
 * Left out one at a time: NO_JOIN_BARRIER, NO_FLUSH_BARRIER, FREE_BEFORE_FLUSH, LEAVE_EARLY, NO_WAIT, NO_MARK, NO_LOOK,
 * LOOK_FIRST, IDLE_IN_TWO_STEPS, MARK_IN_TWO_STEPS, MARK_IS_LEAVING, NO_EVICTION.
 */
bool entry = true, freed = false, tables_freed = false;
bool running = false, idle = false, stale = false; // CPU 1's bits of vspace.active
bool loaded = false, remembered = false;
bool asked = false, asked_for_tables = false;
bool entry_waits = false, join_waits = false;      // in the store buffers of CPU 0 and 1
bool gone = false;                                 // CPU 1 has no thread of the space any more

#define BARRIER_0 (!entry_waits)
#define BARRIER_1 (!join_waits)

/* The store buffers run out whenever they like. */
active proctype buffers()
{
end:
    do
    :: atomic { entry_waits -> entry = false; entry_waits = false }
    :: atomic { join_waits -> running = true; join_waits = false }
    od
}

/* => who must be asked; who idles is marked */
inline look_and_mark(must_ask)
{
#ifdef MARK_IN_TWO_STEPS
    must_ask = running;
    atomic { if :: idle -> stale = true :: else fi }
#else
    atomic {
        must_ask = running;
#ifndef NO_MARK
        if :: idle -> stale = true :: else fi;
#endif
#ifdef MARK_IS_LEAVING
        if :: idle && !running -> idle = false :: else fi
#endif
    }
#endif
}

inline ask()
{
    asked = true;
#ifndef NO_WAIT
    !asked
#endif
}

/* CPU 0: take the page away; when the last thread has ended, all. */
active proctype unmapper()
{
    bool must_ask;

    entry_waits = true;
#ifndef NO_FLUSH_BARRIER
    BARRIER_0;
#endif
#ifdef FREE_BEFORE_FLUSH
    freed = true;
#endif
    look_and_mark(must_ask);
    if
    :: must_ask -> ask()
    :: else
    fi;
#ifndef FREE_BEFORE_FLUSH
    BARRIER_0; // freeing a frame is a locked operation
    freed = true;
#endif

    gone;
#ifndef NO_EVICTION
    if
    :: running || idle -> asked_for_tables = true; ask()
    :: else
    fi;
#endif
    tables_freed = true;
    assert(!loaded)
}

/* An access by the program: through what is remembered, or by a walk. */
inline access()
{
    atomic {
        if
        :: remembered -> assert(!freed)
        :: !remembered && entry -> remembered = true; assert(!freed)
        :: else // a fault
        fi
    }
}

/* On CPU 1. */
inline interrupt()
{
    atomic {
        asked ->
        remembered = false;
        if
        :: asked_for_tables && idle && !running -> loaded = false; idle = false; stale = false
        :: else
        fi;
        asked = false
    }
}

inline use()
{
    do
    :: access()
    :: interrupt()
    :: break
    od
}

inline go_idle()
{
#ifdef IDLE_IN_TWO_STEPS
    atomic { BARRIER_1 -> running = false };
    idle = true
#else
    atomic { BARRIER_1 -> running = false; idle = true }
#endif
}

/* => the thread that ran here last is the next one, too */
inline go_on()
{
#ifdef LOOK_FIRST
    was_stale = stale;
    running = true;
#else
    atomic { was_stale = stale; running = true };
#endif
#ifndef NO_LOOK
    if
    :: was_stale -> remembered = false
    :: else
    fi;
#endif
    atomic { idle = false; stale = false }
}

/* CPU 1: join, load, run for a while; idle, perhaps, and go on or not; leave. */
active proctype runner()
{
    bool was_stale;

    join_waits = true;
#ifndef NO_JOIN_BARRIER
    BARRIER_1;
#endif
    loaded = true;
    use();
    if
    :: true
    :: go_idle();
       do
       :: interrupt()
       :: break
       od;
       if
       :: go_on(); use()
       :: goto rest // the threads end elsewhere
       fi
    fi;
#ifdef LEAVE_EARLY
    atomic { BARRIER_1 -> running = false };
    access();
#endif
    atomic { loaded = false; remembered = false }; // other tables are loaded
#ifndef LEAVE_EARLY
    atomic { BARRIER_1 -> running = false; idle = false; stale = false };
#endif
rest:
    gone = true;
    do // interrupts come later, too
    :: interrupt()
    :: tables_freed -> break
    od
}
