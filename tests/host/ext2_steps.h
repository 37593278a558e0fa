// SPDX-License-Identifier: MIT
/*
 * ext2_steps.h - random operations, each done to ext2 and to the host's file system (ext2_model.h), which must agree.
 *
 * Names are out of few, in five folders, so that operations meet.
 */
#ifndef HOST_EXT2_STEPS_H
#define HOST_EXT2_STEPS_H

#include <stdbool.h>

/* The folders that names are in, on a fresh disk and in an empty model. */
void make_folders(void);

const char *some_name(void);

/* One operation, or one comparison. `folders_move`: directories may be renamed. */
void step(bool folders_move);
void step_write(const char *name);
void step_symlink(const char *name);

/* All names there may be: what they are, and what is in them. */
void compare_all(void);

#endif
