// SPDX-License-Identifier: MIT
/*
 * printf.c - formatted text, in three steps for each conversion: parse it, make its digits, lay it out.
 *
 * Source      ISO C11, 7.21.6.1.
 */
#include "lib/printf.h"

#include "lib/string.h"

/* Where the text goes; `length` counts on when the buffer is full. */
struct output {
    char *buffer;
    size_t size;
    size_t length;
};

/* One conversion, as written: %[flags][width][.precision][size]letter */
struct conversion {
    bool left;              // -
    bool plus;              // +
    bool space;             // space
    bool zero;              // 0
    bool alternative;       // #
    size_t width;
    bool has_precision;
    size_t precision;
    unsigned bytes;         // of an integer argument
    char letter;
};

static void put(struct output *out, char character)
{
    if (out->length + 1 < out->size)
        out->buffer[out->length] = character;
    out->length++;
}

static void put_text(struct output *out, const char *text, size_t length)
{
    size_t room = out->size > out->length + 1 ? out->size - out->length - 1 : 0;

    if (room > 0)
        memcpy(out->buffer + out->length, text, MIN(length, room));
    out->length += length;
}

static void put_repeated(struct output *out, char character, size_t count)
{
    while (count-- > 0)
        put(out, character);
}

static const char *parse_flags(const char *format, struct conversion *conversion)
{
    for (;; format++) {
        switch (*format) {
        case '-': conversion->left = true; break;
        case '+': conversion->plus = true; break;
        case ' ': conversion->space = true; break;
        case '0': conversion->zero = true; break;
        case '#': conversion->alternative = true; break;
        default: return format;
        }
    }
}

static const char *parse_number(const char *format, size_t *number)
{
    *number = 0;
    for (; *format >= '0' && *format <= '9'; format++)
        *number = *number * 10 + (size_t)(*format - '0');
    return format;
}

static const char *parse_width(const char *format, struct conversion *conversion, va_list *arguments)
{
    int width;

    if (*format != '*')
        return parse_number(format, &conversion->width);
    width = va_arg(*arguments, int);
    conversion->left |= width < 0;
    conversion->width = (size_t)(width < 0 ? -(int64_t)width : width);
    return format + 1;
}

static const char *parse_precision(const char *format, struct conversion *conversion, va_list *arguments)
{
    int precision;

    if (*format != '.')
        return format;
    format++;
    conversion->has_precision = true;
    if (*format != '*')
        return parse_number(format, &conversion->precision);
    precision = va_arg(*arguments, int);
    conversion->has_precision = precision >= 0;
    conversion->precision = (size_t)MAX(precision, 0);
    return format + 1;
}

static const char *parse_size(const char *format, struct conversion *conversion)
{
    conversion->bytes = sizeof(int);
    for (;; format++) {
        switch (*format) {
        case 'h': conversion->bytes /= 2; break;
        case 'l': case 'z': case 'j': case 't': conversion->bytes = 8; break;
        default: return format;
        }
    }
}

static uint64_t take_unsigned(const struct conversion *conversion, va_list *arguments)
{
    if (conversion->letter == 'p')
        return (uintptr_t)va_arg(*arguments, void *);
    if (conversion->bytes == 8)
        return va_arg(*arguments, uint64_t);
    return va_arg(*arguments, unsigned) & (UINT64_MAX >> (64 - 8 * conversion->bytes));
}

static int64_t take_signed(const struct conversion *conversion, va_list *arguments)
{
    uint64_t value = take_unsigned(conversion, arguments);
    unsigned unused_bits = 64 - 8 * conversion->bytes;

    return (int64_t)(value << unused_bits) >> unused_bits;
}

/* Write the digits so that they end before `end`. => where they begin; none for zero */
static char *make_digits(char *end, uint64_t value, unsigned base, char ten)
{
    for (; value != 0; value /= base) {
        unsigned digit = (unsigned)(value % base);

        *--end = (char)(digit < 10 ? '0' + digit : ten + (digit - 10));
    }
    return end;
}

/* What stands before the digits: a sign, or the mark of the base. */
static const char *prefix_of(const struct conversion *conversion, uint64_t value, bool negative)
{
    switch (conversion->letter) {
    case 'd': case 'i':
        return negative ? "-" : conversion->plus ? "+" : conversion->space ? " " : "";
    case 'p':
        return "0x";
    case 'x':
        return conversion->alternative && value != 0 ? "0x" : "";
    case 'X':
        return conversion->alternative && value != 0 ? "0X" : "";
    default:
        return "";
    }
}

static unsigned base_of(char letter)
{
    switch (letter) {
    case 'o': return 8;
    case 'x': case 'X': case 'p': return 16;
    default: return 10;
    }
}

/* prefix, zeros and digits, padded to the width */
static void lay_out_integer(struct output *out, const struct conversion *conversion, uint64_t value, bool negative)
{
    char buffer[24];
    char *end = buffer + sizeof(buffer);
    char *digits = make_digits(end, value, base_of(conversion->letter), conversion->letter == 'X' ? 'A' : 'a');
    size_t count = (size_t)(end - digits);
    size_t wanted = conversion->has_precision ? conversion->precision : 1;
    const char *prefix = prefix_of(conversion, value, negative);
    size_t prefix_length = strlen(prefix), padding, zeros;

    if (conversion->letter == 'o' && conversion->alternative)
        wanted = MAX(wanted, count + 1);
    zeros = wanted > count ? wanted - count : 0;
    padding = prefix_length + zeros + count;
    padding = conversion->width > padding ? conversion->width - padding : 0;
    if (conversion->zero && !conversion->left && !conversion->has_precision) {
        zeros += padding;
        padding = 0;
    }
    if (!conversion->left)
        put_repeated(out, ' ', padding);
    put_text(out, prefix, prefix_length);
    put_repeated(out, '0', zeros);
    put_text(out, digits, count);
    if (conversion->left)
        put_repeated(out, ' ', padding);
}

static void lay_out_text(struct output *out, const struct conversion *conversion, const char *text, size_t length)
{
    size_t padding = conversion->width > length ? conversion->width - length : 0;

    if (!conversion->left)
        put_repeated(out, ' ', padding);
    put_text(out, text, length);
    if (conversion->left)
        put_repeated(out, ' ', padding);
}

static void convert_string(struct output *out, const struct conversion *conversion, const char *text)
{
    if (text == NULL)
        text = "(null)";
    lay_out_text(out, conversion, text,
                 conversion->has_precision ? strnlen(text, conversion->precision) : strlen(text));
}

static void convert(struct output *out, const struct conversion *conversion, va_list *arguments)
{
    int64_t number;
    char character;

    switch (conversion->letter) {
    case 'd': case 'i':
        number = take_signed(conversion, arguments);
        lay_out_integer(out, conversion, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0);
        break;
    case 'u': case 'x': case 'X': case 'o': case 'p':
        lay_out_integer(out, conversion, take_unsigned(conversion, arguments), false);
        break;
    case 's':
        convert_string(out, conversion, va_arg(*arguments, const char *));
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        lay_out_text(out, conversion, &character, 1);
        break;
    default:    // not a conversion: shown as it is
        put(out, '%');
        if (conversion->letter != '%')
            put(out, conversion->letter);
    }
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list original)
{
    struct output out = { .buffer = buffer, .size = size };
    va_list arguments;

    va_copy(arguments, original);   // a va_list parameter may be an array: only a copy has an address to hand on
    while (*format != '\0') {
        struct conversion conversion = { 0 };

        if (*format != '%') {
            put(&out, *format++);
            continue;
        }
        format = parse_flags(format + 1, &conversion);
        format = parse_width(format, &conversion, &arguments);
        format = parse_precision(format, &conversion, &arguments);
        format = parse_size(format, &conversion);
        conversion.letter = *format;
        if (*format == '\0')
            break;
        format++;
        convert(&out, &conversion, &arguments);
    }
    va_end(arguments);
    if (size > 0)
        buffer[MIN(out.length, size - 1)] = '\0';
    return (int)out.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

int scnprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    if (size == 0)
        return 0;
    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return (int)MIN((size_t)length, size - 1);
}
