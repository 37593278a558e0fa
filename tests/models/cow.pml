// SPDX-License-Identifier: MIT
/*
 * cow.pml - one frame that the leaves of two address spaces hold; each space writes to its page once, a second CPU of space 0 goes on
 * reading, and somebody pins the frame, finding it through the leaf of space 1.
 *
 *   kernel (mm/fault.c)                           here
 *   commit, under the leaf's lock                 locked[i]
 *   vpage_is_cow: frame_refs(page) != 1           refs != 1
 *   set_frame: vspace_underive, tlb_flush_range   entry[i] = 0, stale = false
 *   vpage_store, vspace_derive                    entry[i] = OWN
 *   release: frame_put of the old frame           refs--
 *
 * Claims: nobody reads what another space has written; the pinned content does not change; a frame that is used has references.
 *
 * Left out one at a time: DROP_BEFORE_FLUSH, TAKE_OVER_WITHOUT_LOOKING_AGAIN, TAKE_OVER_AT_TWO, PIN_WITHOUT_LOCK.
 */
#define FRAME 1 // the entry leads to the frame of both
#define OWN   2 // ... to a copy
#define NOBODY 9

byte refs = 2;
byte entry[2] = FRAME;
bool locked[2] = false;
bool stale = true;      // the second CPU of space 0 remembers the frame, for reading
byte written_by = NOBODY;
bool pinned = false;

#define LOCK(i)   atomic { !locked[i] -> locked[i] = true }
#define UNLOCK(i) locked[i] = false

/* The program in space i writes through its entry. */
inline write_frame(i)
{
    atomic {
        if
        :: entry[i] == FRAME -> assert(refs > 0); assert(!pinned || written_by == i); written_by = i
        :: else
        fi
    }
}

inline drop(i)
{
    atomic { assert(refs > 0); refs-- }
}

active [2] proctype writer()
{
    byte i = _pid;
    bool alone;

    alone = (refs == 1); // the plan, from an unlocked look
    LOCK(i);
#ifndef TAKE_OVER_WITHOUT_LOOKING_AGAIN
    alone = (refs == 1);
#endif
#ifdef TAKE_OVER_AT_TWO
    alone = (refs <= 2);
#endif
    if
    :: alone -> write_frame(i) // taken over: the entry becomes writable
    :: else ->
        entry[i] = 0;
#ifdef DROP_BEFORE_FLUSH
        drop(i);
#endif
        if
        :: i == 0 -> stale = false
        :: else
        fi;
        entry[i] = OWN;
#ifndef DROP_BEFORE_FLUSH
        drop(i);
#endif
    fi;
    UNLOCK(i);
}

/* The second CPU of space 0 reads. */
active proctype reader()
{
end:
    do
    :: atomic { stale -> assert(refs > 0); assert(written_by == NOBODY || written_by == 0) }
    :: atomic { entry[0] == FRAME -> stale = true }
    od
}

/* Holds the frame for a while, as a system call does that works on it; whoever writes meanwhile has to copy. */
active proctype pinner()
{
#ifndef PIN_WITHOUT_LOCK
    LOCK(1);
#endif
    if
    :: entry[1] == FRAME && written_by == NOBODY ->
        refs++;
        pinned = true;
#ifndef PIN_WITHOUT_LOCK
        UNLOCK(1);
#endif
        atomic { pinned = false; assert(refs > 0); refs-- }
    :: else ->
#ifndef PIN_WITHOUT_LOCK
        UNLOCK(1)
#else
        skip
#endif
    fi
}
