// SPDX-License-Identifier: MIT
/*
 * vector.h - arrays that grow. The end of memory on the host ends the program.
 */
#ifndef WATCH_VECTOR_H
#define WATCH_VECTOR_H

#include <stddef.h>

/* Room for `count` elements of `size` bytes each, zeroed. */
void *vector_alloc(size_t count, size_t size);

/* Room for one more element behind `count` of them. */
void *vector_grow(void *elements, size_t count, size_t *capacity, size_t size);

/* Add an element to a struct that has `array`, `count` and `capacity` of such names. */
#define vector_add(vector, element)                                                                             \
    do {                                                                                                        \
        (vector)->array = vector_grow((vector)->array, (vector)->count, &(vector)->capacity, sizeof *(vector)->array); \
        (vector)->array[(vector)->count++] = (element);                                                         \
    } while (0)

#endif
