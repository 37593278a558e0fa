// SPDX-License-Identifier: MIT
/*
 * picture.h - what has been told of the guest, and what of it a new look changes.
 *
 * A picture is the mirror without what is torn: of a torn part it keeps the state that it had before. So it is what the page has, and
 * messages tell the difference from one to the next.
 */
#ifndef WATCH_PICTURE_H
#define WATCH_PICTURE_H

#include "mirror.h"

#define COUNTERS_MAX 64

/* A frame, with its kind in the kernel's numbers. */
struct picture_frame {
    uint32_t refs;
    uint8_t kind;
};

struct picture_node {
    uint32_t pfn, refs, version;
    uint16_t live;
    uint8_t level;
    uint64_t base;
    uint64_t entries[NODE_ENTRIES];
    uint64_t infos[NODE_ENTRIES];
};

struct picture_space {
    uint32_t id, root;
    uint64_t address, brk_start, brk, active;
    struct mirror_region *array;
    size_t count;
};

/* Lists of numbers. */
struct numbers {
    uint32_t *array;
    size_t count, capacity;
};

/* What a picture has that the one before had not. */
struct change {
    struct numbers frames;               // in order
    struct numbers nodes, nodes_gone;    // pfns
    struct numbers spaces, spaces_gone;  // ids
    struct numbers torn_frames, torn_nodes, torn_spaces;
    bool processes, processes_torn, counters;
};

struct picture {
    uint32_t frames;
    struct picture_frame *frame;
    struct picture_node **node; // by pfn
    struct numbers nodes;       // the frames that are nodes
    struct {
        struct picture_space *array;
        size_t count, capacity;
    } spaces;
    struct mirror_processes processes;
    bool told;                  // the processes were, once
    uint64_t counters[COUNTERS_MAX]; // by the kernel's numbers, enum vm_event
};

/* An empty picture: a mirror's first look changes all of it. */
void picture_begin(struct picture *picture, const struct mirror *mirror);
void picture_end(struct picture *picture);

/* Take in a new look. `change` gets what differs; its lists are emptied first. */
void picture_update(struct picture *picture, const struct mirror *mirror, struct change *change);

/* All of it, as a change of nothing. What is torn in `change` stays. */
void picture_whole(const struct picture *picture, struct change *change);

/* Whether nothing has changed; whether something is torn. */
bool change_is_empty(const struct change *change);
bool change_is_torn(const struct change *change);
void change_free(struct change *change);

const struct picture_space *picture_space(const struct picture *picture, uint32_t id);
const struct picture_space *picture_space_at(const struct picture *picture, uint64_t address);

/* Of a region: "general", "heap", "stack"; "rwx" with lines for rights that it does not have. */
const char *region_purpose_name(const struct mirror_region *region);
void region_prot_text(const struct mirror_region *region, char text[4]);

/* Words for the kernel's numbers; NULL past the last one. */
const char *picture_kind_name(unsigned kind);
const char *picture_counter_name(unsigned counter);

#endif
