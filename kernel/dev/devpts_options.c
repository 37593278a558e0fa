// SPDX-License-Identifier: MIT
#include "dev/devpts_options.h"

#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"

#define MAX_NUMBERS (1u << 20)          // as on Linux

// All of [text, text + length) as a number in `base`. => false: it is none, or too large
static bool parse_number(const char *text, size_t length, unsigned base, uint32_t *value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        if (digit >= base)
            return false;
        number = number * base + digit;
        if (number > INT32_MAX)
            return false;
    }
    *value = (uint32_t)number;
    return length > 0;
}

// A name with '=', and the base of its number.
static const struct {
    const char *name;
    unsigned base;
} names[] = {{"uid=", 10}, {"gid=", 10}, {"mode=", 8}, {"ptmxmode=", 8}, {"max=", 10}};

static int set_option(struct devpts_options *options, unsigned which, uint32_t value)
{
    switch (which) {
    case 0:
        options->has_uid = true;
        options->uid = value;
        return 0;
    case 1:
        options->has_gid = true;
        options->gid = value;
        return 0;
    case 2:
        options->mode = value & 07777;
        return 0;
    case 3:
        options->ptmx_mode = value & 07777;
        return 0;
    default:
        options->max = value;
        return value <= MAX_NUMBERS ? 0 : -EINVAL;
    }
}

static int parse_option(const char *text, size_t length, struct devpts_options *options)
{
    uint32_t value;

    if (length == 0 || (length == 11 && memcmp(text, "newinstance", 11) == 0))
        return 0; // every mount is one
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        size_t name = strlen(names[i].name);

        if (length <= name || memcmp(text, names[i].name, name) != 0)
            continue;
        if (!parse_number(text + name, length - name, names[i].base, &value))
            return -EINVAL;
        return set_option(options, i, value);
    }
    return -EINVAL;
}

int devpts_options_parse(const char *text, struct devpts_options *options)
{
    int error = 0;

    *options = (struct devpts_options){.mode = 0600, .max = MAX_NUMBERS};
    while (text != NULL && error == 0) {
        const char *comma = strchr(text, ',');

        error = parse_option(text, comma != NULL ? (size_t)(comma - text) : strlen(text), options);
        text = comma != NULL ? comma + 1 : NULL;
    }
    return error;
}

void devpts_options_show(const struct devpts_options *options, char *buffer, size_t size)
{
    size_t n = 0;

    buffer[0] = 0;
    if (options->has_uid)
        n += (size_t)scnprintf(buffer + n, size - n, ",uid=%u", options->uid);
    if (options->has_gid)
        n += (size_t)scnprintf(buffer + n, size - n, ",gid=%u", options->gid);
    n += (size_t)scnprintf(buffer + n, size - n, ",mode=%03o,ptmxmode=%03o", options->mode, options->ptmx_mode);
    if (options->max < MAX_NUMBERS)
        scnprintf(buffer + n, size - n, ",max=%u", options->max);
}
