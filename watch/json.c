// SPDX-License-Identifier: MIT
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vector.h"

/* ---- Text ---- */

static void reserve(struct text *text, size_t more)
{
    while (text->capacity - text->count < more)
        text->array = vector_grow(text->array, text->capacity, &text->capacity, 1);
}

void text_put(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    memcpy(text->array + text->count, bytes, length);
    text->count += length;
}

void text_puts(struct text *text, const char *string)
{
    text_put(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    reserve(text, (size_t)length + 1);
    vsnprintf(text->array + text->count, (size_t)length + 1, format, again);
    text->count += (size_t)length;
    va_end(again);
    va_end(arguments);
}

void text_clear(struct text *text)
{
    text->count = 0;
}

void text_free(struct text *text)
{
    free(text->array);
    *text = (struct text){0};
}

/* ---- Characters ---- */

/* How many bytes a character that begins so has in UTF-8; 0: none begins so. */
static size_t utf8_announced(unsigned char first)
{
    return first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* How many bytes the character at `at` has; 0: it is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    size_t length = utf8_announced(*at);

    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] >= 0xa0, beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

size_t text_whole(const char *bytes, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char byte = (unsigned char)bytes[length - back];
        if ((byte & 0xc0) != 0x80)
            return utf8_announced(byte) > back ? length - back : length;
    }
    return length;
}

/* ---- JSON ---- */

/* A comma, unless this is the first value, or the one that a name announces. */
static void separate(struct text *text)
{
    char last = text->count ? text->array[text->count - 1] : '[';

    if (last != '[' && last != '{' && last != ':' && last != '\n')
        text_put(text, ",", 1);
}

void json_open(struct text *text, char bracket)
{
    separate(text);
    text_put(text, &bracket, 1);
}

void json_close(struct text *text, char bracket)
{
    text_put(text, &bracket, 1);
}

void json_name(struct text *text, const char *name)
{
    separate(text);
    text_put(text, "\"", 1);
    text_puts(text, name);
    text_put(text, "\":", 2);
}

void json_put_number(struct text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    separate(text);
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    text_put(text, digits + at, sizeof digits - at);
}

void json_put_signed(struct text *text, int64_t number)
{
    separate(text);
    text_printf(text, "%lld", (long long)number);
}

void json_put_address(struct text *text, uint64_t address)
{
    separate(text);
    text_printf(text, "\"0x%llx\"", (unsigned long long)address);
}

void json_put_bool(struct text *text, bool value)
{
    separate(text);
    text_puts(text, value ? "true" : "false");
}

void json_put_null(struct text *text)
{
    separate(text);
    text_put(text, "null", 4);
}

/* One character, escaped if need be. => how many bytes it took */
static size_t put_character(struct text *text, const char *at, size_t left)
{
    size_t length = utf8_length((const unsigned char *)at, left);

    if (length == 0)
        text_puts(text, "\\ufffd");
    else if (*at == '"' || *at == '\\')
        text_printf(text, "\\%c", *at);
    else if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == '<') // "</script>" must not end a page that has this inside
        text_printf(text, "\\u%04x", (unsigned char)*at);
    else
        text_put(text, at, length);
    return length ? length : 1;
}

void json_put_bytes(struct text *text, const char *bytes, size_t length)
{
    separate(text);
    text_put(text, "\"", 1);
    for (size_t i = 0; i < length;)
        i += put_character(text, bytes + i, length - i);
    text_put(text, "\"", 1);
}

void json_put_string(struct text *text, const char *string)
{
    json_put_bytes(text, string, strlen(string));
}

/* ---- Names with values ---- */

void json_field_number(struct text *text, const char *name, uint64_t number)
{
    json_name(text, name);
    json_put_number(text, number);
}

void json_field_string(struct text *text, const char *name, const char *string)
{
    json_name(text, name);
    json_put_string(text, string);
}

void json_field_bool(struct text *text, const char *name, bool value)
{
    json_name(text, name);
    json_put_bool(text, value);
}

void json_field_address(struct text *text, const char *name, uint64_t address)
{
    json_name(text, name);
    json_put_address(text, address);
}
