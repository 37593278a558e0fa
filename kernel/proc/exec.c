// SPDX-License-Identifier: MIT
/*
 * exec.c - another program in the same process.
 *
 * Order    find      the file that really runs: through "#!" lines, then the ELF file, then its interpreter
 *                    (PT_INTERP)
 *          prepare   arguments into frames; a new address space with everything mapped; copies of what
 *                    other processes share
 *          write     the other threads are ended, the new space is loaded, and the stack and the zeroed
 *                    tails are written; if there is no memory for that, the old space is loaded again and
 *                    the call fails
 *          commit    what is left cannot fail: the old program is gone
 */
#include "proc/exec.h"

#include <linux/limits.h>
#include <linux/mount.h>

#include "arch/x86/layout.h"
#include "arch/x86/trap.h"
#include "fs/credentials.h"
#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/inode.h"
#include "fs/kernel_file.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/cred.h"
#include "proc/elf.h"
#include "proc/exec_args.h"
#include "proc/exec_script.h"
#include "proc/exec_stack.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/fs_context.h"
#include "proc/handlers.h"
#include "proc/process.h"

#define HEAD_SIZE 1024                      // bytes read at first: mostly the program headers are among them
#define MOVABLE_BASE 0x555555554000ul       // two thirds of the way up: ELF_ET_DYN_BASE on Linux
#define STACK_AT_FIRST (32 * PAGE_SIZE)     // as Linux: beyond what is in use, before it grows

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
    struct vspace *space;                   // the new one
    struct credentials *credentials;        // the new ones
    struct signal_handlers *handlers;       // a copy, if they were shared
    struct file_table *files;               // likewise
    struct program_ranges ranges;
    bool secure;
    vaddr_t sp;
};

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

/* ---- find ---- */

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
    error = elf_read(exec->interpreter_file, exec->head, size, &exec->interpreter, &why);
    if (error == 0 && !exec->interpreter.movable)
        return explain(exec, -ENOEXEC, "an interpreter that cannot be moved");
    return explain(exec, error, why);
}

static int find(struct exec *exec)
{
    int error = find_program(exec);

    return error != 0 ? error : find_interpreter(exec);
}

/* ---- prepare ---- */

/* The arguments: what "#!" lines say and the script's name instead of the first one, then the caller's. */
static int collect_arguments(struct exec *exec)
{
    const struct exec_request *request = exec->request;
    struct exec_args *args = &exec->args;
    unsigned skip = exec->prefix_count != 0;
    int error = 0;

    for (unsigned i = PREFIX_MAX - exec->prefix_count; error == 0 && i < PREFIX_MAX; i++)
        error = exec_args_add(args, exec->prefix[i]);
    if (error == 0 && skip != 0)
        error = exec_args_add(args, request->path);
    if (error == 0 && request->kernel_argv != NULL)
        error = exec_args_add_kernel(args, request->kernel_argv, skip);
    else if (error == 0)
        error = exec_args_add_user(args, request->argv, skip);
    if (error == 0 && args->count == 0)
        error = exec_args_add(args, ""); // programs take argv[0] for granted; so does Linux
    exec->argc = args->count;
    return error;
}

static int collect_strings(struct exec *exec)
{
    const struct exec_request *request = exec->request;
    struct exec_args *args = &exec->args;
    int error;

    exec_args_init(args, current_process()->limits[RLIMIT_STACK].rlim_cur);
    error = collect_arguments(exec);
    if (error == 0 && request->kernel_envp != NULL)
        error = exec_args_add_kernel(args, request->kernel_envp, 0);
    else if (error == 0)
        error = exec_args_add_user(args, request->envp, 0);
    exec->envc = args->count - exec->argc;
    return error != 0 ? error : exec_args_add(args, request->path);
}

static int map_stack(struct exec *exec)
{
    uint64_t limit = current_process()->limits[RLIMIT_STACK].rlim_cur;
    uint64_t used = exec_stack_size(&exec->args);
    uint64_t size = MAX(used, MIN(used + STACK_AT_FIRST, limit));

    atomic_store_explicit(&exec->space->stack_limit, limit, memory_order_relaxed);
    return vspace_map_stack(exec->space, STACK_TOP, size, exec->program.stack_executable);
}

static int map_program(struct exec *exec)
{
    struct elf_image *program = &exec->program;
    vaddr_t bias = program->movable ? ALIGN_UP(MOVABLE_BASE, program->alignment) - program->low : 0;
    int error = elf_map(exec->space, program, bias);

    if (error == 0)
        vspace_set_brk_start(exec->space, ALIGN_UP(program->high + bias, PAGE_SIZE));
    return error;
}

static int map_interpreter(struct exec *exec)
{
    int64_t bias;

    if (exec->interpreter_file == NULL)
        return 0;
    bias = elf_find_room(exec->space, &exec->interpreter);
    return bias < 0 ? bias : elf_map(exec->space, &exec->interpreter, bias);
}

static int build_space(struct exec *exec)
{
    int error;

    exec->space = vspace_create();
    if (exec->space == NULL)
        return -ENOMEM;
    error = map_stack(exec);
    if (error == 0)
        error = map_program(exec);
    return error != 0 ? error : map_interpreter(exec);
}

/* Own copies of what CLONE_FILES and CLONE_SIGHAND made other processes share. */
static int unshare(struct exec *exec)
{
    struct process *process = current_process();

    if (file_table_is_shared(process->files)) {
        exec->files = file_table_copy(process->files);
        if (exec->files == NULL)
            return -ENOMEM;
    }
    if (atomic_load_explicit(&process->handlers->references, memory_order_relaxed) > 1) {
        exec->handlers = handlers_copy(process->handlers);
        if (exec->handlers == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int prepare(struct exec *exec)
{
    bool ignore_setid = exec->file->path.mount->flags & MS_NOSUID;
    int error = collect_strings(exec);

    if (error == 0)
        error = build_space(exec);
    if (error == 0)
        error = unshare(exec);
    if (error == 0)
        error = credentials_for_exec(file_inode(exec->file), ignore_setid, &exec->credentials, &exec->secure);
    return error;
}

/* ---- write ---- */

/*
 * Exchange the running thread's address space.
 *
 * => it is the only thread; the old one, whose reference is the caller's
 */
static struct vspace *use_space(struct vspace *space)
{
    struct process *process = current_process();
    struct vspace *old;

    spin_lock(&process->lock); // no switch comes between the pointer and what is loaded
    old = process->vspace;
    process->vspace = space;
    vspace_activate(space);
    spin_unlock(&process->lock);
    return old;
}

static int write_memory(struct exec *exec)
{
    struct exec_stack stack = {
        .args = &exec->args,
        .argc = exec->argc,
        .envc = exec->envc,
        .program = &exec->program,
        .interpreter = exec->interpreter_file != NULL ? &exec->interpreter : NULL,
        .credentials = exec->credentials,
        .secure = exec->secure,
        .ranges = &exec->ranges,
    };
    int error = exec_stack_write(&stack);

    if (error == 0)
        error = elf_zero_tails(&exec->program);
    if (error == 0 && exec->interpreter_file != NULL)
        error = elf_zero_tails(&exec->interpreter);
    exec->sp = stack.sp;
    return error != 0 ? -ENOMEM : 0;
}

/* => 0: the new space is in use, and exec->space is the old one */
static int enter_space(struct exec *exec)
{
    struct thread *thread = current_thread();
    struct vspace *old = use_space(exec->space);
    int error = write_memory(exec);

    if (error == 0 && thread->robust_list == 0 && thread->clear_tid == 0) {
        exec->space = old;
        return 0;
    }
    exec->space = use_space(old);
    if (error != 0)
        return error;
    thread_leave_memory();
    exec->space = use_space(exec->space);
    return 0;
}

/* ---- commit ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void commit_ranges(struct exec *exec)
{
    struct elf_extent extent;

    elf_extent(&exec->program, &extent);
    exec->ranges.code_start = extent.code_start;
    exec->ranges.code_end = extent.code_end;
    exec->ranges.data_start = extent.data_start;
    exec->ranges.data_end = extent.data_end;
}

/* What /proc shows, and the files. */
static void commit_process(struct exec *exec)
{
    struct process *process = current_process();
    struct file *executable;
    uint64_t flags;

    commit_ranges(exec);
    process_set_comm(process, base_name(exec->request->path));
    spin_lock(&process->lock);
    executable = process->executable;
    process->executable = exec->file;
    process->ranges = exec->ranges;
    if (exec->files != NULL) {
        struct file_table *shared = process->files;

        process->files = exec->files;
        exec->files = shared;
    }
    spin_unlock(&process->lock);
    exec->file = executable;
    flags = spin_lock_irq(&process_tree);
    process->has_execed = true;
    if (exec->secure)
        process->parent_death_signal = 0;
    process->exit_signal = SIGCHLD;
    spin_unlock_irq(&process_tree, flags);
    file_table_close_exec(process->files);
}

static void commit_signals(struct exec *exec)
{
    struct process *process = current_process();
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    if (exec->handlers != NULL) {
        struct signal_handlers *shared = process->handlers;

        process->handlers = exec->handlers;
        exec->handlers = shared;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    handlers_drop_functions(process->handlers);
}

/* The thread begins anew. */
static void commit_thread(struct exec *exec)
{
    struct thread *thread = current_thread();
    const struct elf_image *first = exec->interpreter_file != NULL ? &exec->interpreter : &exec->program;

    credentials_commit(exec->credentials);
    exec->credentials = NULL;
    thread->altstack_base = thread->altstack_size = thread->altstack_flags = 0;
    thread->restart.again = NULL;
    thread->robust_list = 0;
    thread->clear_tid = 0;
    (void)thread_set_fs_base(0);
    (void)thread_set_gs_base(0);
    thread_fpu_reset();
    trap_frame_init_user(thread->frame, first->entry + first->bias, exec->sp);
}

static void commit(struct exec *exec)
{
    commit_process(exec);
    commit_signals(exec);
    commit_thread(exec);
    process_vfork_release(current_process());
}

/* Give back what is left: after a failure what was prepared, after a success what was replaced. */
static void release(struct exec *exec)
{
    if (exec->space != NULL)
        vspace_put(exec->space);
    if (exec->file != NULL)
        file_put(exec->file);
    if (exec->interpreter_file != NULL)
        file_put(exec->interpreter_file);
    if (exec->files != NULL)
        file_table_put(exec->files);
    if (exec->head != NULL)
        kfree(exec->head);
    if (exec->prefix_frame != NULL)
        kfree(exec->prefix_frame);
    handlers_put(exec->handlers);
    credentials_put(exec->credentials);
    exec_args_release(&exec->args);
    elf_release(&exec->program);
    elf_release(&exec->interpreter);
    slab_free(exec);
}

static int run(struct exec *exec)
{
    int error = find(exec);

    if (error == 0)
        error = prepare(exec);
    if (error == 0)
        error = process_end_other_threads();
    if (error == 0)
        error = enter_space(exec);
    if (error == 0)
        commit(exec);
    return error;
}

int process_exec(const struct exec_request *request)
{
    struct exec *exec = slab_zalloc(sizeof(*exec));
    int error;

    if (exec == NULL)
        return -ENOMEM;
    exec->request = request;
    exec->file = request->file;
    file_get(exec->file);
    exec->head = kalloc();
    error = exec->head != NULL ? run(exec) : -ENOMEM;
    release(exec);
    return error;
}
