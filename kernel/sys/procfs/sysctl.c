// SPDX-License-Identifier: MIT
/*
 * sysctl.c - /proc/sys: settings, and facts that programs look for there.
 */
#include <linux/capability.h>
#include <linux/limits.h>

#include "dev/devpts.h"
#include "dev/random.h"
#include "fs/file_table.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "fs/writeback.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/reclaim.h"
#include "mm/vspace.h"
#include "proc/exec_layout.h"
#include "proc/pid.h"
#include "proc/thread_limit.h"
#include "sys/msg.h"
#include "sys/procfs/node.h"
#include "sys/procfs/overcommit.h"
#include "sys/sem.h"
#include "sys/uts.h"

/* A file that tells fixed numbers or a text. */
#define FACT(function, format, ...)                                                                            \
    static int function(const struct proc_inode *inode, struct text *text)                                     \
    {                                                                                                          \
        (void)inode;                                                                                           \
        text_printf(text, format "\n", __VA_ARGS__);                                                           \
        return 0;                                                                                              \
    }

FACT(show_ostype, "%s", UTS_SYSNAME)
FACT(show_osrelease, "%s", UTS_RELEASE)
FACT(show_version_name, "%s", UTS_VERSION)
FACT(show_pid_max, "%d", PID_MAX)
FACT(show_threads_max, "%u", thread_limit())
FACT(show_ngroups_max, "%d", NGROUPS_MAX)
FACT(show_cap_last_cap, "%d", CAP_LAST_CAP)
FACT(show_tainted, "%d", 0)
FACT(show_swappiness, "%d", 0)
FACT(show_min_addr, "%lu", (unsigned long)USER_MIN)
FACT(show_pipe_max, "%u", PIPE_CAPACITY)
FACT(show_nr_open, "%d", FILE_TABLE_MAX)
FACT(show_sem, "%d\t%d\t%d\t%d", SEMMSL, SEMMNS, SEMOPM, SEMMNI)
FACT(show_msgmax, "%d", MSGMAX)
FACT(show_msgmnb, "%d", MSGMNB)
FACT(show_msgmni, "%d", MSGMNI)
FACT(show_pty_max, "%u", devpts_limit())
FACT(show_pty_nr, "%u", devpts_count())

/* A whole number in decimal. => 0, -EINVAL */
static int parse_int(const char *value, int *out)
{
    bool negative = *value == '-';
    int64_t number = 0;

    value += negative;
    if (!*value)
        return -EINVAL;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || number > INT32_MAX)
            return -EINVAL;
        number = number * 10 + (*value - '0');
    }
    number = negative ? -number : number;
    if (number > INT32_MAX || number < INT32_MIN)
        return -EINVAL;
    *out = number;
    return 0;
}

static int show_randomize(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%d\n", exec_layout_randomize());
    return 0;
}

static int store_randomize(const struct proc_inode *inode, const char *value)
{
    int how, error = parse_int(value, &how);

    (void)inode;
    if (!error)
        exec_layout_set_randomize(how);
    return error;
}

static int store_threads_max(const struct proc_inode *inode, const char *value)
{
    int most, error = parse_int(value, &most);

    (void)inode;
    if (!error && (most < 1 || most > THREAD_LIMIT_MOST))
        error = -EINVAL;
    if (!error)
        thread_limit_set((uint32_t)most);
    return error;
}

static int show_dirty_expire(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%d\n", writeback_expire());
    return 0;
}

static int show_dirty_writeback(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%d\n", writeback_interval());
    return 0;
}

/* Hundredths of a second. */
static int store_centiseconds(const char *value, void (*set)(int centiseconds))
{
    int number, error = parse_int(value, &number);

    if (!error && number < 0)
        error = -EINVAL;
    if (!error)
        set(number);
    return error;
}

static int store_dirty_expire(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    return store_centiseconds(value, writeback_set_expire);
}

static int store_dirty_writeback(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    return store_centiseconds(value, writeback_set_interval);
}

static int show_hostname(const struct proc_inode *inode, struct text *text)
{
    char name[__NEW_UTS_LEN + 1];

    (void)inode;
    uts_hostname(name);
    text_printf(text, "%s\n", name);
    return 0;
}

static int store_hostname(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    return uts_set_hostname(value, MIN(strlen(value), (size_t)__NEW_UTS_LEN));
}

static int show_domainname(const struct proc_inode *inode, struct text *text)
{
    char name[__NEW_UTS_LEN + 1];

    (void)inode;
    uts_domainname(name);
    text_printf(text, "%s\n", name);
    return 0;
}

static int store_domainname(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    return uts_set_domainname(value, MIN(strlen(value), (size_t)__NEW_UTS_LEN));
}

/* A random UUID, version 4 (RFC 4122), as text. */
static void put_uuid(struct text *text, const uint8_t b[16])
{
    for (int i = 0; i < 16; i++)
        text_printf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    text_puts(text, "\n");
}

static void make_uuid(uint8_t bytes[16])
{
    random_bytes(bytes, 16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
}

static int show_uuid(const struct proc_inode *inode, struct text *text)
{
    uint8_t bytes[16];

    (void)inode;
    make_uuid(bytes);
    put_uuid(text, bytes);
    return 0;
}

FACT(show_entropy, "%d", 256)

/* ---- drop_caches: the last value written, and giving back what is kept for the next user ---- */

static _Atomic int dropped;

static int show_drop_caches(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%d\n", dropped);
    return 0;
}

static int store_drop_caches(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    if (value[0] < '1' || value[0] > '4' || value[1])
        return -EINVAL;
    dropped = value[0] - '0';
    vfs_sync();
    reclaim_all();
    return 0;
}

static const struct proc_node random_nodes[] = {
    PROC_FACT("entropy_avail", show_entropy),
    PROC_FACT("uuid", show_uuid),
    {0},
};

static int store_pty_max(const struct proc_inode *inode, const char *value)
{
    int limit, error = parse_int(value, &limit);

    (void)inode;
    return error ? error : devpts_set_limit(limit);
}

static const struct proc_node pty_nodes[] = {
    PROC_SETTING("max", show_pty_max, store_pty_max),
    PROC_FACT("nr", show_pty_nr),
    {0},
};

static const struct proc_node kernel_nodes[] = {
    PROC_FACT("cap_last_cap", show_cap_last_cap),
    PROC_SETTING("domainname", show_domainname, store_domainname),
    PROC_SETTING("hostname", show_hostname, store_hostname),
    PROC_FACT("ngroups_max", show_ngroups_max),
    PROC_FACT("osrelease", show_osrelease),
    PROC_FACT("ostype", show_ostype),
    PROC_FACT("msgmax", show_msgmax),
    PROC_FACT("msgmnb", show_msgmnb),
    PROC_FACT("msgmni", show_msgmni),
    PROC_FACT("pid_max", show_pid_max),
    PROC_DIRECTORY("pty", pty_nodes),
    PROC_DIRECTORY("random", random_nodes),
    PROC_SETTING("randomize_va_space", show_randomize, store_randomize),
    PROC_FACT("sem", show_sem),
    PROC_FACT("tainted", show_tainted),
    PROC_SETTING("threads-max", show_threads_max, store_threads_max),
    PROC_FACT("version", show_version_name),
    {0},
};

static const struct proc_node vm_nodes[] = {
    PROC_SETTING("dirty_expire_centisecs", show_dirty_expire, store_dirty_expire),
    PROC_SETTING("dirty_writeback_centisecs", show_dirty_writeback, store_dirty_writeback),
    {.name = "drop_caches", .mode = S_IFREG | 0200, .show = show_drop_caches, .store = store_drop_caches},
    PROC_FACT("mmap_min_addr", show_min_addr),
    PROC_SETTING("overcommit_kbytes", show_overcommit_kbytes, store_overcommit_kbytes),
    PROC_SETTING("overcommit_memory", show_overcommit_memory, store_overcommit_memory),
    PROC_SETTING("overcommit_ratio", show_overcommit_ratio, store_overcommit_ratio),
    PROC_FACT("swappiness", show_swappiness),
    {0},
};

static const struct proc_node fs_nodes[] = {
    PROC_FACT("nr_open", show_nr_open),
    PROC_FACT("pipe-max-size", show_pipe_max),
    {0},
};

const struct proc_node proc_sys_nodes[] = {
    PROC_DIRECTORY("fs", fs_nodes),
    PROC_DIRECTORY("kernel", kernel_nodes),
    PROC_DIRECTORY("vm", vm_nodes),
    {0},
};
