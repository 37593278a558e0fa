// SPDX-License-Identifier: MIT
/* test_log.c - the ring of messages against a list of all that was said; what panic calls, in which order. */
#include "lib/log.c"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The log's own snprintf is tested by test_printf.c; here libc's stands in. */
int scnprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = (vsnprintf)(buffer, size, format, arguments);
    va_end(arguments);
    return (int)MIN((size_t)length, size - 1);
}

static uint64_t now;
static char written[1024];
static char steps[1024];
static jmp_buf after_panic;

static uint64_t test_clock(void)
{
    return now;
}

static void test_write(const char *text, size_t size)
{
    assert_true(size < sizeof(written));
    memcpy(written, text, size);
    written[size] = '\0';
}

static void message_of(int number, char *text, size_t size)
{
    (snprintf)(text, size, "message %d %.*s", number, number % 300,
               "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
               "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
               "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
}

static void ring_keeps_the_newest_and_numbers_them(void **state)
{
    char expected[400], text[400];
    struct log_record record;

    (void)state;
    log_set_clock(test_clock);
    for (int i = 0; i < 3000; i++) {
        uint64_t sequence;

        now = (uint64_t)i * 1000003;
        message_of(i, expected, sizeof(expected));
        printk("%s", expected);
        assert_int_equal(log_next(), i + 1);
        for (sequence = i % 50 == 0 ? 0 : log_oldest(); log_read(sequence, &record, text, sizeof(text)); sequence++) {
            if (sequence < log_oldest())
                sequence = log_oldest();
            assert_int_equal(record.sequence, sequence);
            message_of((int)sequence, expected, sizeof(expected));
            assert_int_equal(record.size, strlen(expected));
            assert_memory_equal(text, expected, record.size);
            assert_int_equal(record.time_ns, sequence * 1000003);
            assert_int_equal(record.level, 6);
        }
        assert_int_equal(sequence, log_next());
    }
    assert_true(log_next() - log_oldest() > LOG_RING_SIZE / 400);
}

static void output_has_time_and_one_newline(void **state)
{
    (void)state;
    log_set_output(test_write);
    now = UINT64_C(12345678901);
    printk("hello %d\n", 42);
    assert_string_equal(written, "[   12.345678] hello 42\n");
    printk(LOG_ERROR "bad");
    assert_string_equal(written, "[   12.345678] bad\n");
}

static void levels_come_from_the_prefix(void **state)
{
    struct log_record record;
    char text[16];

    (void)state;
    printk(LOG_ERROR "bad");
    assert_true(log_read(log_next() - 1, &record, text, sizeof(text)));
    assert_int_equal(record.level, 3);
    assert_int_equal(record.size, 3);
    log_write("<4>100%s sure\n", 14);
    assert_true(log_read(log_next() - 1, &record, text, sizeof(text)));
    assert_int_equal(record.level, 4);
    assert_int_equal(record.size, 10);
    assert_memory_equal(text, "100%s sure", 10);
    log_write("<9>", 3);
    assert_true(log_read(log_next() - 1, &record, text, sizeof(text)));
    assert_int_equal(record.size, 3);
    assert_false(log_read(log_next(), &record, text, sizeof(text)));
}

static void long_messages_are_cut(void **state)
{
    struct log_record record;
    char *text = malloc(5000);

    (void)state;
    memset(text, 'a', 4999);
    text[4999] = '\0';
    printk("%s", text);
    assert_true(log_read(log_next() - 1, &record, text, 5000));
    assert_int_equal(record.size, LOG_LINE_MAX - 1);
    log_write(text, 4000);
    assert_true(log_read(log_next() - 1, &record, text, 5000));
    assert_true(record.size < LOG_LINE_MAX);
    free(text);
}

static void step_begin(void)
{
    strcat(steps, "begin ");
}

static void step_backtrace(void)
{
    strcat(steps, "backtrace ");
    panic("again");
}

static void step_end(const char *message)
{
    strcat(steps, "end: ");
    strcat(steps, message);
    longjmp(after_panic, 1);
}

static void panic_ends_with_the_first_message_even_if_it_fails_itself(void **state)
{
    (void)state;
    panic_set_begin(step_begin);
    panic_set_backtrace(step_backtrace);
    panic_set_end(step_end);
    assert_false(log_panicking());
    if (setjmp(after_panic) == 0)
        panic("out of %s", "grass");
    assert_true(log_panicking());
    assert_string_equal(steps, "begin backtrace end: out of grass");
    assert_non_null(strstr(written, "panic: out of grass"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_keeps_the_newest_and_numbers_them),
        cmocka_unit_test(output_has_time_and_one_newline),
        cmocka_unit_test(levels_come_from_the_prefix),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(panic_ends_with_the_first_message_even_if_it_fails_itself),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
