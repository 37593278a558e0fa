// SPDX-License-Identifier: MIT
/*
 * share.pml - a node (above) and its leaf (below) that two address spaces share after fork. Each space writes, forks again, unmaps or ends,
 * in any order, while its programs read and write through what their CPUs remember.
 *
 *   kernel (mm/share.c, node.c)                   here
 *   own_child: frame_refs == 1, pte_set_writable  take over
 *   own_child: node_copy, pte_exchange            above_owners--, an owner more of the leaf below
 *   drop_given_up: tlb_flush_space, node_put      flush, then drop
 *   node_share_top, tlb_flush_space               fork again
 *
 * Claims: a program writes only where no other space can read it; nobody uses a node that is freed; owners are as many as
 * entries point to the node.
 *
 * Left out one at a time: NO_FLUSH_AFTER_FORK, DROP_BEFORE_FLUSH, BOTTOM_UP, TAKE_OVER_AT_TWO, NO_OWNER_FOR_THE_LEAF.
 */
#define SPACES 3 // the third is the child of a second fork; it only reads

#define NONE  0
#define NODE  1 // the root's entry leads to the node
#define COPY  2 // ... to a copy of it, which leads to the same leaf
#define APART 3 // ... to a copy, which leads to a copy of the leaf

#define REACHES(j) (entry[j] == NODE || entry[j] == COPY) // the leaf, and what is written there

byte entry[SPACES] = NONE;
bool may_write[SPACES] = false; // W in the root's entry
bool reads[SPACES] = false, writes[SPACES] = false; // what the space's CPUs remember of the node
byte above = 2, below = 1; // owners

/* A program uses what its CPUs remember, or makes them walk. */
active [SPACES] proctype program()
{
    byte i = _pid;

end:
    do
    :: atomic { entry[i] == NODE -> reads[i] = true; writes[i] = writes[i] || may_write[i] }
    :: atomic { reads[i] -> assert(above > 0) }
    :: atomic { writes[i] -> assert(!REACHES((i + 1) % SPACES) && !REACHES((i + 2) % SPACES)) }
    od
}

inline flush(i)
{
    atomic { reads[i] = false; writes[i] = false }
}

/* One owner of the node less; the last one drops its leaf. */
inline drop_above()
{
    atomic {
        assert(above > 0);
        above--;
        if
        :: above == 0 -> assert(entry[0] != NODE && entry[1] != NODE && entry[2] != NODE); assert(below > 0); below--
        :: else
        fi
    }
}

inline make_private(i)
{
#ifdef BOTTOM_UP
    alone = (below == 1);
#else
    alone = (above == 1 && below == 1);
#endif
#ifdef TAKE_OVER_AT_TWO
    alone = (above <= 2);
#endif
    if
    :: alone -> may_write[i] = true
    :: else ->
        atomic { // node_copy, under the node's lock
#ifndef NO_OWNER_FOR_THE_LEAF
            below++;
#endif
            entry[i] = COPY
        };
#ifdef DROP_BEFORE_FLUSH
        drop_above();
        flush(i);
#else
        flush(i);
        drop_above();
#endif
        atomic { entry[i] = APART; assert(below > 0); below-- } // the leaf is copied likewise
    fi
}

inline give_up(i)
{
    entry[i] = NONE;
    may_write[i] = false;
#ifdef DROP_BEFORE_FLUSH
    drop_above();
    flush(i)
#else
    flush(i);
    drop_above()
#endif
}

/* The second fork shares with space 2 what space i has. => space 2 is free */
inline fork_again(i)
{
    atomic { above++; may_write[i] = false };
#ifndef NO_FLUSH_AFTER_FORK
    flush(i);
#endif
    entry[2] = NODE
}

proctype kernel(byte i)
{
    bool alone;
    byte steps = 0;

    do
    :: steps < 3 && entry[i] == NODE ->
        steps++;
        if
        :: make_private(i)
        :: give_up(i)
        :: i == 0 && entry[2] == NONE -> fork_again(i)
        fi
    :: else -> break
    od
}

init
{
    atomic {
        entry[0] = NODE;
        entry[1] = NODE;
        run kernel(0);
        run kernel(1)
    }
}
