// SPDX-License-Identifier: MIT
/*
 * log.h - the kernel's messages: a ring of records for dmesg, an output as they come, and the last one, panic.
 *
 * lib/ knows no console, clock or lock; whoever has one sets it here at boot. Until then messages are kept in the
 * ring without time, and no lock is needed: there is one CPU, with interrupts off.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>

#include "lib/types.h"

#define LOG_RING_SIZE 8192      // bytes of records kept; the oldest go first
#define LOG_LINE_MAX  400       // bytes of one record's text; the rest is cut

/* Levels as syslog(3) has them, written as a prefix of the format: printk(LOG_WARNING "..."). Without one: 6. */
#define LOG_EMERGENCY "<0>"
#define LOG_ERROR     "<3>"
#define LOG_WARNING   "<4>"
#define LOG_NOTICE    "<5>"
#define LOG_INFO      "<6>"
#define LOG_DEBUG     "<7>"

/*
 * Keep one message, and write it out as "[    0.123456] message\n". A newline at its end is dropped.
 * => in any context, interrupts too; takes the log's lock, the last in rank
 */
void printk(const char *format, ...) __printf_like(1, 2);
void vprintk(const char *format, va_list arguments) __printf_like(1, 0);

/* Keep a message whose text is not a format (a write to /dev/kmsg); "<N>" in front sets its level. */
void log_write(const char *text, size_t size);

struct log_record {
    uint64_t sequence;          // 0 for the first message after boot, then counting
    uint64_t time_ns;           // since boot
    unsigned level;             // 0..7
    unsigned size;              // bytes of text, without newline or 0
};

/*
 * Read the first record whose number is `sequence` or later: its description, and its text cut to `size` bytes.
 * => false when there is none yet; the text is not ended with a 0 byte
 */
bool log_read(uint64_t sequence, struct log_record *record, char *text, size_t size);

/* => numbers of the oldest record kept, and of the one that will come next */
uint64_t log_oldest(void);
uint64_t log_next(void);

/* Set where messages go, from whom the time is (ns since boot), and the lock around both. NULL: none. */
void log_set_output(void (*write)(const char *text, size_t size));
void log_set_clock(uint64_t (*now_ns)(void));
void log_set_lock(uint64_t (*lock)(void), void (*unlock)(uint64_t flags));

/*
 * Say why, with a backtrace, and end the system. The first caller wins; others, and a panic within panic, stop.
 * => from then on the log takes no locks, and log_panicking() is true: lock checkers and drivers look at it
 */
void panic(const char *format, ...) __noreturn __printf_like(1, 2);
bool log_panicking(void);

/*
 * The two hooks of panic: print the callers (symbols are known to arch), and end the machine with the message
 * (told to the launcher by a driver). Without an end panic loops for ever.
 */
void panic_set_backtrace(void (*backtrace)(void));
void panic_set_end(void (*end)(const char *message));

/* Called once, first of all, when a panic begins: stops the other CPUs. */
void panic_set_begin(void (*begin)(void));

/* A condition that must hold, in every build. */
#define ASSERT(condition)                                                               \
    do {                                                                                \
        if (unlikely(!(condition)))                                                     \
            panic_assert(#condition, __FILE__, __LINE__, __func__);                     \
    } while (0)

void panic_assert(const char *condition, const char *file, int line, const char *function) __noreturn __cold;

/* The same in debug builds only; the condition is compiled in every build, so that it cannot rot. */
#ifdef DEBUG
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) do { (void)sizeof(!!(condition)); } while (0)
#endif

/* A message at the first time that this line is reached. */
#define warn_once(...)                                                                  \
    do {                                                                                \
        static bool warned_;                                                            \
        if (!__atomic_exchange_n(&warned_, true, __ATOMIC_RELAXED))                     \
            printk(LOG_WARNING __VA_ARGS__);                                            \
    } while (0)

#endif
