// SPDX-License-Identifier: MIT
#include "mirror.h"

#include <stdlib.h>
#include <time.h>

#include "control.h"
#include "mm/core_map.h"
#include "mm/stat.h"
#include "vector.h"

#define PASSES_MAX 12
#define FRAMES_MAX (UINT32_C(1) << 28) // 1 TiB

bool mirror_begin(struct mirror *mirror, const struct guest *guest)
{
    uint64_t frames = guest_word(guest, guest->at.core_map_frames), core_map = guest_word(guest, guest->at.core_map);

    if (guest_match(guest) != GUEST_MATCHES || frames == 0 || frames > FRAMES_MAX ||
        !memory_at_kernel(&guest->memory, core_map, frames * sizeof(struct core_map_entry)))
        return false;
    *mirror = (struct mirror){.guest = guest, .frames = (uint32_t)frames};
    mirror->core_map = vector_alloc(frames, sizeof *mirror->core_map);
    mirror->frame_differed = vector_alloc(frames, sizeof *mirror->frame_differed);
    mirror->node = vector_alloc(frames, sizeof *mirror->node);
    return true;
}

void mirror_end(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->nodes.count; i++)
        free(mirror->node[mirror->nodes.array[i]]);
    for (size_t i = 0; i < mirror->spaces.count; i++) {
        free(mirror->spaces.array[i]->array);
        free(mirror->spaces.array[i]);
    }
    free(mirror->nodes.array);
    free(mirror->spaces.array);
    free(mirror->processes.array);
    free(mirror->core_map);
    free(mirror->frame_differed);
    free(mirror->node);
}

/* ---- What is there no more ---- */

/* What was missed in both of the last passes is gone; in the last one only, torn. */
static bool is_gone(const struct mirror *mirror, uint32_t met)
{
    return met + 1 < mirror->pass;
}

static void drop_nodes(struct mirror *mirror)
{
    size_t kept = 0;

    for (size_t i = 0; i < mirror->nodes.count; i++) {
        uint32_t pfn = mirror->nodes.array[i];
        if (is_gone(mirror, mirror->node[pfn]->met)) {
            free(mirror->node[pfn]);
            mirror->node[pfn] = NULL;
        } else {
            mirror->nodes.array[kept++] = pfn;
        }
    }
    mirror->nodes.count = kept;
}

static void drop_spaces(struct mirror *mirror)
{
    size_t kept = 0;

    for (size_t i = 0; i < mirror->spaces.count; i++) {
        struct mirror_space *space = mirror->spaces.array[i];
        if (is_gone(mirror, space->met)) {
            free(space->array);
            free(space);
        } else {
            mirror->spaces.array[kept++] = space;
        }
    }
    mirror->spaces.count = kept;
}

/* ---- Passes ---- */

static uint64_t now_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*
 * The locks first: that is the moment of which the copy will be. Frames before nodes, which are found by what they say; the order matters
 * little otherwise.
 */
static unsigned read_pass(struct mirror *mirror)
{
    mirror->pass++;
    mirror->busy = !mirror->still && read_locks(mirror->guest);
    return read_frames(mirror) + read_spaces(mirror) + read_nodes(mirror) + read_processes(mirror);
}

unsigned mirror_read(struct mirror *mirror, unsigned microseconds)
{
    uint64_t deadline = now_microseconds() + microseconds;
    uint64_t moment = control_verify_moment(mirror->guest);
    unsigned torn;

    mirror->still = moment != 0;
    read_pass(mirror);
    for (unsigned pass = 1;; pass++) {
        torn = read_pass(mirror);
        if (torn == 0 || pass == PASSES_MAX || now_microseconds() >= deadline)
            break;
    }
    if (mirror->still && control_verify_moment(mirror->guest) != moment)
        mirror->still = false; // it has ended meanwhile
    mirror->busy |= moment && !mirror->still;
    drop_nodes(mirror);
    drop_spaces(mirror);
    return torn;
}

/* All that changes frames, nodes or regions is counted as one event or another, in the kernel; also what its time is. */
bool mirror_is_stale(struct mirror *mirror)
{
    const struct vm_counters *counters =
        memory_at_kernel(&mirror->guest->memory, mirror->guest->at.vm_counters, MAX_CPUS * sizeof *counters);
    uint64_t sum = 0;

    for (unsigned cpu = 0; counters && cpu < MAX_CPUS; cpu++)
        for (unsigned event = 0; event < VM_EVENTS; event++)
            sum += atomic_load_explicit(&counters[cpu].events[event], memory_order_relaxed);
    bool stale = sum != mirror->activity;
    mirror->activity = sum;
    return stale;
}

/* ---- What is torn ---- */

bool mirror_frame_torn(const struct mirror *mirror, uint32_t pfn)
{
    return mirror->frame_differed[pfn] == mirror->pass;
}

bool mirror_node_torn(const struct mirror *mirror, const struct mirror_node *node)
{
    return node->differed == mirror->pass || node->met != mirror->pass || (node->lock & 1);
}

bool mirror_space_torn(const struct mirror *mirror, const struct mirror_space *space)
{
    return space->differed == mirror->pass || space->met != mirror->pass ||
           (!mirror->still && (space->changes & 1));
}
