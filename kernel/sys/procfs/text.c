// SPDX-License-Identifier: MIT
#include "sys/procfs/text.h"

#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/io.h"
#include "mm/kalloc.h"

/* One frame of text. */
struct text_page {
    struct text_page *next;
    size_t used;
    char bytes[PAGE_SIZE - 2 * sizeof(uint64_t)];
};

static_assert(sizeof(struct text_page) == PAGE_SIZE, "a page of text is one frame");
static_assert(TEXT_PIECE_MAX < sizeof(((struct text_page *)0)->bytes), "a piece fits in one page of text");

static void free_chain(struct text_page *page)
{
    while (page) {
        struct text_page *next = page->next;

        kfree(page);
        page = next;
    }
}

void text_clear(struct text *text)
{
    free_chain(text->first);
    free_chain(text->spare);
    *text = (struct text){0};
}

static struct text_page *take_page(struct text *text)
{
    struct text_page *page = text->spare;

    if (page)
        text->spare = page->next;
    else
        page = kalloc();
    return page;
}

/* Begin another page. => NULL: no memory */
static struct text_page *add_page(struct text *text)
{
    struct text_page *page = text->error ? NULL : take_page(text);

    if (!page) {
        text->error = -ENOMEM;
        return NULL;
    }
    page->next = NULL;
    page->used = 0;
    if (text->last)
        text->last->next = page;
    else
        text->first = page;
    text->last = page;
    return page;
}

void text_reserve(struct text *text, unsigned pages)
{
    while (pages--) {
        struct text_page *page = kalloc();

        if (!page) {
            text->error = -ENOMEM;
            return;
        }
        page->next = text->spare;
        text->spare = page;
    }
}

char *text_room(struct text *text, size_t *size)
{
    struct text_page *page = text->last;

    if (!page || page->used == sizeof(page->bytes))
        page = add_page(text);
    if (!page)
        return NULL;
    *size = MIN(*size, sizeof(page->bytes) - page->used);
    return page->bytes + page->used;
}

void text_used(struct text *text, size_t size)
{
    text->last->used += size;
    text->size += size;
}

void text_write(struct text *text, const char *bytes, size_t size)
{
    while (size) {
        size_t part = size;
        char *room = text_room(text, &part);

        if (!room)
            return;
        memcpy(room, bytes, part);
        text_used(text, part);
        bytes += part;
        size -= part;
    }
}

void text_puts(struct text *text, const char *string)
{
    text_write(text, string, strlen(string));
}

/* Into what is left of the last page. => false: it did not fit, nothing was added */
static bool print_here(struct text *text, const char *format, va_list arguments)
{
    size_t size = TEXT_PIECE_MAX;
    char *room = text_room(text, &size);
    int length;

    if (!room)
        return true;
    length = vsnprintf(room, size, format, arguments);
    if ((size_t)length >= size && size < TEXT_PIECE_MAX)
        return false;
    text_used(text, MIN((size_t)length, size - 1));
    return true;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    bool done;

    va_start(arguments, format);
    done = print_here(text, format, arguments);
    va_end(arguments);
    if (done || !add_page(text))
        return;
    va_start(arguments, format);
    print_here(text, format, arguments);
    va_end(arguments);
}

void text_escape(struct text *text, const char *string, const char *special)
{
    for (; *string; string++) {
        if (strchr(special, *string))
            text_printf(text, "\\%03o", (unsigned char)*string);
        else
            text_write(text, string, 1);
    }
}

void text_pad(struct text *text, size_t size)
{
    while (text->size < size && !text->error)
        text_write(text, " ", 1);
}

int64_t text_read(const struct text *text, struct io *io)
{
    uint64_t skip = io->offset;
    int64_t done = 0;

    for (const struct text_page *page = text->first; page && io->left; page = page->next) {
        size_t part, copied;

        if (skip >= page->used) {
            skip -= page->used;
            continue;
        }
        part = MIN(page->used - skip, io->left);
        copied = io_copy_out(io, page->bytes + skip, part);
        done += copied;
        if (copied < part)
            return done ? done : -EFAULT;
        skip = 0;
    }
    return done;
}
