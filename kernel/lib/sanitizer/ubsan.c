// SPDX-License-Identifier: MIT
/*
 * ubsan.c - what the undefined-behaviour sanitizer calls (gcc's and clang's -fsanitize=undefined).
 *
 * Theory      The compiler tests before each operation that C leaves undefined, and calls one of these with a description
 *             of the place and of the types. Compiled without recovery: each says what and where, and panics.
 *             The layouts are those of the compilers' runtime (LLVM, compiler-rt/lib/ubsan/ubsan_handlers.h).
 */
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/types.h"

struct source_location {
    const char *file;
    uint32_t line, column;
};

enum type_kind { TYPE_INTEGER = 0 };

struct type_descriptor {
    uint16_t kind;
    uint16_t info; // of an integer: bit 0 says that it is signed, the rest is the logarithm of its bits
    char name[];   // in quotes
};

struct overflow_data {
    struct source_location where;
    const struct type_descriptor *type;
};

struct shift_data {
    struct source_location where;
    const struct type_descriptor *value_type, *amount_type;
};

struct bounds_data {
    struct source_location where;
    const struct type_descriptor *array_type, *index_type;
};

struct pointer_data {
    struct source_location where;
    const struct type_descriptor *type;
    uint8_t alignment_shift;
    uint8_t access; // an index of access_names
};

struct place_data {
    struct source_location where;
};

struct argument_data {
    struct source_location where, attribute;
    int number;
};

struct builtin_data {
    struct source_location where;
    uint8_t kind;
};

struct assumption_data {
    struct source_location where, assumption;
    const struct type_descriptor *type;
};

static const char *const access_names[] = {
    "load from",      "store to",         "reference to",   "member access in", "member call on",    "constructor call on",
    "downcast of",    "downcast of",      "upcast of",      "cast of",          "non-null use of",   "dynamic operation on",
};

/* Room for "-9223372036854775808". */
struct number {
    char text[24];
};

static bool is_signed(const struct type_descriptor *type)
{
    return type->kind == TYPE_INTEGER && (type->info & 1);
}

/* A value as the compiler hands it over: in the word itself, or, of a wider type, behind a pointer. */
static struct number number_of(const struct type_descriptor *type, uint64_t value)
{
    struct number number;
    unsigned bits = 1u << (type->info >> 1);

    if (type->kind != TYPE_INTEGER || bits > 64)
        scnprintf(number.text, sizeof number.text, "?");
    else if (is_signed(type))
        scnprintf(number.text, sizeof number.text, "%ld", (int64_t)(value << (64 - bits)) >> (64 - bits));
    else
        scnprintf(number.text, sizeof number.text, "%lu", value);
    return number;
}

static void __noreturn __printf_like(2, 3) report(const struct source_location *where, const char *format, ...)
{
    char what[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    panic("undefined behaviour at %s:%u: %s", where->file, where->line, what);
}

/* ---- Arithmetic ---- */

static void __noreturn overflow(const struct overflow_data *data, char operator, uint64_t left, uint64_t right)
{
    report(&data->where, "%s overflow: %s %c %s does not fit into %s", is_signed(data->type) ? "signed" : "unsigned",
           number_of(data->type, left).text, operator, number_of(data->type, right).text, data->type->name);
}

void __noreturn __ubsan_handle_add_overflow_abort(const struct overflow_data *data, uint64_t left, uint64_t right)
{
    overflow(data, '+', left, right);
}

void __noreturn __ubsan_handle_sub_overflow_abort(const struct overflow_data *data, uint64_t left, uint64_t right)
{
    overflow(data, '-', left, right);
}

void __noreturn __ubsan_handle_mul_overflow_abort(const struct overflow_data *data, uint64_t left, uint64_t right)
{
    overflow(data, '*', left, right);
}

void __noreturn __ubsan_handle_negate_overflow_abort(const struct overflow_data *data, uint64_t value)
{
    report(&data->where, "signed overflow: -(%s) does not fit into %s", number_of(data->type, value).text, data->type->name);
}

void __noreturn __ubsan_handle_divrem_overflow_abort(const struct overflow_data *data, uint64_t left, uint64_t right)
{
    report(&data->where, "division: %s / %s has no value in %s", number_of(data->type, left).text,
           number_of(data->type, right).text, data->type->name);
}

void __noreturn __ubsan_handle_shift_out_of_bounds_abort(const struct shift_data *data, uint64_t value, uint64_t amount)
{
    report(&data->where, "shift out of bounds: %s by %s in %s", number_of(data->value_type, value).text,
           number_of(data->amount_type, amount).text, data->value_type->name);
}

/* ---- Arrays and pointers ---- */

void __noreturn __ubsan_handle_out_of_bounds_abort(const struct bounds_data *data, uint64_t index)
{
    report(&data->where, "index out of bounds: %s of %s", number_of(data->index_type, index).text, data->array_type->name);
}

void __noreturn __ubsan_handle_type_mismatch_v1_abort(const struct pointer_data *data, uint64_t pointer)
{
    const char *access = data->access < ARRAY_SIZE(access_names) ? access_names[data->access] : "use of";
    uint64_t alignment = UINT64_C(1) << data->alignment_shift;

    if (!pointer)
        report(&data->where, "null pointer: %s type %s", access, data->type->name);
    if (pointer & (alignment - 1))
        report(&data->where, "misaligned pointer: %s %#lx, where type %s wants %lu bytes", access, pointer, data->type->name,
               alignment);
    report(&data->where, "object too small: %s %#lx, where type %s does not fit", access, pointer, data->type->name);
}

void __noreturn __ubsan_handle_pointer_overflow_abort(const struct place_data *data, uint64_t base, uint64_t result)
{
    report(&data->where, "pointer overflow: from %#lx to %#lx", base, result);
}

void __noreturn __ubsan_handle_alignment_assumption_abort(const struct assumption_data *data, uint64_t pointer,
                                                          uint64_t alignment, uint64_t offset)
{
    report(&data->where, "wrong assumption: %#lx less %lu is aligned to %lu", pointer, offset, alignment);
}

void __noreturn __ubsan_handle_vla_bound_not_positive_abort(const struct overflow_data *data, uint64_t bound)
{
    report(&data->where, "array of variable length: %s elements", number_of(data->type, bound).text);
}

/* ---- The rest ---- */

void __noreturn __ubsan_handle_load_invalid_value_abort(const struct overflow_data *data, uint64_t value)
{
    report(&data->where, "invalid value: %s in %s", number_of(data->type, value).text, data->type->name);
}

void __noreturn __ubsan_handle_nonnull_arg_abort(const struct argument_data *data)
{
    report(&data->where, "null pointer: argument %d must not be one", data->number);
}

void __noreturn __ubsan_handle_nonnull_return_v1_abort(const void *attribute, const struct source_location *where)
{
    (void)attribute;
    report(where, "null pointer returned where none may be");
}

void __noreturn __ubsan_handle_invalid_builtin_abort(const struct builtin_data *data)
{
    report(&data->where, "%s of zero", data->kind ? "count of leading zeros" : "count of trailing zeros");
}

void __noreturn __ubsan_handle_builtin_unreachable(const struct place_data *data)
{
    report(&data->where, "a place was reached that cannot be");
}

void __noreturn __ubsan_handle_missing_return(const struct place_data *data)
{
    report(&data->where, "a function ends without the value that it promises");
}
