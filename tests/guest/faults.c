// SPDX-License-Identifier: MIT
/*
 * faults.c - provoke each row of the fault table (docs/mm.md) and see the error-code bits, the cause, the outcome.
 *
 * Each row twice: touched by the program (U=1), and by the kernel for it (U=0; read(2) writes memory, write(2) reads
 * it). One line per row is printed: what was seen, and what the table says. What the kernel does then (a signal with
 * its code and address, or EFAULT) is checked on Linux too; the recorded fault exists on Gaur only.
 *
 * A trial fault at address 0 runs first over the same path: after it, neither the handler's stack nor our data
 * can fault between the touch and the reading of the record.
 */
#include "faults_rows.h"
#include "gaur.h"

#include <signal.h>
#include <stdio.h>
#include <sys/sysinfo.h>

static struct fault_record record;

static const char *end_names[] = {
    [RESOLVED] = "resolved",        [NO_FAULT] = "no_fault",        [MAPERR] = "sigsegv_maperr",
    [ACCERR] = "sigsegv_accerr",    [ADRERR] = "sigbus_adrerr",     [KERNEL_SEGV] = "sigsegv",
    [GP] = "sigsegv",
};

/*
 * The trial leaves address 0 in the record, which tells "no fault at all" apart. Twice: after a fork the first one
 * still faults on what it writes.
 */
static bool trial(void)
{
    for (int i = 0; i < 2; i++) {
        kernel_touch(TOUCH_WRITE, &record);
        kernel_touch(TOUCH_WRITE, NULL);    // fails: errno is written, too
        struct touch t = touch_read(NULL);
        if (t.signo != SIGSEGV || t.code != SEGV_MAPERR)
            return false;
        if (on_gaur() && !(fault_open() && fault_read(&record)))
            return false;
    }
    return !on_gaur() || record.address == 0;
}

/* Did the program get the signal that the row asks for? */
static bool signal_is_right(const struct row *row, const struct touch *t, const volatile unsigned char *address)
{
    bool right_place = t->address == (unsigned long)address;

    switch (row->end) {
    case RESOLVED:
    case NO_FAULT:
        return t->signo == 0;
    case MAPERR:
        return t->signo == SIGSEGV && t->code == SEGV_MAPERR && right_place && t->trap == 14;
    case ACCERR:
        return t->signo == SIGSEGV && t->code == SEGV_ACCERR && right_place && t->trap == 14;
    case ADRERR:
        return t->signo == SIGBUS && t->code == BUS_ADRERR && right_place && t->trap == 14;
    case KERNEL_SEGV:
        return t->signo == SIGSEGV && right_place && t->trap == 14;
    case GP:
        return t->signo == SIGSEGV && t->trap == 13;
    }
    return false;
}

/* The error code that came with the signal is the processor's own: the same literals hold on Linux. */
static bool signal_code_is_right(const struct row *row, const struct touch *t)
{
    if (row->end == RESOLVED || row->end == NO_FAULT || row->end == GP)
        return true;
    unsigned want = row->code | (on_gaur() ? 0 : row->linux_adds);
    return (t->error & ~(unsigned long)row->ignore) == (want & ~row->ignore);
}

static bool record_is_right(const struct row *row, unsigned code, const volatile unsigned char *address)
{
    if (!on_gaur())
        return true;
    if (row->end == NO_FAULT)
        return record.address == 0;
    if (row->end == GP)
        return true;
    char bits[32];
    unsigned seen = record.code;
    snprintf(bits, sizeof bits, "P=%u W=%u U=%u I=%u", seen & 1, seen >> 1 & 1, seen >> 2 & 1, seen >> 4 & 1);
    size_t length = strlen(end_names[row->end]);
    return record.address == (unsigned long)address && (seen & ~row->ignore) == (code & ~row->ignore) &&
           !strcmp(record.bits, bits) && !strcmp(record.cause, row->cause) &&
           !strncmp(record.outcome, end_names[row->end], length);
}

static void tell(const struct row *row, const char *who, unsigned code, const volatile unsigned char *address)
{
    if (on_gaur())
        diag("%s %s: address 0x%lx code 0x%lx %s %s %s; expected 0x%x %s %s", row->name, who, record.address,
             record.code, record.bits, record.cause, record.outcome, code, row->cause, end_names[row->end]);
    else
        diag("%s %s: address %p; expected code 0x%x %s %s", row->name, who, (void *)address, code, row->cause,
             end_names[row->end]);
}

/* A fresh address for this row, with the trial done after all preparations. */
static volatile unsigned char *prepare(const struct row *row, const char *who)
{
    volatile unsigned char *address = row->make();
    if (!address)
        ok(false, "%s_%s # cannot be prepared: %s", row->name, who, strerror(errno));
    else if (!trial())
        ok(false, "%s_%s # the trial fault was not told", row->name, who);
    else
        return address;
    return NULL;
}

static void user_row(const struct row *row)
{
    volatile unsigned char *address = prepare(row, "user");

    if (address) {
        struct touch t = touch(row->kind, address);
        if (on_gaur())
            fault_read(&record);
        tell(row, "user", row->code, address);
        bool good = signal_is_right(row, &t, address) && signal_code_is_right(row, &t);
        if (!good)
            diag("signal %d, code %d, address 0x%lx, error 0x%lx, trap %lu", t.signo, t.code, t.address, t.error,
                 t.trap);
        ok(good && record_is_right(row, row->code, address), "%s_user", row->name);
    }
    if (row->undo)
        row->undo();
}

/* The same with the kernel as the one who touches. It refuses kernel addresses before it touches them: no fault. */
static void kernel_row(const struct row *row)
{
    unsigned code = row->code & ~FAULT_U;
    volatile unsigned char *address = prepare(row, "kernel");

    if (address) {
        int error = kernel_touch(row->kind, address);
        if (on_gaur())
            fault_read(&record);
        bool refused_first = row->end == KERNEL_SEGV || row->end == GP;
        if (refused_first)
            diag("%s kernel: address %p; expected EFAULT before any touch", row->name, (void *)address);
        else
            tell(row, "kernel", code, address);
        bool resolved = row->end == RESOLVED || row->end == NO_FAULT;
        bool good = error == (resolved ? 0 : EFAULT);
        if (!good)
            diag("errno %d, expected %s", error, resolved ? "success" : "EFAULT");
        if (!refused_first)
            good = good && record_is_right(row, code, address);
        ok(good, "%s_kernel", row->name);
    }
    if (row->undo)
        row->undo();
}

/* Else a first fetch from this program's own code may come between a row's touch and the look at the last fault. */
static void touch_all_code(void)
{
    extern const unsigned char __executable_start[], etext[];

    for (const unsigned char *at = __executable_start; at < etext; at += PAGE)
        touch_read((volatile unsigned char *)at);
}

static bool has_swap(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 && info.freeswap > 0;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    touch_all_code();
    rows_stack = __builtin_frame_address(0);
    for (size_t i = 0; i < row_count; i++) {
        if (!strcmp(rows[i].cause, "swapped") && !has_swap()) {
            skip("needs swap", "%s", rows[i].name);
            continue;
        }
        user_row(&rows[i]);
        if (rows[i].kind != TOUCH_FETCH)
            kernel_row(&rows[i]);
    }
    skip("needs several CPUs at one page at once", "resolved_by_another_cpu_meanwhile");
    if (!on_gaur())
        skip("needs Gaur's counters", "each_fault_is_recorded_with_its_bits_cause_and_outcome");
    return tap_done();
}
