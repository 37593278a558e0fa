// SPDX-License-Identifier: MIT
/*
 * cpio.c - the archive comes from outside: every length is checked before it is believed.
 */
#include "fs/cpio.h"

#include <linux/limits.h>

#include "lib/string.h"

#define HEADER_SIZE 110             // "070701" and 13 numbers of 8 hexadecimal digits
#define HEADER_NUMBERS 13

enum { INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, DEVMAJOR, DEVMINOR, RDEVMAJOR, RDEVMINOR, NAMESIZE, CHECK };

static enum cpio_result corrupt(struct cpio *cpio, const char *problem)
{
    cpio->problem = problem;
    return CPIO_CORRUPT;
}

// First bytes of what people compress archives with.
static bool looks_compressed(const char *data, uint64_t left)
{
    static const char magics[][5] = {"\x1f\x8b", "BZh", "\3757zX", "\x28\xb5\x2f\xfd", "\x02\x21\x4c\x18",
                                     "\x04\x22\x4d\x18", "\x89LZO", "\x5d"};

    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        size_t length = strlen(magics[i]);

        if (left >= length && memcmp(data, magics[i], length) == 0)
            return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_numbers(const char *text, uint32_t numbers[HEADER_NUMBERS])
{
    for (int i = 0; i < HEADER_NUMBERS; i++) {
        numbers[i] = 0;
        for (int digit = 0; digit < 8; digit++, text++) {
            int value = hex_digit(*text);

            if (value < 0)
                return false;
            numbers[i] = numbers[i] << 4 | (uint32_t)value;
        }
    }
    return true;
}

static void fill_entry(struct cpio_entry *entry, const uint32_t numbers[HEADER_NUMBERS])
{
    *entry = (struct cpio_entry){
        .ino = numbers[INO],
        .mode = numbers[MODE],
        .uid = numbers[UID],
        .gid = numbers[GID],
        .nlink = numbers[NLINK],
        .mtime = numbers[MTIME],
        .dev_major = numbers[DEVMAJOR],
        .dev_minor = numbers[DEVMINOR],
        .rdev_major = numbers[RDEVMAJOR],
        .rdev_minor = numbers[RDEVMINOR],
        .size = numbers[FILESIZE],
    };
}

// Name and data lie behind the header, each from a multiple of 4 on.
static enum cpio_result place_name_and_data(struct cpio *cpio, struct cpio_entry *entry, uint32_t name_size)
{
    uint64_t name = cpio->at + HEADER_SIZE;
    uint64_t data = ALIGN_UP(name + name_size, 4);

    if (name_size == 0 || name_size > PATH_MAX || data > cpio->size)
        return corrupt(cpio, "a name runs over the end");
    entry->name = cpio->base + name;
    if (strnlen(entry->name, name_size) == name_size)
        return corrupt(cpio, "a name does not end");
    if (entry->size > cpio->size - data)
        return corrupt(cpio, "a file runs over the end");
    entry->data = cpio->base + data;
    cpio->at = MIN(ALIGN_UP(data + entry->size, 4), cpio->size);
    return strcmp(entry->name, "TRAILER!!!") == 0 ? CPIO_TRAILER : CPIO_ENTRY;
}

// Four at a time, since there may be most of a frame of them.
static void skip_zeros(struct cpio *cpio)
{
    while (cpio->at + 4 <= cpio->size && *(const uint32_t *)(cpio->base + cpio->at) == 0)
        cpio->at += 4;
    while (cpio->at < cpio->size && cpio->base[cpio->at] == 0)
        cpio->at++;
}

enum cpio_result cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
    uint32_t numbers[HEADER_NUMBERS];
    const char *header;

    skip_zeros(cpio);
    if (cpio->at == cpio->size)
        return CPIO_END;
    header = cpio->base + cpio->at;
    if (looks_compressed(header, cpio->size - cpio->at))
        return corrupt(cpio, "compressed archives are not supported");
    if (cpio->size - cpio->at < HEADER_SIZE)
        return corrupt(cpio, "a header runs over the end");
    if (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6) != 0)
        return corrupt(cpio, "no cpio header (newc)");
    if (!IS_ALIGNED(cpio->at, 4) || !parse_numbers(header + 6, numbers))
        return corrupt(cpio, "a bad header");
    fill_entry(entry, numbers);
    return place_name_and_data(cpio, entry, numbers[NAMESIZE]);
}
