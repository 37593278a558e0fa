// SPDX-License-Identifier: MIT
/*
 * unmap_file.h - take pages of a file, or the right to write to them, out of every address space that maps them.
 */
#ifndef MM_UNMAP_FILE_H
#define MM_UNMAP_FILE_H

#include "lib/types.h"

struct page_cache;

/*
 * Unmap pages [first, end) of a file everywhere. `copies`: private copies of them as well, as truncation does; a hole leaves those.
 *
 * => the file's own lock held; no vspace lock; may wait for other CPUs. The next touch finds what the file has then
 */
void file_unmap_pages(struct page_cache *cache, uint64_t first, uint64_t end, bool copies);

/* Write-protect pages [first, end) in every shared mapping, so that the next write is a fault. => no vspace lock; may wait */
void file_protect_pages(struct page_cache *cache, uint64_t first, uint64_t end);

#endif
