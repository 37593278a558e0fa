// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "arch/x86/pte.h"
#include "message.h"
#include "mm/core_map.h"
#include "mm/stat.h"
#include "mm/vregion.h"

/* ---- Frames ---- */

static void put_torn(struct text *text, const char *what, const struct numbers *numbers)
{
    char word[32];

    for (size_t i = 0; i < numbers->count; i++) {
        snprintf(word, sizeof word, "%s %u", what, numbers->array[i]);
        json_put_string(text, word);
    }
}

static void put_all_torn(struct text *text, const struct change *change)
{
    json_name(text, "torn");
    json_open(text, '[');
    put_torn(text, "frame", &change->torn_frames);
    put_torn(text, "node", &change->torn_nodes);
    put_torn(text, "space", &change->torn_spaces);
    if (change->processes_torn)
        json_put_string(text, "processes");
    json_close(text, ']');
}

/* Runs of frames that follow one another and are equal. */
static void put_frames(struct text *text, const struct picture *picture, const struct numbers *frames)
{
    json_name(text, "frames");
    json_open(text, '[');
    for (size_t i = 0; i < frames->count;) {
        uint32_t first = frames->array[i], count = 0;
        struct picture_frame frame = picture->frame[first];
        while (i < frames->count && frames->array[i] == first + count && picture->frame[first + count].refs == frame.refs &&
               picture->frame[first + count].kind == frame.kind)
            i++, count++;
        json_open(text, '[');
        json_put_number(text, first);
        json_put_number(text, count);
        json_put_number(text, frame.kind);
        json_put_number(text, frame.refs);
        json_close(text, ']');
    }
    json_close(text, ']');
}

static void put_kinds(struct text *text, const struct picture *picture)
{
    uint32_t kinds[UINT8_MAX + 1] = {0};

    for (uint32_t pfn = 0; pfn < picture->frames; pfn++)
        kinds[picture->frame[pfn].kind]++;
    json_name(text, "kinds");
    json_open(text, '[');
    for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
        json_put_number(text, kinds[kind]);
    json_close(text, ']');
}

/* ---- Nodes ---- */

static void put_leaf_entries(struct text *text, const struct picture_node *leaf)
{
    struct leaf_run run;

    for (unsigned index = 0; leaf_run_find(leaf, index, &run); index = run.index + run.count) {
        json_open(text, '[');
        json_put_number(text, run.index);
        json_put_number(text, run.count);
        json_put_signed(text, run.step);
        json_put_number(text, run.ppn);
        json_put_number(text, run.vpi_bits);
        json_put_number(text, run.pte_pfn);
        json_put_number(text, run.pte_bits);
        json_close(text, ']');
    }
}

static void put_entries(struct text *text, const struct picture_node *node)
{
    for (unsigned index = 0; index < NODE_ENTRIES; index++) {
        uint64_t entry = node->entries[index];
        if (entry == 0)
            continue;
        json_open(text, '[');
        json_put_number(text, index);
        json_put_number(text, (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT);
        json_put_number(text, (entry & PAGE_MASK) | (entry & PTE_BIT_NOEXEC ? PTE_NO_EXECUTE : 0));
        json_close(text, ']');
    }
}

static void put_node(struct text *text, const struct picture_node *node)
{
    json_open(text, '{');
    json_field_number(text, "pfn", node->pfn);
    json_field_number(text, "level", node->level);
    json_field_address(text, "base", node->base);
    json_field_number(text, "refs", node->refs);
    json_field_number(text, "live", node->live);
    json_name(text, "entries");
    json_open(text, '[');
    if (node->level == 1)
        put_leaf_entries(text, node);
    else
        put_entries(text, node);
    json_close(text, ']');
    json_close(text, '}');
}

static void put_nodes(struct text *text, const struct picture *picture, const struct numbers *nodes)
{
    json_name(text, "nodes");
    json_open(text, '[');
    for (size_t i = 0; i < nodes->count; i++)
        put_node(text, picture->node[nodes->array[i]]);
    json_close(text, ']');
}

static void put_list(struct text *text, const char *name, const struct numbers *numbers)
{
    json_name(text, name);
    json_open(text, '[');
    for (size_t i = 0; i < numbers->count; i++)
        json_put_number(text, numbers->array[i]);
    json_close(text, ']');
}

/* ---- Spaces ---- */

static void put_flags(struct text *text, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{VR_LOCKED, "locked"}, {VR_LOCK_ONFAULT, "lock_onfault"}, {VR_DONTFORK, "dontfork"}, {VR_WIPEONFORK, "wipeonfork"},
                 {VR_DONTDUMP, "dontdump"}, {VR_HUGEPAGE, "hugepage"}, {VR_NOHUGEPAGE, "nohugepage"}};

    json_name(text, "flags");
    json_open(text, '[');
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (flags & names[i].flag)
            json_put_string(text, names[i].name);
    json_close(text, ']');
}

const char *region_purpose_name(const struct mirror_region *region)
{
    return region->purpose == VR_HEAP ? "heap" : region->purpose == VR_STACK ? "stack" : "general";
}

void region_prot_text(const struct mirror_region *region, char text[4])
{
    text[0] = region->prot & VR_READ ? 'r' : '-';
    text[1] = region->prot & VR_WRITE ? 'w' : '-';
    text[2] = region->prot & VR_EXEC ? 'x' : '-';
    text[3] = '\0';
}

static void put_region(struct text *text, const struct mirror_region *region)
{
    char prot[4];

    region_prot_text(region, prot);
    json_open(text, '{');
    json_field_address(text, "start", region->start);
    json_field_address(text, "end", region->end);
    json_field_string(text, "dir", region->grows_down ? "down" : "up");
    json_field_string(text, "prot", prot);
    json_field_bool(text, "shared", region->shared);
    json_field_string(text, "purpose", region_purpose_name(region));
    json_name(text, "file");
    if (region->file)
        json_put_string(text, region->file);
    else
        json_put_null(text);
    json_field_address(text, "offset", region->offset);
    put_flags(text, region->flags);
    json_close(text, '}');
}

static void put_space(struct text *text, const struct picture_space *space)
{
    json_open(text, '{');
    json_field_number(text, "id", space->id);
    json_field_number(text, "root", space->root);
    json_name(text, "brk");
    json_open(text, '[');
    json_put_address(text, space->brk_start);
    json_put_address(text, space->brk);
    json_close(text, ']');
    json_field_number(text, "active", space->active);
    json_name(text, "regions");
    json_open(text, '[');
    for (size_t i = 0; i < space->count; i++)
        put_region(text, &space->array[i]);
    json_close(text, ']');
    json_close(text, '}');
}

static void put_spaces(struct text *text, const struct picture *picture, const struct numbers *ids)
{
    json_name(text, "spaces");
    json_open(text, '[');
    for (size_t i = 0; i < ids->count; i++)
        put_space(text, picture_space(picture, ids->array[i]));
    json_close(text, ']');
}

/* ---- Processes and counters ---- */

static void put_process(struct text *text, const struct picture *picture, const struct mirror_process *process)
{
    const struct picture_space *space = process->space ? picture_space_at(picture, process->space) : NULL;
    char state[2] = {process->state == 'D' ? 'S' : process->state, '\0'};

    json_open(text, '{');
    json_name(text, "pid");
    json_put_signed(text, process->pid);
    json_name(text, "ppid");
    json_put_signed(text, process->parent);
    json_field_string(text, "name", process->name);
    json_field_string(text, "state", state);
    json_field_number(text, "threads", process->threads);
    json_field_number(text, "space", space ? space->id : 0);
    json_close(text, '}');
}

static void put_processes(struct text *text, const struct picture *picture)
{
    json_name(text, "processes");
    json_open(text, '[');
    for (size_t i = 0; i < picture->processes.count; i++)
        put_process(text, picture, &picture->processes.array[i]);
    json_close(text, ']');
}

static void put_counters(struct text *text, const struct picture *picture)
{
    json_name(text, "counters");
    json_open(text, '{');
    for (unsigned event = 0; event < VM_EVENTS; event++)
        json_field_number(text, picture_counter_name(event), picture->counters[event]);
    json_close(text, '}');
}

void message_picture(struct text *text, const struct picture *picture, const struct change *change, const struct moment *moment)
{
    message_begin(text, "picture");
    json_field_number(text, "n", moment->number);
    json_field_number(text, "time", moment->ticks);
    json_field_bool(text, "full", moment->full);
    put_all_torn(text, change);
    put_frames(text, picture, &change->frames);
    put_kinds(text, picture);
    put_nodes(text, picture, &change->nodes);
    put_list(text, "nodes_gone", &change->nodes_gone);
    put_spaces(text, picture, &change->spaces);
    put_list(text, "spaces_gone", &change->spaces_gone);
    if (change->processes)
        put_processes(text, picture);
    if (change->counters)
        put_counters(text, picture);
    message_end(text);
}
