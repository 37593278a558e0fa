// SPDX-License-Identifier: MIT
/*
 * cpio.h - read an archive in the "new ASCII" format (cpio(5): newc), entry by entry. Private to fs/.
 */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include "lib/types.h"

// One entry. Numbers as in the header; all offsets are in bytes from the archive's start.
struct cpio_entry {
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
    const char *name;               // in the archive, ended by zero
    const char *data;               // in the archive
    uint32_t size;                  // bytes of data
};

struct cpio {
    const char *base;               // aligned to 4
    uint64_t size;                  // bytes
    uint64_t at;                    // the next entry
    const char *problem;            // what is wrong at `at`, after CPIO_CORRUPT
};

enum cpio_result { CPIO_ENTRY, CPIO_TRAILER, CPIO_END, CPIO_CORRUPT };

/*
 * Read the next entry. Archives may follow one another, with zero bytes between entries and between archives.
 *
 * => CPIO_TRAILER ends one archive: hard links do not reach beyond it
 */
enum cpio_result cpio_next(struct cpio *cpio, struct cpio_entry *entry);

#endif
