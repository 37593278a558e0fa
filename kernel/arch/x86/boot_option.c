// SPDX-License-Identifier: MIT
/*
 * boot_option.c - words of the kernel's command line.
 *
 * A word ends at white space outside of double quotes; the quotes themselves belong to no value.
 */
#include "arch/x86/boot_info.h"
#include "lib/log.h"
#include "lib/string.h"

struct word {
    const char *start;
    size_t length; // quotes included
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* The word at or after *position, which moves past it. => false at the end of the line */
static bool next_word(const char **position, struct word *word)
{
    const char *p = *position;
    bool quoted = false;

    while (is_space(*p))
        p++;
    word->start = p;
    for (; *p && (quoted || !is_space(*p)); p++)
        quoted ^= *p == '"';
    word->length = (size_t)(p - word->start);
    *position = p;
    return word->length > 0;
}

static void copy_value(const struct word *word, size_t skip, char *value, size_t size)
{
    size_t used = 0;

    for (size_t i = skip; i < word->length; i++) {
        if (word->start[i] != '"' && used + 1 < size)
            value[used++] = word->start[i];
    }
    if (size > 0)
        value[used] = '\0';
}

bool boot_option_next(const char **position, const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);
    struct word word;

    while (next_word(position, &word)) {
        if (word.length <= key_length || strncmp(word.start, key, key_length) != 0 || word.start[key_length] != '=')
            continue;
        copy_value(&word, key_length + 1, value, size);
        return true;
    }
    return false;
}

bool boot_option(const char *key, char *value, size_t size)
{
    const char *position = boot_info()->command_line;
    bool found = false;

    while (boot_option_next(&position, key, value, size))
        found = true;
    return found;
}

bool boot_flag(const char *name)
{
    const char *position = boot_info()->command_line;
    size_t length = strlen(name);
    struct word word;

    while (next_word(&position, &word)) {
        if (word.length == length && strncmp(word.start, name, length) == 0)
            return true;
    }
    return false;
}

/* Whether a word is `name`, or begins with `name=` when the name ends so. */
static bool word_is(const struct word *word, const char *name)
{
    size_t length = strlen(name);
    bool takes_value = name[length - 1] == '=';

    return (takes_value ? word->length >= length : word->length == length) && strncmp(word->start, name, length) == 0;
}

void boot_options_check(const char *const *known, size_t count)
{
    const char *position = boot_info()->command_line;
    struct word word;
    char text[80];

    while (next_word(&position, &word)) {
        size_t i = 0;
        while (i < count && !word_is(&word, known[i]))
            i++;
        if (i < count)
            continue;
        copy_value(&word, 0, text, sizeof text);
        printk(LOG_WARNING "kernel argument %s is not known, and ignored; docs/layout.md lists those that are", text);
    }
}
