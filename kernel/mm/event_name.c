// SPDX-License-Identifier: MIT
/* event_name.c - the words for types of events, as /proc/gaur/events tells them. */
#include "mm/event.h"

const char *event_type_name(enum event_type type)
{
    static const char *const names[EVENT_TYPES] = {
        [EVENT_FAULT] = "fault",     [EVENT_FORK] = "fork",       [EVENT_EXEC] = "exec",         [EVENT_EXIT] = "exit",
        [EVENT_MAP] = "map",         [EVENT_UNMAP] = "unmap",     [EVENT_PROTECT] = "protect",   [EVENT_DISCARD] = "discard",
        [EVENT_FLUSH] = "flush",     [EVENT_SWAP_OUT] = "swap_out", [EVENT_SWAP_IN] = "swap_in",
    };

    return names[type];
}
