// SPDX-License-Identifier: MIT
#include "fs/text.h"

#include <linux/limits.h>

#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

// From the slab if it fits there, else a frame: the slab never returns a page-aligned address.
char *text_alloc(size_t size)
{
    if (size > PATH_MAX)
        return NULL;
    return size <= SLAB_MAX ? slab_alloc(size) : kalloc();
}

void text_free(char *text)
{
    if (IS_ALIGNED((vaddr_t)text, PAGE_SIZE) && text != NULL)
        kfree(text);
    else
        slab_free(text);
}

char *text_copy(const char *text)
{
    size_t size = strnlen(text, PATH_MAX) + 1;
    char *copy = text_alloc(size);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}
