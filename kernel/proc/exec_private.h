// SPDX-License-Identifier: MIT
/*
 * exec_private.h - what the parts of exec share.
 */
#ifndef PROC_EXEC_PRIVATE_H
#define PROC_EXEC_PRIVATE_H

#include "proc/elf.h"
#include "proc/exec_args.h"
#include "proc/exec_layout.h"
#include "proc/exec_script.h"
#include "proc/process.h"

struct credentials;
struct exec_request;

/* What "#!" lines put in front of the arguments, from the end of the frame downwards. */
#define PREFIX_MAX (2 * SCRIPT_DEPTH)

/* One exec under way. */
struct exec {
    const struct exec_request *request;
    struct file *file;                      // what runs; a reference
    struct file *interpreter_file;          // a reference, or NULL
    char *head;                             // a frame: the file's beginning
    char *prefix_frame;                     // a frame, or NULL: strings of `prefix`
    size_t prefix_room;                     // bytes left in it
    const char *prefix[PREFIX_MAX];
    unsigned prefix_count;                  // those in use are the last ones
    struct elf_image program, interpreter;
    struct exec_args args;
    uint64_t argc, envc;
    uint32_t personality;                   // the new one
    struct exec_layout layout;
    vaddr_t vdso;                           // where its image is
    struct vspace *space;                   // the new one
    struct credentials *credentials;        // the new ones
    struct signal_handlers *handlers;       // a copy, if they were shared
    struct file_table *files;               // likewise
    struct program_ranges ranges;
    bool secure;
    vaddr_t sp;
};

/*
 * Find what runs: exec->file, exec->interpreter_file, and what is in them.
 *
 * => exec->file is what the caller named; 0, or what process_exec says
 */
__must_check int exec_find(struct exec *exec);

/*
 * Make the new address space, with all mapped and nothing written.
 *
 * => the strings are collected; 0, -ENOMEM; -EINVAL or the like for a segment that cannot be mapped
 */
__must_check int exec_build_space(struct exec *exec);

#endif
