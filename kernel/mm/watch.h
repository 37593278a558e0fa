// SPDX-License-Identifier: MIT
/*
 * watch.h - what the kernel and a program of the host that looks into the guest's memory agree on.
 *
 * The host reads the guest's memory from outside, while the guest runs. It finds what it wants by the symbols of the kernel's ELF, which
 * lie at their address minus KERNBASE in physical memory. Booted with the argument `watch` (or `watch=SIZE`, the bytes of each CPU's ring
 * of events), the kernel records events from the start and has a control page, through which the two talk.
 *
 * symbol                        what it is
 * core_map, core_map_frames     a pointer to the array of core_map_entries, and how many it has
 * vspaces, vspaces_changes      the list of all address spaces (struct vspace.link), and its sequence count
 * pids, pids_changes            the tree of all process numbers (struct pid.node), and its sequence count
 * event_rings                   struct event_ring, one per CPU
 * vm_counters                   what /proc/vmstat adds up
 * watch_control                 a pointer to the control page; NULL without `watch`
 *
 * docs/watch-kernel.md tells how to read what may change meanwhile, and to know that one has not seen half of a change.
 */
#ifndef MM_WATCH_H
#define MM_WATCH_H

#include <stdatomic.h>

#include "lib/types.h"
#include "mm/fault.h"

#define WATCH_MAGIC   UINT64_C(0x6863746157727547) // "GurWatch" in memory
#define WATCH_VERSION 1

#define WATCH_VERIFY_WAIT_NS 5000000000ull // verify waits no longer for a host that may be gone

/* The fault that goes on next when the host allows one more. It is whole while `sequence` is even and the same before and after. */
struct watch_held {
    _Atomic uint32_t sequence;
    uint32_t waiting;          // how many faults wait, this one included; 0: none, and what follows means nothing
    uint32_t pid, tid;
    uint64_t address;
    uint64_t ip;
    uint32_t code;             // the error code
};

/*
 * The control page.    Fields: (c) constant, written by the kernel before watch_control points here  (k) the kernel writes
 *                      (h) the host writes
 */
struct watch_control {
    uint64_t magic;               // (c) WATCH_MAGIC
    uint32_t version;             // (c) WATCH_VERSION
    uint32_t cpus;                // (c) how many rings there are
    uint64_t ticks_per_second;    // (c) of the time-stamp counter
    /*
     * Stepping. While `step` is set a fault waits, before anything is done about it, until `allowed` exceeds `passed`, and then counts in
     * `passed`. To begin: allowed = passed, then step = 1. To let n faults go on: allowed += n. To end: step = 0.
     */
    _Atomic uint32_t step;        // (h)
    _Atomic uint32_t hold_verify; // (h) verify is to wait in its moment
    _Atomic uint64_t allowed;     // (h)
    _Atomic uint64_t passed;      // (k)
    struct watch_held held;       // (k)
    /*
     * Verify's moment: odd while no space changes, no frame is taken or given back, and frame_recount of core_map.h says how many references
     * of each frame were found. With hold_verify it lasts until the host has set moment_seen to it, or 5 seconds.
     */
    _Atomic uint64_t moment;      // (k)
    _Atomic uint64_t moment_seen; // (h)
};

static_assert(sizeof(struct watch_control) <= PAGE_SIZE, "it is one page");

extern struct watch_control *watch_control; // NULL: not booted with `watch`

/* Make the control page, and record events from now on. Without memory for it, says so, and nobody can watch. => once, at boot */
void watch_start(uint64_t ring_bytes, unsigned cpus);

/* Tells whether the running user thread is to end, so that its faults wait for nobody. => once, at boot */
void watch_set_stop(bool (*stop)(void));

/* vspace_fault while somebody watches: perhaps step by step, and the fault is recorded when it is over. */
enum fault_outcome watch_fault(struct vspace *space, struct fault *fault);

/* This is verify's moment: tell the host, and let it look. => there is a control page; nothing changes meanwhile */
void watch_verify_moment(void);

#endif
