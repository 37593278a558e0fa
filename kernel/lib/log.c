// SPDX-License-Identifier: MIT
/*
 * log.c - the ring of messages, and panic.
 *
 * Theory      Positions in the ring count bytes since boot; modulo its size they are places. A record is a header and
 *             its text, and may wrap around. A new record first pushes out as many of the oldest as it needs room.
 *             The reader's place is remembered, so that reading one record after the other takes no search.
 * Locking     Everything static here: the log's lock, which the one who sets it ranks last. Not during panic.
 */
#include "lib/log.h"

#include "lib/printf.h"
#include "lib/string.h"

#define DEFAULT_LEVEL 6
#define PREFIX_MAX    32        // "[18446744073.709551] "

struct header {
    uint64_t time_ns;
    uint16_t size;
    uint8_t level;
};

/* Where a record begins. */
struct place {
    uint64_t sequence;
    uint64_t position;
};

static char ring[LOG_RING_SIZE] __aligned(8);
static struct place oldest, next, reader;
static char line[PREFIX_MAX + LOG_LINE_MAX + 2];

static void (*write_output)(const char *, size_t);
static uint64_t (*now_ns)(void);
static uint64_t (*take_lock)(void);
static void (*give_lock)(uint64_t);

static void (*panic_begin)(void);
static void (*panic_backtrace)(void);
static void (*panic_end)(const char *);
static int panics;                  // atomic
static char panic_message[256];

static_assert((LOG_RING_SIZE & (LOG_RING_SIZE - 1)) == 0, "a place is a position modulo the size");
static_assert(LOG_LINE_MAX + sizeof(struct header) < LOG_RING_SIZE, "each record fits");

static uint64_t lock(void)
{
    return take_lock != NULL && !log_panicking() ? take_lock() : 0;
}

static void unlock(uint64_t flags)
{
    if (give_lock != NULL && !log_panicking())
        give_lock(flags);
}

/* Copy in or out of the ring; what reaches its end goes on at its beginning. */
static void ring_write(uint64_t position, const void *from, size_t size)
{
    size_t at = position % LOG_RING_SIZE, first = MIN(size, LOG_RING_SIZE - at);

    memcpy(ring + at, from, first);
    memcpy(ring, (const char *)from + first, size - first);
}

static void ring_read(uint64_t position, void *to, size_t size)
{
    size_t at = position % LOG_RING_SIZE, first = MIN(size, LOG_RING_SIZE - at);

    memcpy(to, ring + at, first);
    memcpy((char *)to + first, ring, size - first);
}

static struct header header_at(struct place place)
{
    struct header header;

    ring_read(place.position, &header, sizeof(header));
    return header;
}

static struct place after(struct place place, struct header header)
{
    place.sequence++;
    place.position += sizeof(header) + header.size;
    return place;
}

static void append(struct header header, const char *text)
{
    struct place end = after(next, header);

    while (end.position - oldest.position > LOG_RING_SIZE)
        oldest = after(oldest, header_at(oldest));
    ring_write(next.position, &header, sizeof(header));
    ring_write(next.position + sizeof(header), text, header.size);
    next = end;
}

/* Keep the text that stands in `line` behind the prefix, and write both out. */
static void emit_locked(unsigned level, size_t size)
{
    struct header header = { .time_ns = now_ns != NULL ? now_ns() : 0, .level = (uint8_t)level };
    char prefix[PREFIX_MAX];
    size_t length;

    size = MIN(size, (size_t)LOG_LINE_MAX - 1);
    while (size > 0 && line[PREFIX_MAX + size - 1] == '\n')
        size--;
    header.size = (uint16_t)size;
    append(header, line + PREFIX_MAX);
    if (write_output == NULL)
        return;
    length = (size_t)scnprintf(prefix, sizeof(prefix), "[%5lu.%06lu] ", (unsigned long)(header.time_ns / 1000000000),
                               (unsigned long)(header.time_ns % 1000000000 / 1000));
    memcpy(line + PREFIX_MAX - length, prefix, length);
    line[PREFIX_MAX + size] = '\n';
    write_output(line + PREFIX_MAX - length, length + size + 1);
}

/* "<N>" in front, if it is there. => bytes that it takes */
static size_t parse_level(const char *text, size_t size, unsigned *level)
{
    *level = DEFAULT_LEVEL;
    if (size < 3 || text[0] != '<' || text[1] < '0' || text[1] > '7' || text[2] != '>')
        return 0;
    *level = (unsigned)(text[1] - '0');
    return 3;
}

void vprintk(const char *format, va_list arguments)
{
    unsigned level;
    size_t skip = parse_level(format, strnlen(format, 3), &level);
    uint64_t flags = lock();
    int length = vsnprintf(line + PREFIX_MAX, LOG_LINE_MAX, format + skip, arguments);

    emit_locked(level, (size_t)length);
    unlock(flags);
}

void printk(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintk(format, arguments);
    va_end(arguments);
}

void log_write(const char *text, size_t size)
{
    unsigned level;
    size_t skip = parse_level(text, size, &level);
    uint64_t flags = lock();

    memcpy(line + PREFIX_MAX, text + skip, MIN(size - skip, (size_t)LOG_LINE_MAX));
    emit_locked(level, size - skip);
    unlock(flags);
}

/* The place of the first record numbered `sequence` or later that is still there; `next` if there is none. */
static struct place find_locked(uint64_t sequence)
{
    struct place place = oldest;

    if (reader.sequence >= oldest.sequence && reader.sequence <= sequence)
        place = reader;
    while (place.sequence < sequence && place.sequence < next.sequence)
        place = after(place, header_at(place));
    return place;
}

static bool read_locked(uint64_t sequence, struct log_record *record, char *text, size_t size)
{
    struct place place = find_locked(sequence);
    struct header header;

    if (place.sequence == next.sequence)
        return false;
    header = header_at(place);
    *record = (struct log_record){ place.sequence, header.time_ns, header.level, header.size };
    ring_read(place.position + sizeof(header), text, MIN(size, header.size));
    reader = after(place, header);
    return true;
}

bool log_read(uint64_t sequence, struct log_record *record, char *text, size_t size)
{
    uint64_t flags = lock();
    bool found = read_locked(sequence, record, text, size);

    unlock(flags);
    return found;
}

uint64_t log_oldest(void)
{
    uint64_t flags = lock(), sequence = oldest.sequence;

    unlock(flags);
    return sequence;
}

uint64_t log_next(void)
{
    uint64_t flags = lock(), sequence = next.sequence;

    unlock(flags);
    return sequence;
}

void log_set_output(void (*write)(const char *text, size_t size))
{
    write_output = write;
}

void log_set_clock(uint64_t (*clock)(void))
{
    now_ns = clock;
}

void log_set_lock(uint64_t (*lock_function)(void), void (*unlock_function)(uint64_t flags))
{
    take_lock = lock_function;
    give_lock = unlock_function;
}

void panic_set_begin(void (*begin)(void))
{
    panic_begin = begin;
}

void panic_set_backtrace(void (*backtrace)(void))
{
    panic_backtrace = backtrace;
}

void panic_set_end(void (*end)(const char *message))
{
    panic_end = end;
}

bool log_panicking(void)
{
    return __atomic_load_n(&panics, __ATOMIC_RELAXED) != 0;
}

static void __noreturn stop(void)
{
    for (;;)
        __asm__ volatile("pause");
}

/*
 * The n-th panic on the way. The first does all; once it has stopped the other CPUs, a second can only come from its
 * own steps, and still ends the machine with the first one's message.
 */
static void __noreturn run_panic(const char *format, va_list arguments)
{
    static int others_stopped;
    int number = __atomic_add_fetch(&panics, 1, __ATOMIC_SEQ_CST);

    if (number > 1 && !__atomic_load_n(&others_stopped, __ATOMIC_ACQUIRE))
        stop();
    if (number == 1) {
        if (panic_begin != NULL)
            panic_begin();
        __atomic_store_n(&others_stopped, 1, __ATOMIC_RELEASE);
        vsnprintf(panic_message, sizeof(panic_message), format, arguments);
        printk(LOG_EMERGENCY "panic: %s", panic_message);
        if (panic_backtrace != NULL)
            panic_backtrace();
    }
    if (number <= 2 && panic_end != NULL)
        panic_end(panic_message);
    stop();
}

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    run_panic(format, arguments);
}

void panic_assert(const char *condition, const char *file, int line_number, const char *function)
{
    panic("%s:%d: %s: %s is false", file, line_number, function, condition);
}
