// SPDX-License-Identifier: MIT
#include "message.h"

#include <stdio.h>
#include <string.h>

#include "arch/x86/pte.h"
#include "lessons.h"
#include "mm/core_map.h"
#include "mm/event.h"
#include "mm/fault.h"
#include "mm/stat.h"
#include "mm/vregion.h"

/* ---- Words ---- */

const char *picture_kind_name(unsigned kind)
{
    return kind < FRAME_KINDS ? frame_kind_name((enum frame_kind)kind) : NULL;
}

const char *picture_counter_name(unsigned counter)
{
    return counter < VM_EVENTS ? vm_event_name((enum vm_event)counter) : NULL;
}

static const char *cause_name(unsigned cause)
{
    return cause < CAUSES ? fault_cause_name((enum fault_cause)cause) : NULL;
}

static const char *outcome_name(unsigned outcome)
{
    return outcome < FAULT_OUTCOMES ? fault_outcome_name((enum fault_outcome)outcome) : NULL;
}

static const char *type_name(unsigned type)
{
    return type < EVENT_TYPES ? event_type_name((enum event_type)type) : NULL;
}

static void put_words(struct text *text, const char *name, const char *(*word)(unsigned number))
{
    json_name(text, name);
    json_open(text, '[');
    for (unsigned i = 0; word(i); i++)
        json_put_string(text, word(i));
    json_close(text, ']');
}

/* ---- Small things ---- */

static void put_number(struct text *text, const char *name, uint64_t number)
{
    json_name(text, name);
    json_put_number(text, number);
}

static void put_string(struct text *text, const char *name, const char *string)
{
    json_name(text, name);
    json_put_string(text, string);
}

static void put_bool(struct text *text, const char *name, bool value)
{
    json_name(text, name);
    json_put_bool(text, value);
}

static void put_address(struct text *text, const char *name, uint64_t address)
{
    json_name(text, name);
    json_put_address(text, address);
}

static void begin_message(struct text *text, const char *type)
{
    json_open(text, '{');
    put_string(text, "type", type);
}

static void end_message(struct text *text)
{
    json_close(text, '}');
    text_put(text, "\n", 1);
}

void message_console(struct text *text, const char *bytes, size_t length)
{
    begin_message(text, "console");
    json_name(text, "text");
    json_put_bytes(text, bytes, length);
    end_message(text);
}

void message_error(struct text *text, const char *what)
{
    begin_message(text, "error");
    put_string(text, "text", what);
    end_message(text);
}

void message_state(struct text *text, const char *run, const struct held *held, const char *reason)
{
    begin_message(text, "state");
    put_string(text, "run", run);
    json_name(text, "held");
    if (held) {
        json_open(text, '{');
        put_number(text, "pid", held->pid);
        put_number(text, "tid", held->tid);
        put_address(text, "address", held->address);
        put_number(text, "err", held->code);
        json_close(text, '}');
    } else {
        json_put_null(text);
    }
    put_string(text, "reason", reason);
    end_message(text);
}

void message_lost(struct text *text, uint64_t lost)
{
    begin_message(text, "events");
    put_number(text, "lost", lost);
    json_name(text, "events");
    json_open(text, '[');
    json_close(text, ']');
    end_message(text);
}

void message_hello(struct text *text, const struct about *about)
{
    begin_message(text, "hello");
    put_number(text, "format", MESSAGE_FORMAT);
    put_string(text, "build", about->build);
    put_number(text, "memory", about->memory);
    put_number(text, "frames", about->frames);
    put_number(text, "cpus", about->cpus);
    put_string(text, "machine", about->machine);
    put_bool(text, "icount", about->icount);
    put_string(text, "ticks", about->icount ? "instructions" : "nanoseconds");
    put_number(text, "ticks_per_second", 1000000000); // -icount shift=0: an instruction takes a nanosecond
    put_address(text, "direct_map", 0xffff800000000000);
    put_bool(text, "live", about->live);
    put_words(text, "kinds", picture_kind_name);
    put_words(text, "causes", cause_name);
    put_words(text, "outcomes", outcome_name);
    put_words(text, "types", type_name);
    json_name(text, "lessons");
    lessons_put(text, about->lessons);
    end_message(text);
}

/* ---- Pictures ---- */

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
    put_number(text, "pfn", node->pfn);
    put_number(text, "level", node->level);
    put_address(text, "base", node->base);
    put_number(text, "refs", node->refs);
    put_number(text, "live", node->live);
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
    put_address(text, "start", region->start);
    put_address(text, "end", region->end);
    put_string(text, "dir", region->grows_down ? "down" : "up");
    put_string(text, "prot", prot);
    put_bool(text, "shared", region->shared);
    put_string(text, "purpose", region_purpose_name(region));
    json_name(text, "file");
    if (region->file)
        json_put_string(text, region->file);
    else
        json_put_null(text);
    put_address(text, "offset", region->offset);
    put_flags(text, region->flags);
    json_close(text, '}');
}

static void put_space(struct text *text, const struct picture_space *space)
{
    json_open(text, '{');
    put_number(text, "id", space->id);
    put_number(text, "root", space->root);
    json_name(text, "brk");
    json_open(text, '[');
    json_put_address(text, space->brk_start);
    json_put_address(text, space->brk);
    json_close(text, ']');
    put_number(text, "active", space->active);
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

static void put_process(struct text *text, const struct picture *picture, const struct mirror_process *process)
{
    const struct picture_space *space = process->space ? picture_space_at(picture, process->space) : NULL;
    char state[2] = {process->state == 'D' ? 'S' : process->state, '\0'};

    json_open(text, '{');
    json_name(text, "pid");
    json_put_signed(text, process->pid);
    json_name(text, "ppid");
    json_put_signed(text, process->parent);
    put_string(text, "name", process->name);
    put_string(text, "state", state);
    put_number(text, "threads", process->threads);
    put_number(text, "space", space ? space->id : 0);
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
        put_number(text, picture_counter_name(event), picture->counters[event]);
    json_close(text, '}');
}

void message_picture(struct text *text, const struct picture *picture, const struct change *change, const struct moment *moment)
{
    begin_message(text, "picture");
    put_number(text, "n", moment->number);
    put_number(text, "time", moment->ticks);
    put_bool(text, "full", moment->full);
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
    end_message(text);
}
