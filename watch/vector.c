// SPDX-License-Identifier: MIT
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>

static void *check(void *memory)
{
    if (memory)
        return memory;
    fputs("gaur: the viewer has no memory left\n", stderr);
    exit(125);
}

void *vector_alloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size));
}

void *vector_grow(void *elements, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return elements;
    *capacity = *capacity ? 2 * *capacity : 16;
    return check(reallocarray(elements, *capacity, size));
}
