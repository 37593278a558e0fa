// SPDX-License-Identifier: MIT
/*
 * text.h - the content of a file in /proc, made in one go and read in parts.
 *
 * Text is kept in a chain of frames. Running out of memory is remembered, not reported by each call: whoever is done
 * looks at text->error once.
 */
#ifndef PROCFS_TEXT_H
#define PROCFS_TEXT_H

#include "lib/types.h"

struct io;
struct text_page;

struct text {
    struct text_page *first, *last;
    struct text_page *spare;        // reserved, for those who may not allocate
    size_t size;                    // bytes
    int error;                      // 0 or -ENOMEM
    uint64_t next;                  // of a file that is made in parts: where the next one begins; 0: this is the last
};

/* A part is complete with so many bytes. */
#define TEXT_PART (64u << 10)

/* Longest that one text_printf can make. */
#define TEXT_PIECE_MAX 4000

/* An empty text is all zero. This makes it empty again. */
void text_clear(struct text *text);

void text_printf(struct text *text, const char *format, ...) __printf_like(2, 3);
void text_puts(struct text *text, const char *string);
void text_write(struct text *text, const char *bytes, size_t size);

/* A string in which each of `special` is written as \ooo, as Linux does for names in tables. */
void text_escape(struct text *text, const char *string, const char *special);

/* Spaces until the text has `size` bytes. */
void text_pad(struct text *text, size_t size);

/*
 * Room to write into directly, at the end: its address, and how much, 1 to *size bytes. text_used says how much was
 * taken.
 *
 * => NULL: no memory
 */
char *text_room(struct text *text, size_t *size);
void text_used(struct text *text, size_t size);

/* Take memory for `pages` frames of text now, so that what follows allocates none. */
void text_reserve(struct text *text, unsigned pages);

/* Copy from io->offset on. => bytes, 0 at the end, -EFAULT */
int64_t text_read(const struct text *text, struct io *io);

#endif
