// SPDX-License-Identifier: MIT
/*
 * events.c - /proc/gaur/events: what happens in memory, a line for each event, while somebody has the file open.
 *
 *     NUMBER TIME CPU TYPE PID TID ADDRESS IP CODE CAUSE OUTCOME FRAME COST EXTRA
 *
 * NUMBER counts the events of a CPU, TIME and COST are ticks of the time-stamp counter; CODE is PWUI, as far as set, for faults, rwx for rights, and
 * the CPUs that were interrupted, as bits, for a flush. What a type of event does not have is "-"; mm/event.h tells which has what. When
 * events came faster than they were read, a line "lost N" takes the place of N of them.
 *
 * Theory      Who opens the file sees what happens from then on, at a position of its own in each CPU's ring. Of the records that are there the oldest
 *             comes first; one of another CPU that is just being written may come a line too late.
 */
#include "sys/procfs/events.h"

#include <linux/poll.h>

#include "arch/x86/trap.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/event.h"
#include "mm/fault.h"
#include "mm/slab.h"
#include "mm/vregion.h"
#include "sync/mutex.h"
#include "sync/wait.h"

#define LINE_MAX 256

/* Fields: (l) lock */
struct opener {
    struct mutex lock;
    uint64_t next[MAX_CPUS];        // (l) the record of each CPU that is read next
    size_t line_used, line_size;    // (l) bytes of the line that have been read, and that there are
    char line[LINE_MAX];            // (l)
};

static int events_open(struct file *file)
{
    struct opener *opener = slab_zalloc(sizeof *opener);
    int error = opener ? events_start(EVENT_RING_BYTES, cpu_count) : -ENOMEM;

    if (error) {
        slab_free(opener);
        return error;
    }
    mutex_init(&opener->lock, "events file", RANK_FILE_OFFSET);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        opener->next[cpu] = event_next(cpu);
    file->private = opener;
    return 0;
}

static void events_release(struct file *file)
{
    slab_free(file->private);
    events_stop();
}

/* ---- Lines ---- */

static const char *code_text(const struct event *event, char text[8])
{
    unsigned code = event->code;
    char *p = text;

    if (event->type == EVENT_FAULT) {
        static const struct { unsigned bit; char letter; } bits[] = {{PF_P, 'P'}, {PF_W, 'W'}, {PF_U, 'U'}, {PF_I, 'I'}};
        for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
            if (code & bits[i].bit)
                *p++ = bits[i].letter;
    } else if (event->type == EVENT_MAP || event->type == EVENT_PROTECT) {
        *p++ = code & VR_READ ? 'r' : '-';
        *p++ = code & VR_WRITE ? 'w' : '-';
        *p++ = code & VR_EXEC ? 'x' : '-';
    } else if (event->type == EVENT_FLUSH) {
        p += scnprintf(p, 8, "%#x", code);
    }
    if (p == text)
        *p++ = '-';
    *p = '\0';
    return text;
}

static void format_event(struct opener *opener, const struct event *event)
{
    bool fault = event->type == EVENT_FAULT, has_address = fault || (event->type >= EVENT_MAP && event->type <= EVENT_FLUSH);
    char code[8], address[20] = "-", cost[12] = "-";

    if (has_address)
        scnprintf(address, sizeof address, "%#lx", event->address);
    if (fault)
        scnprintf(cost, sizeof cost, "%u", event->cost);
    opener->line_size = (size_t)scnprintf(
        opener->line, LINE_MAX, "%lu %lu %u %s %u %u %s %#lx %s %s %s %u %s %lu\n", event->sequence - 1, event->time, event->cpu,
        event_type_name(event->type), event->pid, event->tid, address, event->ip, code_text(event, code),
        fault ? fault_cause_name(event->cause) : "-", fault ? fault_outcome_name(event->outcome) : "-", event->frame, cost,
        event->extra);
}

/* ---- Positions. => opener->lock held ---- */

/* Go past the records of a CPU that are not there any more. => how many */
static uint64_t skip_lost(struct opener *opener, unsigned cpu)
{
    uint64_t oldest = event_oldest(cpu), lost = oldest > opener->next[cpu] ? oldest - opener->next[cpu] : 0;

    opener->next[cpu] += lost;
    return lost;
}

/* Copy the record that a CPU's position is at, if it is there. `*lost` grows by those that are not any more. */
static bool peek(struct opener *opener, unsigned cpu, struct event *event, uint64_t *lost)
{
    while (opener->next[cpu] < event_next(cpu)) {
        *lost += skip_lost(opener, cpu);
        if (event_read(cpu, opener->next[cpu], event))
            return true;
        if (event_oldest(cpu) == opener->next[cpu]) { // it is being overwritten now
            opener->next[cpu]++;
            ++*lost;
        }
    }
    return false;
}

/* Make the next line. => false: there is no news */
static bool make_line(struct opener *opener)
{
    struct event event, oldest;
    bool found = false;
    uint64_t lost = 0;

    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        if (peek(opener, cpu, &event, &lost) && (!found || event.time < oldest.time)) {
            oldest = event;
            found = true;
        }
    opener->line_used = opener->line_size = 0;
    if (lost) {
        opener->line_size = (size_t)scnprintf(opener->line, LINE_MAX, "lost %lu\n", lost);
        return true;
    }
    if (!found)
        return false;
    opener->next[oldest.cpu]++;
    format_event(opener, &oldest);
    return true;
}

static bool has_news(const struct opener *opener)
{
    bool news = opener->line_used < opener->line_size;

    for (unsigned cpu = 0; cpu < cpu_count && !news; cpu++)
        news = opener->next[cpu] < event_next(cpu);
    return news;
}

/* => bytes copied, or -EFAULT */
static int64_t copy_lines(struct opener *opener, struct io *io)
{
    int64_t total = 0;

    while (io->left && (opener->line_used < opener->line_size || make_line(opener))) {
        size_t wanted = MIN(opener->line_size - opener->line_used, io->left);
        size_t moved = io_copy_out(io, opener->line + opener->line_used, wanted);

        opener->line_used += moved;
        total += (int64_t)moved;
        if (moved < wanted)
            return total ? total : -EFAULT;
    }
    return total;
}

static int64_t events_read(struct file *file, struct io *io)
{
    struct opener *opener = file->private;
    int error;

    while (io->left) {
        mutex_lock(&opener->lock);
        int64_t result = copy_lines(opener, io);
        mutex_unlock(&opener->lock);
        if (result != 0)
            return result;
        error = file_is_nonblocking(file) ? -EAGAIN : wait_event_interruptible(&events_queue, has_news(opener));
        if (error)
            return error;
    }
    return 0;
}

static uint32_t events_poll(struct file *file, struct poll_table *table)
{
    poll_wait(table, &events_queue);
    return has_news(file->private) ? POLLIN | POLLRDNORM : 0;
}

const struct file_ops proc_events_ops = {
    .stream = true,
    .open = events_open,
    .release = events_release,
    .read = events_read,
    .poll = events_poll,
};
