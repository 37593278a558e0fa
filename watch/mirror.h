// SPDX-License-Identifier: MIT
/*
 * mirror.h - a copy of what the guest's memory manager knows, as of one moment.
 *
 * Theory      The guest runs on while it is looked at. So everything is read again and again, pass by pass, over the copy of the pass
 *             before. What a pass finds as the one before left it was so at the moment between the two; what differs is *torn*: perhaps
 *             it was half of one state and half of another. When a pass finds no difference, all of the copy is of one moment; a guest
 *             that changes faster than it can be read leaves some parts torn, which are then told as such and not shown.
 *             Nodes and spaces have counts that tell whether their locks were taken (docs/watch-kernel.md): what was locked in between, or still
 *             is, is torn as well, even if it looks as before.
 * Not here    What of it the page has already: picture.h.
 */
#ifndef WATCH_MIRROR_H
#define WATCH_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define NODE_ENTRIES 512
#define NAME_SIZE 16

/* A page-table page, and of a leaf the vpage_infos beside it. */
struct mirror_node {
    uint32_t pfn;
    uint8_t level;
    uint16_t lock;       // the count of its lock in the last pass: odd while it is held
    uint64_t base;       // the first address that it maps
    uint32_t met;        // the last pass in which it was there
    uint32_t differed;   // the last pass in which something was another than before
    uint32_t version;    // counts all changes, also those of accessed and dirty bits
    uint64_t entries[NODE_ENTRIES];
    uint64_t infos[NODE_ENTRIES];
};

/* A region. Compared as bytes: no field may be left out. */
struct mirror_region {
    uint64_t start, end, offset;
    const char *file;    // its path, kept by names.h; NULL: anonymous memory
    uint8_t grows_down, prot, shared, purpose, flags;
    uint8_t unused[3];   // zero
};

struct mirror_space {
    uint64_t address;    // of the guest's struct
    uint32_t id;         // the guest's number of it, which no other ever has
    uint32_t root;       // pfn; 0: it is on its way out
    uint64_t brk_start, brk, active;
    uint32_t changes;    // the count of its lock in the last pass: odd while somebody writes
    uint32_t met, differed;
    struct mirror_region *array;
    size_t count, capacity;
};

/* A process. Compared as bytes. */
struct mirror_process {
    int32_t pid, parent;
    uint32_t threads;
    uint32_t unused;     // zero
    uint64_t space;      // address of its struct vspace, or 0
    char name[NAME_SIZE];
    char state;          // R S D T Z
    char unused2[7];     // zero
};

struct mirror_processes {
    struct mirror_process *array;
    size_t count, capacity;
};

/* A copy of the guest. */
struct mirror {
    const struct guest *guest;
    uint32_t frames;
    uint32_t pass;
    struct core_map_entry *core_map;
    uint32_t *frame_differed;            // for each frame the last pass in which kind or references differed
    struct mirror_node **node;           // by pfn; NULL: no node
    struct {
        uint32_t *array;                 // the frames that are nodes
        size_t count, capacity;
    } nodes;
    struct {
        struct mirror_space **array;
        size_t count, capacity;
    } spaces;
    uint32_t processes_differed; // the last pass in which their list was another
    bool still;                          // verify has stopped the world
    bool busy;                           // between the last two passes somebody was at work on a space
    struct mirror_processes processes;
    uint64_t activity;
};

/* => false: the guest's memory manager has not begun yet */
bool mirror_begin(struct mirror *mirror, const struct guest *guest);
void mirror_end(struct mirror *mirror);

/* Read all until nothing differs, as often as the time allows. => how many parts are torn */
unsigned mirror_read(struct mirror *mirror, unsigned microseconds);

/* Whether the guest has done anything since the last time that could have changed what mirror_read reads. */
bool mirror_is_stale(struct mirror *mirror);

/* Which parts are torn, after mirror_read. */
bool mirror_frame_torn(const struct mirror *mirror, uint32_t pfn);
bool mirror_node_torn(const struct mirror *mirror, const struct mirror_node *node);
bool mirror_space_torn(const struct mirror *mirror, const struct mirror_space *space);

/* ---- Passes over the parts (read_*.c) ---- => how many parts differ */
unsigned read_frames(struct mirror *mirror);
unsigned read_spaces(struct mirror *mirror);
bool read_locks(const struct guest *guest); // whether some space, or their list, is locked
unsigned read_nodes(struct mirror *mirror);
unsigned read_processes(struct mirror *mirror);

/* Visit the nodes of a tree (lib/tree.h) in order. => false: it was changed meanwhile, or has more than `limit` */
bool read_tree(const struct memory *memory, uint64_t root, bool (*visit)(void *arg, uint64_t node), void *arg, unsigned limit);

/* The path of a file by its page cache, kept for ever; NULL: it has none that can be read. */
const char *read_file_name(const struct guest *guest, uint64_t page_cache);

#endif
