// SPDX-License-Identifier: MIT
#include "fs/tmpfs_options.h"

#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"

static uint64_t memory_pages(void)
{
    uint64_t pages = 0;

    for (int kind = FRAME_RESERVED + 1; kind < FRAME_KINDS; kind++)
        pages += frames_by_kind((enum frame_kind)kind);
    return pages;
}

// Digits in `base` at *text, which moves behind them. => false: none, or too many
static bool parse_number(const char **text, unsigned base, uint64_t *value)
{
    const char *start = *text;

    *value = 0;
    for (; **text >= '0' && **text < (char)('0' + base); ++*text) {
        if (mul_overflows(*value, base, value) || add_overflows(*value, (uint64_t)(**text - '0'), value))
            return false;
    }
    return *text != start;
}

// k, m, g behind a number; '%' of memory. => bytes; false if they do not fit
static bool parse_suffix(const char **text, uint64_t *value)
{
    unsigned shift = 0;

    switch (**text | 0x20) {
    case 'k':
        shift = 10;
        break;
    case 'm':
        shift = 20;
        break;
    case 'g':
        shift = 30;
        break;
    default:
        if (**text != '%')
            return true;
        ++*text;
        *value = memory_pages() * PAGE_SIZE / 100 * MIN(*value, (uint64_t)100);
        return true;
    }
    ++*text;
    return !mul_overflows(*value, UINT64_C(1) << shift, value);
}

static uint64_t limit(uint64_t value)
{
    return value == 0 ? UINT64_MAX : value;
}

static int set_option(struct tmpfs_options *options, const char *name, size_t length, uint64_t value)
{
    if (length == 4 && memcmp(name, "size", 4) == 0)
        options->max_pages = limit(ALIGN_UP(value, PAGE_SIZE) / PAGE_SIZE);
    else if (length == 9 && memcmp(name, "nr_blocks", 9) == 0)
        options->max_pages = limit(value);
    else if (length == 9 && memcmp(name, "nr_inodes", 9) == 0)
        options->max_inodes = limit(value);
    else if (length == 4 && memcmp(name, "mode", 4) == 0)
        options->mode = value & 07777;
    else if (length == 3 && memcmp(name, "uid", 3) == 0)
        options->uid = (uint32_t)value;
    else if (length == 3 && memcmp(name, "gid", 3) == 0)
        options->gid = (uint32_t)value;
    else
        return -EINVAL;
    return 0;
}

// One "name=value" at *text, which moves behind it and its comma.
static int parse_option(const char **text, struct tmpfs_options *options)
{
    const char *name = *text, *value = strchr(name, '=');
    unsigned base = value != NULL && value - name == 4 && memcmp(name, "mode", 4) == 0 ? 8 : 10;
    uint64_t number;

    if (value == NULL)
        return -EINVAL;
    *text = value + 1;
    if (!parse_number(text, base, &number) || !parse_suffix(text, &number) || (**text != 0 && **text != ','))
        return -EINVAL;
    if (**text == ',')
        ++*text;
    return set_option(options, name, (size_t)(value - name), number);
}

int tmpfs_options_parse(const char *text, struct tmpfs_options *options)
{
    int error = 0;

    *options = (struct tmpfs_options){memory_pages() / 2, memory_pages() / 2, 01777, 0, 0};
    while (text != NULL && *text != 0 && error == 0)
        error = parse_option(&text, options);
    return error;
}
