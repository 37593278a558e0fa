// SPDX-License-Identifier: MIT
/*
 * json.h - text that grows, and JSON put into it.
 *
 * Commas are seen to: a value that follows another in an array or object gets one before it. Considered: a library. Pictures are made ten
 * times a second, of runs of numbers; a tree of objects for each would cost more than all the rest.
 */
#ifndef WATCH_JSON_H
#define WATCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *array; // not ended by a zero byte
    size_t count, capacity;
};

void text_put(struct text *text, const char *bytes, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text); // and keep its room
void text_free(struct text *text);

/* How many of the bytes are whole characters: an end that may become one when more comes is left out. */
size_t text_whole(const char *bytes, size_t length);

/* '{' '}' '[' ']'. */
void json_open(struct text *text, char bracket);
void json_close(struct text *text, char bracket);

/* The name of the value that follows. */
void json_name(struct text *text, const char *name);

/* Values. Strings may be anything: what is not UTF-8 becomes U+FFFD. json_put_address: "0x..." */
void json_put_number(struct text *text, uint64_t number);
void json_put_signed(struct text *text, int64_t number);
void json_put_address(struct text *text, uint64_t address);
void json_put_bool(struct text *text, bool value);
void json_put_null(struct text *text);
void json_put_string(struct text *text, const char *string);
void json_put_bytes(struct text *text, const char *bytes, size_t length);

/* Names with values. */
void json_field_number(struct text *text, const char *name, uint64_t number);
void json_field_string(struct text *text, const char *name, const char *string);
void json_field_bool(struct text *text, const char *name, bool value);
void json_field_address(struct text *text, const char *name, uint64_t address);

#endif
