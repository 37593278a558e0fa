// SPDX-License-Identifier: MIT
/*
 * user_path.h - the name of a file, as a program gives it, and the place from which it is looked up.
 */
#ifndef SYS_USER_PATH_H
#define SYS_USER_PATH_H

#include "fs/vfs.h"
#include "lib/types.h"

/*
 * A name ready for the vfs. It fits in 48 bytes of a stack; the name itself is in a frame of its own.
 */
struct user_path {
    struct lookup lookup;       // start and root hold references
    char *name;
};

enum {
    USER_PATH_EMPTY = 1,        // "" is allowed: it names what dirfd names (AT_EMPTY_PATH)
    USER_PATH_SCOPED = 2,       // the root is what dirfd names
};

/*
 * Read the name at user address `name`, to be looked up from `dirfd` (or AT_FDCWD) if it is relative.
 *
 * => 0: user_path_end it; -EFAULT, -ENAMETOOLONG, -ENOENT (empty), -EBADF, -ENOMEM: nothing to end
 */
__must_check int user_path_begin(struct user_path *path, int dirfd, vaddr_t name, unsigned flags);
void user_path_end(struct user_path *path);

/*
 * The same, looked up at once. `lookup_flags`: LOOKUP_* of fs/vfs.h; LOOKUP_EMPTY implies USER_PATH_EMPTY.
 *
 * => 0 and references in *out; -errno
 */
__must_check int user_path_lookup(int dirfd, vaddr_t name, unsigned lookup_flags, struct path *out);

/* Read a string of at most PAGE_SIZE bytes, its end included, into a frame: kfree it. => 0, -errno as above */
__must_check int user_string(vaddr_t address, char **out);

#endif
