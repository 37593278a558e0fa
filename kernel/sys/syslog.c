// SPDX-License-Identifier: MIT
/*
 * syslog.c - the kernel's messages for dmesg: syslog(2).
 *
 * Each record is told as "<6>[    0.123456] text\n". It lies in a small buffer from the slab while it is copied.
 */
#include "sys/syslog.h"

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sync/wait.h"
#include "sys/syscall.h"

enum {
    ACTION_CLOSE,
    ACTION_OPEN,
    ACTION_READ,            // wait for messages and consume them
    ACTION_READ_ALL,
    ACTION_READ_CLEAR,
    ACTION_CLEAR,
    ACTION_CONSOLE_OFF,
    ACTION_CONSOLE_ON,
    ACTION_CONSOLE_LEVEL,
    ACTION_SIZE_UNREAD,
    ACTION_SIZE_BUFFER,
};

#define WAIT_NS 250000000ull        // between two looks for a message that has not come yet

static _Atomic uint64_t cleared;    // records before this one are no longer told
static _Atomic uint64_t consumed;   // records before this one were read by ACTION_READ

size_t syslog_record(uint64_t *sequence, char *text)
{
    struct log_record record;
    char *message = text + SYSLOG_PREFIX_MAX;
    int prefix;

    if (!log_read(*sequence, &record, message, LOG_LINE_MAX))
        return 0;
    *sequence = record.sequence + 1;
    prefix = snprintf(text, SYSLOG_PREFIX_MAX, "<%u>[%5llu.%06llu] ", record.level,
                      (unsigned long long)(record.time_ns / NS_PER_SECOND),
                      (unsigned long long)(record.time_ns % NS_PER_SECOND / 1000));
    memmove(text + prefix, message, record.size);
    text[prefix + record.size] = '\n';
    return prefix + record.size + 1;
}

/* Bytes that all records from `sequence` on make. */
static size_t text_size(uint64_t sequence, char *text)
{
    size_t total = 0, size;

    while ((size = syslog_record(&sequence, text)) != 0)
        total += size;
    return total;
}

/* Move on to the first record from which all that follow fit in `size` bytes. */
static uint64_t first_that_fits(uint64_t sequence, size_t size, char *text)
{
    size_t total = text_size(sequence, text);

    while (total > size)
        total -= syslog_record(&sequence, text);
    return sequence;
}

/* Copy whole records from *sequence on. => bytes copied, or -EFAULT */
static int64_t copy_records(uint64_t *sequence, vaddr_t buffer, size_t size, char *text)
{
    size_t done = 0;

    for (;;) {
        uint64_t next = *sequence;
        size_t length = syslog_record(&next, text);

        if (!length || length > size - done)
            return done;
        if (copy_to_user(buffer + done, text, length))
            return done ? (int64_t)done : -EFAULT;
        done += length;
        *sequence = next;
    }
}

static int64_t read_all(vaddr_t buffer, size_t size, bool clear, char *text)
{
    uint64_t sequence = first_that_fits(cleared, size, text);
    int64_t result = copy_records(&sequence, buffer, size, text);

    if (clear && result >= 0)
        cleared = log_next();
    return result;
}

/* Wait for a message: printk may be called under any lock, so it wakes nobody, and who waits looks now and then. */
static int64_t read_new(vaddr_t buffer, size_t size, char *text)
{
    uint64_t sequence = consumed;
    int64_t result;

    while (sequence >= log_next())
        if (sleep_until(clock_ns() + WAIT_NS))
            return -ERESTARTSYS;
    result = copy_records(&sequence, buffer, size, text);
    consumed = sequence;
    return result;
}

static int64_t with_text(int action, vaddr_t buffer, size_t size)
{
    char *text = slab_alloc(SYSLOG_RECORD_MAX);
    int64_t result;

    if (!text)
        return -ENOMEM;
    if (action == ACTION_SIZE_UNREAD)
        result = text_size(consumed, text);
    else if (action == ACTION_READ)
        result = read_new(buffer, size, text);
    else
        result = read_all(buffer, size, action == ACTION_READ_CLEAR, text);
    slab_free(text);
    return result;
}

static bool is_privileged_action(int action)
{
    return action != ACTION_READ_ALL && action != ACTION_SIZE_BUFFER;
}

SYSCALL3(syslog, int, action, vaddr_t, buffer, int, size)
{
    if (is_privileged_action(action) && !credentials_is_root(current_credentials()))
        return -EPERM;
    switch (action) {
    case ACTION_CLOSE:
    case ACTION_OPEN:
        return 0;
    case ACTION_READ:
    case ACTION_READ_ALL:
    case ACTION_READ_CLEAR:
        if (!buffer || size < 0)
            return -EINVAL;
        return size ? with_text(action, buffer, size) : 0;
    case ACTION_CLEAR:
        cleared = log_next();
        return 0;
    case ACTION_SIZE_UNREAD:
        return with_text(action, 0, 0);
    case ACTION_SIZE_BUFFER:
        return LOG_RING_SIZE;
    default:
        return -EINVAL;
    }
}
