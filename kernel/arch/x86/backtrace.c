// SPDX-License-Identifier: MIT
/*
 * backtrace.c - following frame pointers, and the symbol table that the second link puts into the image.
 */
#include "arch/x86/backtrace.h"

#include "arch/x86/image.h"
#include "arch/x86/layout.h"
#include "arch/x86/paging.h"
#include "lib/log.h"

#define DEPTH_MAX 24

/* Made by kernel/ksyms.awk: functions by address. */
struct ksym {
    uint32_t address; // minus KERNBASE
    uint32_t name;    // offset in ksym_names
};

extern const struct ksym ksyms[];
extern const uint32_t ksym_count;
extern const char ksym_names[];

const char *symbol_name(uint64_t address, uint64_t *offset)
{
    uint32_t low = 0, high = ksym_count;

    if (address < (uint64_t)image_start || address >= (uint64_t)image_text_end)
        return NULL;
    while (low < high) { // find the first symbol above the address
        uint32_t middle = low + (high - low) / 2;

        if (ksyms[middle].address <= V2P(address))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = V2P(address) - ksyms[low - 1].address;
    return ksym_names + ksyms[low - 1].name;
}

static bool frame_readable(uint64_t frame)
{
    return frame % 8 == 0 && kernel_is_mapped(frame) && kernel_is_mapped(frame + 8);
}

unsigned backtrace_collect(uint64_t rbp, uint64_t *addresses, unsigned size)
{
    unsigned count = 0, jumps = 0;

    while (count < size && frame_readable(rbp)) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (frame[1] < (uint64_t)image_start || frame[1] >= (uint64_t)image_text_end)
            break;
        addresses[count++] = frame[1];
        // Frames lie above each other on one stack. A double fault has left another stack: one jump is good, no more.
        if ((frame[0] <= rbp || frame[0] - rbp >= KSTACK_SIZE) && jumps++ > 0)
            break;
        rbp = frame[0];
    }
    return count;
}

void backtrace_print(void)
{
    uint64_t addresses[DEPTH_MAX];
    unsigned count = backtrace_collect((uint64_t)__builtin_frame_address(0), addresses, DEPTH_MAX);

    for (unsigned i = 0; i < count; i++) {
        uint64_t offset = 0;
        const char *name = symbol_name(addresses[i] - 1, &offset); // -1: inside the call, which may be a function's end

        printk(LOG_ERROR "  %016lx %s+%#lx", addresses[i], name ? name : "?", offset + 1);
    }
}
