// SPDX-License-Identifier: MIT
#include "names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "vector.h"

static void *names; // of search.h's tsearch

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *names_keep(const char *text)
{
    char **found = tfind(text, &names, compare);

    if (found)
        return *found;
    size_t size = strlen(text) + 1;
    char *copy = vector_alloc(size, 1);
    memcpy(copy, text, size);
    tsearch(copy, &names, compare);
    return copy;
}
