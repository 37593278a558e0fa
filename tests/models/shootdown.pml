// SPDX-License-Identifier: MIT
/*
 * shootdown.pml - one CPU takes a page away while another one comes to the address space, uses it, and leaves.
 *
 *   kernel                                        here
 *   vspace_activate: cpuset_add                   join
 *                    paging_load(root)            load: from now on the MMU may walk and remember
 *                    cpuset_remove of the old     leave, after the new tables are loaded
 *   vspace_underive: pte_exchange(none)           entry = 0
 *   tlb_flush_range: fence, cpuset_bits           barrier, read active
 *                    flush_others                 ask, wait for the answer
 *   frame_put                                     freed = 1
 *
 * A store waits in its CPU's buffer until some later moment (x86); a barrier waits until it is out.
 * Claim: no CPU reaches the frame once it is freed.
 *
 * Left out one at a time: NO_JOIN_BARRIER, NO_FLUSH_BARRIER, FREE_BEFORE_FLUSH, LEAVE_EARLY, NO_WAIT.
 */
bool entry = true, member = false, freed = false;
bool loaded = false, remembered = false, asked = false;
bool entry_waits = false, member_waits = false; // in the store buffers of CPU 0 and 1
bool cpu1_done = false;

#define BARRIER_0 (!entry_waits)
#define BARRIER_1 (!member_waits)

/* The store buffers run out whenever they like. */
active proctype buffers()
{
end:
    do
    :: atomic { entry_waits -> entry = false; entry_waits = false }
    :: atomic { member_waits -> member = true; member_waits = false }
    od
}

/* CPU 0: take the page away. */
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
    must_ask = member;
    if
    :: must_ask -> asked = true;
#ifndef NO_WAIT
        !asked
#endif
    :: else
    fi;
#ifndef FREE_BEFORE_FLUSH
    BARRIER_0; // freeing a frame is a locked operation
    freed = true
#endif
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

/* CPU 1: join, load, run for a while, leave. */
active proctype runner()
{
    member_waits = true;
#ifndef NO_JOIN_BARRIER
    BARRIER_1;
#endif
    loaded = true;
    do
    :: access()
    :: atomic { asked -> remembered = false; asked = false } // the interrupt
    :: break
    od;
#ifdef LEAVE_EARLY
    atomic { BARRIER_1 -> member = false };
    access();
#endif
    atomic { loaded = false; remembered = false }; // other tables are loaded
#ifndef LEAVE_EARLY
    atomic { BARRIER_1 -> member = false };
#endif
    cpu1_done = true;
    do // interrupts come later, too
    :: atomic { asked -> remembered = false; asked = false }
    :: freed -> break
    od
}
