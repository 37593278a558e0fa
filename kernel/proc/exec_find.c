// SPDX-License-Identifier: MIT
/*
 * exec_find.c - which file really runs: through "#!" lines to an ELF file, and its interpreter (PT_INTERP).
 */
#include "fs/file.h"
#include "fs/kernel_file.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "proc/cred.h"
#include "proc/exec.h"
#include "proc/exec_private.h"
#include "proc/fs_context.h"
#include "proc/process.h"

#define HEAD_SIZE 1024                      // bytes read at first: mostly the program headers are among them

int exec_open(const char *path, struct file **out)
{
    struct fs_context *fs = current_process()->fs;
    struct lookup lookup = {.credentials = current_credentials()};
    int error;

    fs_context_cwd(fs, &lookup.start);
    fs_context_root(fs, &lookup.root);
    error = file_open_exec(&lookup, path, LOOKUP_FOLLOW, out);
    path_put(&lookup.start);
    path_put(&lookup.root);
    return error;
}

/* => the number of bytes read; the rest of SCRIPT_HEAD is zero; -errno */
static int64_t read_head(struct exec *exec)
{
    int64_t got = kernel_read(exec->file, 0, exec->head, HEAD_SIZE);

    if (got >= 0 && got < SCRIPT_HEAD)
        memset(exec->head + got, 0, SCRIPT_HEAD - got);
    return got;
}

/*
 * A string in front of those that are there already.
 *
 * => false: no room (it is checked by the depth, so never)
 */
static bool prefix_push(struct exec *exec, const char *string)
{
    size_t size = strlen(string) + 1;

    if (exec->prefix_count == PREFIX_MAX || size > exec->prefix_room)
        return false;
    exec->prefix_room -= size;
    memcpy(exec->prefix_frame + exec->prefix_room, string, size);
    exec->prefix_count++;
    exec->prefix[PREFIX_MAX - exec->prefix_count] = exec->prefix_frame + exec->prefix_room;
    return true;
}

/* Run the script's interpreter instead. */
static int follow_script(struct exec *exec)
{
    struct script_line line;
    struct file *file;
    int error = script_parse(exec->head, &line);

    if (error != 0)
        return error;
    if (exec->request->path_unreachable)
        return -ENOENT;
    if (exec->prefix_frame == NULL) {
        exec->prefix_frame = kalloc();
        exec->prefix_room = PAGE_SIZE;
    }
    if (exec->prefix_frame == NULL)
        return -ENOMEM;
    if ((line.argument != NULL && !prefix_push(exec, line.argument)) || !prefix_push(exec, line.interpreter))
        return -E2BIG;
    error = exec_open(line.interpreter, &file);
    if (error != 0)
        return error;
    file_put(exec->file);
    exec->file = file;
    return 0;
}

/* What was wrong with a file that looked like a program is worth a line; that a file is no program is not. */
static int explain(const struct exec *exec, int error, const char *why)
{
    if (why != NULL)
        printk(LOG_NOTICE "exec of %s: %s", exec->request->path, why);
    return error;
}

static int find_program(struct exec *exec)
{
    const char *why;
    int64_t size;
    int error;

    for (unsigned depth = 0; (size = read_head(exec)) >= 0 && script_is(exec->head, size); depth++) {
        error = depth == SCRIPT_DEPTH ? -ELOOP : follow_script(exec);
        if (error != 0)
            return error;
    }
    if (size < 0)
        return size;
    error = elf_read(exec->file, exec->head, size, &exec->program, &why);
    return explain(exec, error, why);
}

/* The interpreter's name, into exec->head. => 0, -ENOEXEC, -EIO */
static int read_interpreter_name(struct exec *exec)
{
    uint64_t size = exec->program.interpreter_size;
    int64_t got = kernel_read(exec->file, exec->program.interpreter_offset, exec->head, size);

    if (got < 0)
        return got;
    return (uint64_t)got == size && exec->head[size - 1] == '\0' ? 0 : -ENOEXEC;
}

static int find_interpreter(struct exec *exec)
{
    const char *why;
    int64_t size;
    int error;

    if (exec->program.interpreter_size == 0)
        return 0;
    error = read_interpreter_name(exec);
    if (error != 0)
        return explain(exec, error, "an interpreter's name without an end");
    error = exec_open(exec->head, &exec->interpreter_file);
    if (error != 0) {
        printk(LOG_NOTICE "exec of %s: its interpreter %s cannot be opened: error %d", exec->request->path,
               exec->head, -error);
        return error;
    }
    size = kernel_read(exec->interpreter_file, 0, exec->head, HEAD_SIZE);
    if (size < 0)
        return size;
    if ((size_t)size < sizeof(Elf64_Ehdr))
        return -EIO;
    error = elf_read(exec->interpreter_file, exec->head, size, &exec->interpreter, &why);
    return explain(exec, error == -ENOEXEC ? -ELIBBAD : error, why);
}

int exec_find(struct exec *exec)
{
    int error = find_program(exec);

    return error != 0 ? error : find_interpreter(exec);
}
