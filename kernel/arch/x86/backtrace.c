// SPDX-License-Identifier: MIT
/*
 * backtrace.c - following frame pointers, and the symbol table that the second link puts into the image.
 */
#include "arch/x86/backtrace.h"

#include "arch/x86/context.h"
#include "arch/x86/image.h"
#include "arch/x86/layout.h"
#include "arch/x86/paging.h"
#include "lib/log.h"
#include "lib/string.h"

#define DEPTH_MAX 24

/*
 * Made by kernel/ksyms.awk: functions by address; of each the distance from the one before (from KERNBASE), in ULEB128, and its
 * name, in which a byte from FIRST_WORD on stands for one of ksym_words.
 */
extern const uint8_t ksyms[];
extern const uint32_t ksym_count;
extern const char ksym_words[];

#define FIRST_WORD 128

static uint64_t take_distance(const uint8_t **at)
{
    uint64_t distance = 0;
    unsigned shift = 0;

    do {
        distance |= (uint64_t)(**at & 0x7f) << shift;
        shift += 7;
    } while (*(*at)++ & 0x80);
    return distance;
}

/* => the length with what was added; a name that is too long is cut */
static size_t add(char *name, size_t length, const char *text)
{
    while (*text && length + 1 < SYMBOL_NAME_MAX)
        name[length++] = *text++;
    return length;
}

static const char *word_of(uint8_t code)
{
    const char *word = ksym_words;

    while (code-- > FIRST_WORD)
        word += strlen(word) + 1;
    return word;
}

static void decode(const uint8_t *coded, char *name)
{
    size_t length = 0;

    for (; *coded; coded++) {
        const char letter[] = {(char)*coded, '\0'};

        length = add(name, length, *coded >= FIRST_WORD ? word_of(*coded) : letter);
    }
    name[length] = '\0';
}

/* One function.    All relative to KERNBASE */
struct symbol {
    const uint8_t *coded; // its name
    uint64_t start, end;
};

/* => false: the address is not in the kernel's text */
static bool symbol_find(uint64_t address, struct symbol *symbol)
{
    const uint8_t *at = ksyms;
    uint64_t start = 0;

    *symbol = (struct symbol){0};
    if (address < (uint64_t)image_start || address >= (uint64_t)image_text_end)
        return false;
    symbol->end = V2P(image_text_end);
    for (uint32_t i = 0; i < ksym_count; i++) {
        start += take_distance(&at);
        if (start > V2P(address)) {
            symbol->end = start;
            break;
        }
        symbol->start = start;
        symbol->coded = at;
        at += strlen((const char *)at) + 1;
    }
    return symbol->coded;
}

bool symbol_name(uint64_t address, char name[SYMBOL_NAME_MAX], uint64_t *offset)
{
    struct symbol symbol;

    if (!symbol_find(address, &symbol))
        return false;
    *offset = V2P(address) - symbol.start;
    decode(symbol.coded, name);
    return true;
}

uint64_t symbol_size(uint64_t address)
{
    struct symbol symbol;

    return symbol_find(address, &symbol) ? symbol.end - symbol.start : 0;
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

unsigned backtrace_collect_switched(const void *sp, uint64_t *addresses, unsigned size)
{
    const struct switch_frame *frame = sp;

    if (size == 0 || !frame_readable((uint64_t)&frame->rbp)) // and so is what returns behind it
        return 0;
    addresses[0] = frame->rip;
    return 1 + backtrace_collect(frame->rbp, addresses + 1, size - 1);
}

void backtrace_print(void)
{
    uint64_t addresses[DEPTH_MAX];
    unsigned count = backtrace_collect((uint64_t)__builtin_frame_address(0), addresses, DEPTH_MAX);

    for (unsigned i = 0; i < count; i++) {
        char name[SYMBOL_NAME_MAX] = "?";
        uint64_t offset = 0;

        (void)symbol_name(addresses[i] - 1, name, &offset); // -1: inside the call, which may be a function's end
        printk(LOG_ERROR "  %016lx %s+%#lx", addresses[i], name, offset + 1);
    }
}
