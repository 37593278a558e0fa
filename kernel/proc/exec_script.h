// SPDX-License-Identifier: MIT
/*
 * exec_script.h - files that begin with "#!": the first line names the program that runs them. For exec.
 */
#ifndef PROC_EXEC_SCRIPT_H
#define PROC_EXEC_SCRIPT_H

#include "lib/types.h"

#define SCRIPT_HEAD 256             // bytes that are looked at: BINPRM_BUF_SIZE in <linux/binfmts.h>
#define SCRIPT_DEPTH 5              // interpreters that are scripts themselves

/* What the first line says; the strings lie in the line. */
struct script_line {
    char *interpreter;
    char *argument;                 // or NULL: all that follows the interpreter, as one string
};

/* Whether a file with this head is a script. */
bool script_is(const char *head, size_t size);

/*
 * Take the first line apart, in place.
 *
 * => `head` has SCRIPT_HEAD bytes, zero beyond the file's end; 0, -ENOEXEC
 */
__must_check int script_parse(char head[SCRIPT_HEAD], struct script_line *line);

#endif
