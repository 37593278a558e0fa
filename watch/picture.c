// SPDX-License-Identifier: MIT
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "mm/core_map.h"
#include "mm/stat.h"
#include "vector.h"

static_assert(VM_EVENTS <= COUNTERS_MAX, "all counters have a place");

void picture_begin(struct picture *picture, const struct mirror *mirror)
{
    *picture = (struct picture){.frames = mirror->frames};
    picture->frame = vector_alloc(picture->frames, sizeof *picture->frame);
    picture->node = vector_alloc(picture->frames, sizeof *picture->node);
    for (uint32_t pfn = 0; pfn < picture->frames; pfn++)
        picture->frame[pfn].kind = UINT8_MAX; // no kind: the first look tells every frame
}

void picture_end(struct picture *picture)
{
    for (size_t i = 0; i < picture->nodes.count; i++)
        free(picture->node[picture->nodes.array[i]]);
    for (size_t i = 0; i < picture->spaces.count; i++)
        free(picture->spaces.array[i].array);
    free(picture->nodes.array);
    free(picture->spaces.array);
    free(picture->processes.array);
    free(picture->frame);
    free(picture->node);
}

/* ---- Frames ---- */

static void update_frames(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    for (uint32_t pfn = 0; pfn < picture->frames; pfn++) {
        struct picture_frame now = {.refs = mirror->core_map[pfn].refs, .kind = mirror->core_map[pfn].kind};
        struct picture_frame *before = &picture->frame[pfn];
        if (mirror_frame_torn(mirror, pfn)) {
            vector_add(&change->torn_frames, pfn);
        } else if (now.refs != before->refs || now.kind != before->kind) {
            *before = now;
            vector_add(&change->frames, pfn);
        }
    }
}

/* ---- Nodes ---- */

static bool node_is_same(const struct picture_node *before, const struct mirror_node *now, const struct core_map_entry *entry)
{
    return before->version == now->version && before->refs == entry->refs && before->live == entry->node.live &&
           before->level == now->level && before->base == now->base;
}

static void update_node(struct picture *picture, const struct mirror *mirror, const struct mirror_node *now, struct change *change)
{
    const struct core_map_entry *entry = &mirror->core_map[now->pfn];
    struct picture_node *node = picture->node[now->pfn];

    if (mirror_node_torn(mirror, now)) {
        vector_add(&change->torn_nodes, now->pfn);
        return;
    }
    if (node && node_is_same(node, now, entry))
        return;
    if (!node) {
        node = picture->node[now->pfn] = vector_alloc(1, sizeof *node);
        vector_add(&picture->nodes, now->pfn);
    }
    *node = (struct picture_node){.pfn = now->pfn, .refs = entry->refs, .version = now->version, .live = entry->node.live,
                                  .level = now->level, .base = now->base};
    memcpy(node->entries, now->entries, sizeof node->entries);
    memcpy(node->infos, now->infos, sizeof node->infos);
    vector_add(&change->nodes, now->pfn);
}

static void update_nodes(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    size_t kept = 0;

    for (size_t i = 0; i < mirror->nodes.count; i++)
        update_node(picture, mirror, mirror->node[mirror->nodes.array[i]], change);
    for (size_t i = 0; i < picture->nodes.count; i++) {
        uint32_t pfn = picture->nodes.array[i];
        if (mirror->node[pfn]) {
            picture->nodes.array[kept++] = pfn;
            continue;
        }
        free(picture->node[pfn]);
        picture->node[pfn] = NULL;
        vector_add(&change->nodes_gone, pfn);
    }
    picture->nodes.count = kept;
}

/* ---- Spaces ---- */

const struct picture_space *picture_space(const struct picture *picture, uint32_t id)
{
    for (size_t i = 0; i < picture->spaces.count; i++)
        if (picture->spaces.array[i].id == id)
            return &picture->spaces.array[i];
    return NULL;
}

const struct picture_space *picture_space_at(const struct picture *picture, uint64_t address)
{
    for (size_t i = 0; i < picture->spaces.count; i++)
        if (picture->spaces.array[i].address == address)
            return &picture->spaces.array[i];
    return NULL;
}

static bool space_is_same(const struct picture_space *before, const struct mirror_space *now)
{
    return before->root == now->root && before->brk_start == now->brk_start && before->brk == now->brk &&
           before->active == now->active && before->count == now->count &&
           memcmp(before->array, now->array, now->count * sizeof *now->array) == 0;
}

static void update_space(struct picture *picture, const struct mirror *mirror, const struct mirror_space *now, struct change *change)
{
    struct picture_space *space = (struct picture_space *)picture_space(picture, now->id);

    if (mirror_space_torn(mirror, now)) {
        vector_add(&change->torn_spaces, now->id);
        return;
    }
    if (space && space_is_same(space, now))
        return;
    if (!space) {
        vector_add(&picture->spaces, ((struct picture_space){.id = now->id, .address = now->address}));
        space = &picture->spaces.array[picture->spaces.count - 1];
    }
    free(space->array);
    space->array = vector_alloc(now->count, sizeof *now->array);
    memcpy(space->array, now->array, now->count * sizeof *now->array);
    space->count = now->count;
    space->root = now->root;
    space->brk_start = now->brk_start;
    space->brk = now->brk;
    space->active = now->active;
    vector_add(&change->spaces, now->id);
}

static bool mirror_has_space(const struct mirror *mirror, uint32_t id)
{
    for (size_t i = 0; i < mirror->spaces.count; i++)
        if (mirror->spaces.array[i]->id == id)
            return true;
    return false;
}

static void update_spaces(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    size_t kept = 0;

    for (size_t i = 0; i < mirror->spaces.count; i++)
        update_space(picture, mirror, mirror->spaces.array[i], change);
    for (size_t i = 0; i < picture->spaces.count; i++) {
        struct picture_space space = picture->spaces.array[i];
        if (mirror_has_space(mirror, space.id)) {
            picture->spaces.array[kept++] = space;
            continue;
        }
        free(space.array);
        vector_add(&change->spaces_gone, space.id);
    }
    picture->spaces.count = kept;
}

/* ---- Processes and counters ---- */

static void update_processes(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    const struct mirror_processes *now = &mirror->processes;
    struct mirror_processes *before = &picture->processes;

    change->processes_torn = mirror->processes_differed == mirror->pass;
    if (change->processes_torn || (picture->told && now->count == before->count && (now->count == 0 ||
                                   memcmp(before->array, now->array, now->count * sizeof *now->array) == 0)))
        return;
    picture->told = true;
    before->count = 0;
    for (size_t i = 0; i < now->count; i++)
        vector_add(before, now->array[i]);
    change->processes = true;
}

static void update_counters(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    const struct guest *guest = mirror->guest;
    const struct vm_counters *counters = memory_at_kernel(&guest->memory, guest->at.vm_counters, MAX_CPUS * sizeof *counters);

    for (unsigned event = 0; counters && event < VM_EVENTS; event++) {
        uint64_t sum = 0;
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
            sum += atomic_load_explicit(&counters[cpu].events[event], memory_order_relaxed);
        change->counters |= picture->counters[event] != sum;
        picture->counters[event] = sum;
    }
}

/* ---- All ---- */

static void change_clear(struct change *change)
{
    struct numbers *lists[] = {&change->frames, &change->nodes, &change->nodes_gone, &change->spaces, &change->spaces_gone,
                               &change->torn_frames, &change->torn_nodes, &change->torn_spaces};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        lists[i]->count = 0;
    change->processes = change->processes_torn = change->counters = false;
}

void picture_update(struct picture *picture, const struct mirror *mirror, struct change *change)
{
    change_clear(change);
    update_frames(picture, mirror, change);
    update_nodes(picture, mirror, change);
    update_spaces(picture, mirror, change);
    update_processes(picture, mirror, change);
    update_counters(picture, mirror, change);
}

void picture_whole(const struct picture *picture, struct change *change)
{
    change->frames.count = change->nodes.count = change->spaces.count = 0;
    change->nodes_gone.count = change->spaces_gone.count = 0;
    for (uint32_t pfn = 0; pfn < picture->frames; pfn++)
        if (picture->frame[pfn].kind != UINT8_MAX)
            vector_add(&change->frames, pfn);
    for (size_t i = 0; i < picture->nodes.count; i++)
        vector_add(&change->nodes, picture->nodes.array[i]);
    for (size_t i = 0; i < picture->spaces.count; i++)
        vector_add(&change->spaces, picture->spaces.array[i].id);
    change->processes = change->counters = true;
}

bool change_is_empty(const struct change *change)
{
    return change->frames.count + change->nodes.count + change->nodes_gone.count + change->spaces.count + change->spaces_gone.count == 0 &&
           !change->processes && !change->counters;
}

bool change_is_torn(const struct change *change)
{
    return change->torn_frames.count + change->torn_nodes.count + change->torn_spaces.count > 0 || change->processes_torn;
}

void change_free(struct change *change)
{
    struct numbers *lists[] = {&change->frames, &change->nodes, &change->nodes_gone, &change->spaces, &change->spaces_gone,
                               &change->torn_frames, &change->torn_nodes, &change->torn_spaces};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        free(lists[i]->array);
}
