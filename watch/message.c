// SPDX-License-Identifier: MIT
#include "message.h"

#include "lessons.h"
#include "mm/core_map.h"
#include "mm/event.h"
#include "mm/fault.h"
#include "mm/stat.h"

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

/* ---- Messages ---- */

void message_begin(struct text *text, const char *type)
{
    json_open(text, '{');
    json_field_string(text, "type", type);
}

void message_end(struct text *text)
{
    json_close(text, '}');
    text_put(text, "\n", 1);
}

void message_console(struct text *text, const char *bytes, size_t length)
{
    message_begin(text, "console");
    json_name(text, "text");
    json_put_bytes(text, bytes, length);
    message_end(text);
}

void message_error(struct text *text, const char *what)
{
    message_begin(text, "error");
    json_field_string(text, "text", what);
    message_end(text);
}

void message_state(struct text *text, const char *run, const struct held *held, const char *reason)
{
    message_begin(text, "state");
    json_field_string(text, "run", run);
    json_name(text, "held");
    if (held) {
        json_open(text, '{');
        json_field_number(text, "pid", held->pid);
        json_field_number(text, "tid", held->tid);
        json_field_address(text, "address", held->address);
        json_field_number(text, "err", held->code);
        json_close(text, '}');
    } else {
        json_put_null(text);
    }
    json_field_string(text, "reason", reason);
    message_end(text);
}

void message_lost(struct text *text, uint64_t lost)
{
    message_begin(text, "events");
    json_field_number(text, "lost", lost);
    json_name(text, "events");
    json_open(text, '[');
    json_close(text, ']');
    message_end(text);
}

void message_hello(struct text *text, const struct about *about)
{
    message_begin(text, "hello");
    json_field_number(text, "format", MESSAGE_FORMAT);
    json_field_string(text, "build", about->build);
    json_field_number(text, "memory", about->memory);
    json_field_number(text, "frames", about->frames);
    json_field_number(text, "cpus", about->cpus);
    json_field_string(text, "machine", about->machine);
    json_field_bool(text, "icount", about->icount);
    json_field_string(text, "ticks", about->icount ? "instructions" : "nanoseconds");
    json_field_number(text, "ticks_per_second", 1000000000); // -icount shift=0: an instruction takes a nanosecond
    json_field_address(text, "direct_map", 0xffff800000000000);
    json_field_bool(text, "live", about->live);
    put_words(text, "kinds", picture_kind_name);
    put_words(text, "causes", cause_name);
    put_words(text, "outcomes", outcome_name);
    put_words(text, "types", type_name);
    json_name(text, "lessons");
    lessons_put(text, about->lessons);
    message_end(text);
}
