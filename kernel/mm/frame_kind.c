// SPDX-License-Identifier: MIT
/* frame_kind.c - the words for kinds of frames, as /proc/gaur/frames tells them. */
#include "mm/core_map.h"

static const char *const kind_names[FRAME_KINDS] = {
    [FRAME_RESERVED] = "reserved", [FRAME_IMAGE] = "image", [FRAME_FREE] = "free",      [FRAME_KERNEL] = "kernel",
    [FRAME_SLAB] = "slab",         [FRAME_STACK] = "stack", [FRAME_NODE] = "node",      [FRAME_VPI] = "vpi",
    [FRAME_ANON] = "anonymous",    [FRAME_HUGE] = "huge",   [FRAME_FILE] = "file",      [FRAME_ZERO] = "zero",
    [FRAME_SWAP] = "swap",
};

const char *frame_kind_name(enum frame_kind kind)
{
    return kind_names[kind];
}
