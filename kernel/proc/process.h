// SPDX-License-Identifier: MIT
/*
 * process.h - what threads share: an address space, files, signal handlers, limits, a place in the family.
 *
 * A process lives from fork until its last thread has ended (then it is a zombie: only its number, its
 * relations and its exit status are left) and until its parent has waited for it. The structure itself is
 * counted, so that /proc can look at it while it goes.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include <linux/resource.h>

#include "lib/list.h"
#include "lib/types.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "proc/thread.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

struct credentials;
struct deferred;
struct file_table;
struct file;
struct fs_context;
struct itimers;
struct posix_timers;
struct session;
struct signal_handlers;
struct vspace;

enum process_state {
    PROCESS_ALIVE,
    PROCESS_ZOMBIE,         // waits for wait(2)
    PROCESS_DEAD,           // reaped; the structure goes with its last reference
};

/* Nanoseconds and counts that getrusage(2) and times(2) add up. */
struct process_usage {
    uint64_t user_ns, system_ns;
    uint64_t minor_faults, major_faults;
    uint64_t most_resident;                 // pages, at most, of those that were measured; not a sum
    uint64_t voluntary, involuntary;        // context switches
};

/*
 * Where a program's strings lie in its address space, for /proc/PID/{cmdline,environ}.
 */
struct program_ranges {
    vaddr_t code_start, code_end;
    vaddr_t data_start, data_end;
    vaddr_t stack_start;
    vaddr_t arg_start, arg_end;
    vaddr_t env_start, env_end;
    vaddr_t auxv_start;
    uint32_t auxv_size;
};

/*
 * Fields: (c) constant after creation  (t) process_tree  (s) signal_lock  (p) lock below
 *         (o) only its own threads, while alive  (a) atomic
 */
struct process {
    _Atomic uint32_t references;
    pid_t id;                           // (c) pid->number, also readable after the number is free
    struct pid *pid;                    // (t)

    // the family
    struct process *parent;             // (t) never NULL while alive, but for init; who gets SIGCHLD
    struct list children;               // (t)
    struct list sibling;                // (t)
    struct pid *group;                  // (t)
    struct list in_group;               // (t)
    struct session *session;            // (t)
    struct list threads;                // (t) and (s) to write, either to read; the leader first
    _Atomic uint32_t thread_count;      // (a) likewise
    _Atomic pid_t parent_id;            // (a) to write (t): its number, 0 for init's; getppid needs no lock
    uint8_t state;                      // (t) enum process_state
    bool has_execed;                    // (t) setpgid by the parent is over
    bool subreaper;                     // (t) PR_SET_CHILD_SUBREAPER
    bool left_terminal;                 // (t) has given up the session's terminal, for itself and its children

    // what it has
    struct spinlock lock;               // (p) guards the pointers below against readers from outside
    bool not_dumpable;                  // (a) PR_SET_DUMPABLE
    uint16_t io_priority;               // (a) kept and inherited, as <linux/ioprio.h> has it
    struct vspace *vspace;              // (p) NULL once exiting
    struct file_table *files;           // (p)
    struct fs_context *fs;              // (p)
    struct credentials *credentials;    // (p) the leader's, also after its end
    struct file *executable;            // (p) /proc/PID/exe
    char comm[COMM_SIZE];               // (s) to write: the leader's, also after its end; it never lacks an end
    struct program_ranges ranges;       // (p)
    struct rlimit limits[RLIM_NLIMITS]; // (p)
    _Atomic uint32_t uid;               // (a) the credentials' real user id, for those who cannot take the lock
    _Atomic int16_t oom_score_adj;      // (a) -1000: never, 1000: always first, when memory has run out
    _Atomic int16_t oom_score_adj_least;// (a) what the superuser set last

    // signals
    struct spinlock signal_lock;        // (s)
    int8_t nice;                        // (a) kept and inherited; the scheduler has one class
    _Atomic bool stopped;               // (s) to write: by a stop signal
    _Atomic bool group_exiting;         // (s) to write: every thread is to end, and exit_status is set
    bool stop_cancelled;                // (s) SIGCONT or SIGKILL came while a stop signal was being acted on
    bool stop_waitable;                 // (s) wait(WUNTRACED) has not seen the stop yet
    bool continue_waitable;             // (s) wait(WCONTINUED) has not seen it yet
    bool continue_untold;               // (s) the parent has not been sent SIGCHLD for it yet
    bool unkillable;                    // (s) init: signals without a handler do nothing
    uint8_t stop_signal;                // (s)
    uint8_t exit_signal;                // (c) sent to the parent at the end; 0: none; (t) after reparenting
    uint8_t parent_death_signal;        // (t) PR_SET_PDEATHSIG
    int exit_status;                    // (s) as wait(2) reports it
    uint32_t parked;                    // (s) threads that have stopped
    _Atomic uint32_t cpu_watched;       // (a) CPU_WATCHED_...
    struct signal_queue pending;        // (s) for any thread
    struct signal_handlers *handlers;   // (s) counted; its table has a lock of its own
    struct deferred *signal_garbage;    // (s) entries out of queues, freed by the next who looks
    struct thread *exec_thread;         // (s) the one thread that is to survive, while exec ends the others
    struct itimers *itimers;            // (o) NULL until one is set; then it stays
    struct posix_timers *posix_timers;  // (o) NULL until one is made; gone with exec

    // waiting
    struct wait_queue events;           // a child changed, a vfork child let go, a thread or a stop ended
    struct process *vfork_parent;       // (t) counted: it waits until exec or exit; or NULL

    // accounts
    uint64_t start_ns;                  // (c) since boot
    struct list cpu_watches;            // alarms on its CPU time: proc/cpu_watch.c has the lock
    struct process_usage usage;         // (t) of threads that have ended
    struct process_usage child_usage;   // (t) of children that were waited for
};

/* The running thread's process. => where current_thread() is allowed */
static inline struct process *current_process(void)
{
    return current_thread()->process;
}

struct process *process_get(struct process *process);
void process_put(struct process *process);

/*
 * A process that is not yet in the tree of processes. It has references = 1, no threads, and nothing of
 * the pointers.
 *
 * => NULL when there is no memory
 */
__must_check struct process *process_create(void);

/* The process with this id (zombies too), with a reference, or NULL. */
struct process *process_find(pid_t id);

/* The first process with an id >= `id`, with a reference, or NULL: how /proc lists them. */
struct process *process_find_from(pid_t id);

/* The process that has a thread of this number, with a reference, or NULL. */
struct process *process_find_by_tid(pid_t tid);

/* The first thread of `process` with a number >= `from`, or 0: how /proc/PID/task lists them. */
pid_t process_next_thread(struct process *process, pid_t from);

/*
 * Threads in all, zombies counted as one each, as /proc/loadavg shows them; and forks since boot, for
 * /proc/stat.
 */
uint32_t thread_total(void);
uint64_t process_forks(void);
void process_count_fork(void);

/*
 * The address space of `process` with a reference (vspace_put it), or NULL if it has none (any more).
 */
struct vspace *process_vspace(struct process *process);

/*
 * Likewise: its files (file_table_put), its executable (file_put), its root and directory (fs_context_put).
 */
struct file_table *process_files(struct process *process);
struct file *process_executable(struct process *process);
struct fs_context *process_fs(struct process *process);

/*
 * Have a table of descriptors of its own, for a running process that shared one with another.
 *
 * => 0, -ENOMEM, -EINVAL: several threads may use it just now
 */
__must_check int process_unshare_files(void);

/* What /proc/PID/{stat,status} show of a process and one of its threads, read under the locks in one go. */
struct process_snapshot {
    pid_t id, parent, group, session, foreground_group;
    uint32_t tty_device;            // as stat(2) encodes it; 0: none
    uint32_t threads;
    char state;                     // the thread's: R S D T; Z if it has ended
    bool thread_is_leader;
    bool forked_only;               // has not executed a program since fork
    bool exiting;
    int exit_signal, exit_status;
    int nice;
    uint32_t policy;                // the thread's
    uint32_t cpu;                   // likewise
    uint32_t queued;                // signals with an entry that wait for the thread or the process
    char comm[COMM_SIZE];
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    sigset_t pending, shared_pending, blocked, ignored, caught;
    uint64_t start_ns, thread_start_ns;
    struct process_usage usage, child_usage;    // usage: threads that run are included
    struct process_usage thread_usage;
    struct program_ranges ranges;
    struct rlimit limits[RLIM_NLIMITS];
};

/*
 * Fill `out`. It is large (over 600 bytes): the caller allocates it, never on a stack. tid: the thread, the process's own
 * number for the first one.
 */
void process_snapshot(struct process *process, pid_t tid, struct process_snapshot *out);

/* Add `more` to `sum`. */
void process_usage_add(struct process_usage *sum, const struct process_usage *more);

/* What one thread has used. */
void thread_usage(struct thread *thread, struct process_usage *out);

/* Times of `process`, its running threads included. */
void process_usage(struct process *process, struct process_usage *out);

/* Likewise of the children that were waited for. */
void process_child_usage(struct process *process, struct process_usage *out);

/* The thread of a process with this number. => signal_lock held; NULL: it has ended */
struct thread *process_thread(struct process *process, pid_t tid);

/* Name a thread of the running process. `name` is cut to COMM_SIZE - 1 bytes. => 0, -ESRCH */
int process_name_thread(pid_t tid, const char *name);

/*
 * Everything of proc/ that must exist before the first process: lock, hooks, numbers.
 */
void proc_init(void);

/*
 * Start process 1 from `path` of the root file system with /dev/console as 0, 1 and 2, arguments and
 * environment from the kernel's command line. Panics with one line that says why when it cannot.
 */
void proc_start_init(const char *path);

/*
 * Work before a thread goes back to user mode: end it if its process ends, stop it, deliver signals,
 * restart the system call.
 *
 * => called with interrupts on, from trap.c, when kthread.interrupt is set or tf->rax holds a restart code
 * => may not return
 */
void proc_return_to_user(struct trap_frame *tf);

#endif
