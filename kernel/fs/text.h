// SPDX-License-Identifier: MIT
/*
 * text.h - memory for names and texts of up to PATH_MAX bytes. Private to fs/.
 */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include "lib/types.h"

// `size` bytes, the zero at the end included. NULL: no memory, or more than PATH_MAX.
char *text_alloc(size_t size) __must_check;
void text_free(char *text);

// A copy of `text`. NULL: as above.
char *text_copy(const char *text) __must_check;

#endif
