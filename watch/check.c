// SPDX-License-Identifier: MIT
/*
 * check.c - what the viewer sees of a guest under load, compared.
 *
 * In verify's moments the world stands still, and core_map's `recount` says how many references verify has found of each frame: what the
 * picture's nodes hold must be the same numbers. At other, random moments the guest runs: what the picture says of a frame, and what is
 * found of it in the picture, agree, unless one of them is told as torn.
 */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "files.h"
#include "lines.h"
#include "looking.h"
#include "mm/core_map.h"

#define LOOK_FOR 10000          // microseconds, as live.c's
#define STILL_FOR 2000000
#define PAUSE_MAX 3000          // microseconds between looks at random
#define TOLD_MAX 10             // differences that are told

struct check {
    struct looking looking;
    struct lines launcher;
    uint64_t last_moment;
    unsigned moments;           // of verify
    unsigned looks, clean, torn; // at random: all; with nothing under way; with something torn
    uint64_t torn_parts;
    unsigned wrong;
};

static void __attribute__((format(printf, 2, 3))) differs(struct check *check, const char *format, ...)
{
    va_list arguments;

    if (check->wrong++ >= TOLD_MAX)
        return;
    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* ---- Verify's moments ---- */

/* References that verify finds of a frame and that no node holds: the cache's, or the leaf's beside it. */
static uint32_t unseen(const struct core_map_entry *frame)
{
    switch (frame->kind) {
    case FRAME_FILE:
        return frame->file.cache != NULL;
    case FRAME_SWAP:
    case FRAME_VPI:
    case FRAME_FREE: // the free list's
        return 1;
    default:
        return 0;
    }
}

static void compare_frame(struct check *check, uint32_t pfn, uint32_t found)
{
    const struct core_map_entry *frame = &check->looking.mirror.core_map[pfn];
    const struct picture_frame *told = &check->looking.picture.frame[pfn];

    if (told->kind != frame->kind || told->refs != frame->refs)
        differs(check, "moment %u: frame %u: told kind %u with %u references, but it is %u with %u", check->moments, pfn, told->kind,
                told->refs, frame->kind, frame->refs);
    if (frame->kind != FRAME_ZERO && frame_recount(frame) != (found + unseen(frame)) % RECOUNT_RANGE)
        differs(check, "moment %u: frame %u, %s: %u references in the picture's nodes, verify found %u", check->moments, pfn,
                frame_kind_name(frame->kind), found, frame_recount(frame));
}

static void compare_leaf(struct check *check, const struct picture_node *leaf)
{
    unsigned used = 0;

    for (unsigned i = 0; i < NODE_ENTRIES; i++)
        used += (leaf->infos[i] & VPI_USED) != 0;
    if (used != leaf->live)
        differs(check, "moment %u: leaf %u: %u pages in use, the kernel counts %u", check->moments, leaf->pfn, used, leaf->live);
}

static void compare_with_verify(struct check *check)
{
    struct looking *looking = &check->looking;

    looking_look(looking, STILL_FOR);
    if (!looking->mirror.still)
        return; // it did not last: the guest is slow, or we are
    check->moments++;
    if (looking->torn)
        differs(check, "moment %u: parts are torn, though nothing changes", check->moments);
    uint32_t *found = recount_find(&looking->picture);
    for (uint32_t pfn = 0; pfn < looking->picture.frames; pfn++)
        compare_frame(check, pfn, found[pfn]);
    for (size_t i = 0; i < looking->picture.nodes.count; i++) {
        const struct picture_node *node = looking->picture.node[looking->picture.nodes.array[i]];
        if (node->level == 1)
            compare_leaf(check, node);
    }
    free(found);
}

/* ---- Random moments ---- */

static void look_at_random(struct check *check)
{
    struct looking *looking = &check->looking;
    const struct recount *recount = &looking->recount;

    looking_look(looking, LOOK_FOR);
    if (!looking->begun || looking->mirror.still)
        return;
    check->looks++;
    check->clean += recount->clean;
    check->torn += looking->torn;
    check->torn_parts += looking->change.torn_frames.count + looking->change.torn_nodes.count + looking->change.torn_spaces.count;
    if (recount->wrong)
        differs(check, "look %u: %u frames differ with nothing under way: frame %u, kind %u, has %u references, %u found", check->looks,
                recount->wrong, recount->first.pfn, recount->first.kind, recount->first.refs, recount->first.found);
}

/* ---- All ---- */

static bool guest_has_ended(struct check *check)
{
    bool ended = !lines_read(&check->launcher);

    for (char *line; (line = lines_next(&check->launcher));)
        ended |= strncmp(line, "ended", 5) == 0;
    return ended;
}

static void step(struct check *check)
{
    const struct guest *guest = &check->looking.guest;
    uint64_t moment = control_verify_moment(guest);

    if (moment && moment != check->last_moment) {
        compare_with_verify(check);
        check->last_moment = moment;
        control_verify_seen(guest, moment);
    } else if (!moment) {
        look_at_random(check);
        usleep((useconds_t)(random() % PAUSE_MAX));
    }
}

int check_run(const struct options *options)
{
    static struct check check;

    check.launcher.fd = options->control;
    looking_open(&check.looking, options);
    while (!guest_has_ended(&check)) {
        control_hold_verify(&check.looking.guest, true);
        step(&check);
    }
    printf("# %u moments of verify's, %u other looks: %u with nothing under way, %u with something torn (%" PRIu64 " parts); %u differences\n",
           check.moments, check.looks, check.clean, check.torn, check.torn_parts, check.wrong);
    looking_close(&check.looking);
    return check.wrong ? 1 : 0;
}
