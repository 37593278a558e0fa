// SPDX-License-Identifier: MIT
/*
 * futex.c - futex(2) operation by operation: who is woken, who is moved, what is refused; and robust lists.
 *
 * Waiters are processes that share a page. They are known to wait when /proc says that they sleep.
 */
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* <linux/futex.h>, which musl does not come with. */
enum {
    FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET,
    FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
};
enum { FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR, FUTEX_OP_OPARG_SHIFT = 8 };
enum {
    FUTEX_OP_CMP_EQ, FUTEX_OP_CMP_NE, FUTEX_OP_CMP_LT, FUTEX_OP_CMP_LE, FUTEX_OP_CMP_GT, FUTEX_OP_CMP_GE,
};
#define FUTEX_OP(op, operand, comparison, compared) \
    ((op) << 28 | (comparison) << 24 | ((operand) & 0xfff) << 12 | ((compared) & 0xfff))
#define FUTEX_BITSET_MATCH_ANY 0xffffffffU
#define FUTEX_WAITERS 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U

struct robust_list {
    struct robust_list *next;
};

struct robust_list_head {
    struct robust_list list;
    long futex_offset;
    struct robust_list *list_op_pending;
};

#define WAITERS 6
#define ANY FUTEX_BITSET_MATCH_ANY

static uint32_t *words; // shared

static long futex(uint32_t *word, int operation, uint32_t value, const void *timeout, uint32_t *word2, uint32_t value3)
{
    return syscall(SYS_futex, word, operation, value, timeout, word2, value3);
}

static struct waiting {
    uint32_t *word;
    uint32_t bits;
} waiting;

static bool wait_child(void)
{
    return futex(waiting.word, FUTEX_WAIT_BITSET, 0, NULL, NULL, waiting.bits) == 0;
}

/* Children that sleep on a word. */
static bool start_waiters(pid_t *pids, int count, uint32_t *word, uint32_t bits)
{
    waiting = (struct waiting){word, bits};
    for (int i = 0; i < count; i++) {
        pids[i] = child_start(wait_child);
        if (!child_in_state(pids[i], 'S'))
            return false;
    }
    return true;
}

static bool all_ended_well(pid_t *pids, int count)
{
    bool good = true;

    for (int i = 0; i < count; i++)
        good &= exited_with(child_wait(pids[i]), 0);
    return good;
}

static bool wait_returns_at_once_if_the_word_differs(void)
{
    words[0] = 5;
    CHECK_FAILS(futex(words, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
    CHECK_FAILS(futex(words, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 4, NULL, NULL, 0), EAGAIN);
    CHECK_FAILS(futex(words, FUTEX_WAIT_BITSET, 4, NULL, NULL, 1), EAGAIN);
    words[0] = 0;
    return true;
}

static bool waits_end_at_their_time(void)
{
    struct timespec length = {0, 20000000}, start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    CHECK_FAILS(futex(words, FUTEX_WAIT, 0, &length, NULL, 0), ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec >= 20000000);
    CHECK_FAILS(futex(words, FUTEX_WAIT_BITSET, 0, &start, NULL, ANY), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK_FAILS(futex(words, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &now, NULL, ANY), ETIMEDOUT);
    length.tv_nsec = 1000000000;
    CHECK_FAILS(futex(words, FUTEX_WAIT, 0, &length, NULL, 0), EINVAL);
    length = (struct timespec){-1, 0};
    CHECK_FAILS(futex(words, FUTEX_WAIT, 0, &length, NULL, 0), EINVAL);
    return true;
}

static bool wake_wakes_as_many_as_asked(void)
{
    pid_t pids[WAITERS];

    CHECK(start_waiters(pids, WAITERS, words, ANY));
    CHECK_EQ(futex(words, FUTEX_WAKE, 2, NULL, NULL, 0), 2);
    CHECK_EQ(futex(words, FUTEX_WAKE, 0, NULL, NULL, 0), 1); // so it is: none cannot be asked for
    CHECK_EQ(futex(words + 1, FUTEX_WAKE, 9, NULL, NULL, 0), 0);
    CHECK_EQ(futex(words, FUTEX_WAKE, 0x7fffffff, NULL, NULL, 0), WAITERS - 3);
    CHECK_EQ(futex(words, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    CHECK(all_ended_well(pids, WAITERS));
    return true;
}

static bool bits_choose_who_is_woken(void)
{
    pid_t pids[WAITERS];

    CHECK(start_waiters(pids, 2, words, 1));
    CHECK(start_waiters(pids + 2, 2, words, 6));
    CHECK_EQ(futex(words, FUTEX_WAKE_BITSET, 9, NULL, NULL, 8), 0);
    CHECK_EQ(futex(words, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4), 2);
    CHECK(all_ended_well(pids + 2, 2));
    CHECK_EQ(futex(words, FUTEX_WAKE_BITSET, 9, NULL, NULL, ANY), 2);
    CHECK(all_ended_well(pids, 2));
    CHECK_FAILS(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    CHECK_FAILS(futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    return true;
}

static bool requeue_moves_waiters(void)
{
    pid_t pids[WAITERS];

    CHECK(start_waiters(pids, WAITERS, words, ANY));
    CHECK_FAILS(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)9, words + 4, 7), EAGAIN);
    CHECK_EQ(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)3, words + 4, 0), 4);
    CHECK_EQ(futex(words, FUTEX_WAKE, 99, NULL, NULL, 0), 2);
    CHECK_EQ(futex(words + 4, FUTEX_REQUEUE, 1, (void *)1, words + 2000 / 4, 0), 2);
    CHECK_EQ(futex(words + 4, FUTEX_WAKE, 99, NULL, NULL, 0), 1);
    CHECK_EQ(futex(words + 2000 / 4, FUTEX_WAKE, 99, NULL, NULL, 0), 1);
    CHECK(all_ended_well(pids, WAITERS));
    CHECK_EQ(futex(words, FUTEX_REQUEUE, 5, (void *)5, words + 4, 0), 0);
    CHECK_FAILS(futex(words, FUTEX_REQUEUE, -1, (void *)1, words + 4, 0), EINVAL);
    CHECK_FAILS(futex(words, FUTEX_REQUEUE, 1, (void *)-1, words + 4, 0), EINVAL);
    return true;
}

static bool operation_is(unsigned op, int operand, unsigned before, unsigned after)
{
    words[8] = before;
    return futex(words, FUTEX_WAKE_OP, 1, (void *)1, words + 8, (uint32_t)FUTEX_OP(op, operand, FUTEX_OP_CMP_EQ, 0)) == 0 &&
           words[8] == after;
}

static bool wake_op_changes_the_second_word(void)
{
    CHECK(operation_is(FUTEX_OP_SET, 7, 3, 7));
    CHECK(operation_is(FUTEX_OP_SET, -1, 3, -1U));
    CHECK(operation_is(FUTEX_OP_ADD, 7, 3, 10));
    CHECK(operation_is(FUTEX_OP_ADD, -4, 3, -1U));
    CHECK(operation_is(FUTEX_OP_OR, 6, 3, 7));
    CHECK(operation_is(FUTEX_OP_ANDN, 1, 3, 2));
    CHECK(operation_is(FUTEX_OP_XOR, 1, 3, 2));
    CHECK(operation_is(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 5, 1, 33));
    CHECK_FAILS(futex(words, FUTEX_WAKE_OP, 1, (void *)1, words + 8, FUTEX_OP(5U, 0, 0, 0)), ENOSYS);
    CHECK_FAILS(futex(words, FUTEX_WAKE_OP, 1, (void *)1, words + 8, FUTEX_OP(0, 0, 9, 0)), ENOSYS);
    return true;
}

/* How many are woken, of one waiter at either word, when the second was 5. */
static long woken_if(unsigned comparison, int compared)
{
    pid_t pids[2];

    words[8] = 0;
    if (!start_waiters(pids, 1, words, ANY) || !start_waiters(pids + 1, 1, words + 8, ANY))
        return -1;
    words[8] = 5;
    long woken = futex(words, FUTEX_WAKE_OP, 9, (void *)9, words + 8, (uint32_t)FUTEX_OP(FUTEX_OP_SET, 0, comparison, compared));
    futex(words + 8, FUTEX_WAKE, 9, NULL, NULL, 0);
    return all_ended_well(pids, 2) ? woken : -1;
}

static bool wake_op_wakes_the_second_if_it_compares(void)
{
    CHECK_EQ(woken_if(FUTEX_OP_CMP_EQ, 5), 2);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_EQ, 4), 1);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_NE, 5), 1);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_LT, 6), 2);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_LE, 5), 2);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_GT, -1), 2);
    CHECK_EQ(woken_if(FUTEX_OP_CMP_GE, 6), 1);
    return true;
}

static bool addresses_are_checked(void)
{
    uint32_t *odd = (uint32_t *)((char *)words + 2), *kernel = (uint32_t *)0xffff800000000000, *nothing = (uint32_t *)4096;

    CHECK_FAILS(futex(odd, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    CHECK_FAILS(futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    CHECK_FAILS(futex(words, FUTEX_REQUEUE, 1, (void *)1, odd, 0), EINVAL);
    CHECK_FAILS(futex(words, FUTEX_WAKE_OP, 1, (void *)1, odd, 0), EINVAL);
    CHECK_FAILS(futex(kernel, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    CHECK_FAILS(futex(kernel, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_FAILS(futex(nothing, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    CHECK_FAILS(futex(nothing, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), EFAULT);
    CHECK_FAILS(futex(nothing, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_EQ(futex(nothing, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), 0);
    CHECK_FAILS(futex(nothing, FUTEX_WAKE_OP, 1, (void *)1, words, 0), EFAULT);
    CHECK_FAILS(futex(words, FUTEX_WAIT, 0, (void *)8, NULL, 0), EFAULT);
    return true;
}

static bool unknown_operations_are_refused(void)
{
    CHECK_FAILS(futex(words, 2, 0, NULL, NULL, 0), ENOSYS);
    CHECK_FAILS(futex(words, 99, 0, NULL, NULL, 0), ENOSYS);
    CHECK_FAILS(futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
    CHECK_FAILS(futex(words, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
    return true;
}

static void handler(int number)
{
    (void)number;
}

static bool interrupted_child(void)
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(SIGUSR1, &action, NULL);
    baton_pass((struct baton *)(words + 512));
    return futex(words, FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno == EINTR;
}

static bool signals_interrupt_a_wait(void)
{
    struct baton *baton = (struct baton *)(words + 512);

    CHECK(baton_make(baton));
    pid_t pid = child_start(interrupted_child);
    CHECK(baton_wait(baton));
    CHECK(child_in_state(pid, 'S'));
    CHECK(child_signal(pid, SIGUSR1));
    CHECK(exited_with(child_wait(pid), 0));
    baton_drop(baton);
    return true;
}

/* A private futex is another one in each process, whatever the memory. */
static bool private_waits_are_the_process_own(void)
{
    pid_t pids[1];

    CHECK(start_waiters(pids, 1, words, ANY));
    CHECK_EQ(futex(words, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0), 0);
    CHECK_EQ(futex(words, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    CHECK(all_ended_well(pids, 1));
    return true;
}

/* The same page of a file at another address is the same futex. */
static bool shared_waits_meet_at_any_address(void)
{
    uint32_t *first, *second;
    pid_t pids[1];
    int fd;

    CHECK(scratch_enter());
    CHECK(file_put("file", words, PAGE, 0600));
    fd = open("file", 2);
    first = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    second = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(first != MAP_FAILED && second != MAP_FAILED && first != second);
    first[3] = 0;
    CHECK(start_waiters(pids, 1, first + 3, ANY));
    CHECK_EQ(futex(second + 3, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    CHECK(all_ended_well(pids, 1));
    close(fd);
    return true;
}

/* ---- Robust lists ---- */

static struct robust_list_head list;
static struct robust_list *node; // in the shared page, its lock 8 bytes behind it

static void hold_lock(uint32_t value)
{
    node->next = &list.list;
    list.list.next = node;
    list.futex_offset = 8;
    words[66] = value;
    syscall(SYS_set_robust_list, &list, sizeof list);
}

static bool die_with_lock(void)
{
    hold_lock((uint32_t)getpid() | FUTEX_WAITERS);
    return true;
}

static bool die_with_somebody_elses_lock(void)
{
    hold_lock((uint32_t)getppid());
    return true;
}

static bool die_while_unlocking(void)
{
    hold_lock(0);
    list.list.next = &list.list;
    list.list_op_pending = node;
    return true;
}

static bool die_with_a_ring(void)
{
    hold_lock((uint32_t)getpid());
    node->next = node;
    return true;
}

static bool die_with_a_bad_list(void)
{
    hold_lock((uint32_t)getpid());
    list.list.next = (struct robust_list *)0xffff800000000000;
    return true;
}

static bool held_lock_is_marked_and_a_waiter_woken(void)
{
    pid_t waiter;

    node = (struct robust_list *)(words + 64);
    words[66] = 0;
    CHECK(start_waiters(&waiter, 1, words + 66, ANY));
    CHECK_CHILD(die_with_lock);
    CHECK(all_ended_well(&waiter, 1));
    CHECK_EQ(words[66], FUTEX_OWNER_DIED | FUTEX_WAITERS);
    return true;
}

static bool killed_owner_is_no_different(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        hold_lock((uint32_t)getpid());
        kill(getpid(), SIGKILL);
    }
    CHECK(killed_by(child_wait(pid), SIGKILL));
    CHECK_EQ(words[66], FUTEX_OWNER_DIED);
    return true;
}

static bool others_locks_stay(void)
{
    CHECK_CHILD(die_with_somebody_elses_lock);
    CHECK_EQ(words[66], getpid());
    return true;
}

static bool lock_that_was_just_given_up_wakes_the_next(void)
{
    pid_t waiter;

    words[66] = 0;
    CHECK(start_waiters(&waiter, 1, words + 66, ANY));
    CHECK_CHILD(die_while_unlocking);
    CHECK(all_ended_well(&waiter, 1));
    CHECK_EQ(words[66], 0);
    return true;
}

static bool broken_lists_do_no_harm(void)
{
    CHECK_CHILD(die_with_a_ring);
    CHECK_EQ(words[66], FUTEX_OWNER_DIED);
    CHECK_CHILD(die_with_a_bad_list);
    CHECK_FAILS(syscall(SYS_set_robust_list, &list, 23), EINVAL);
    return true;
}

int main(void)
{
    words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED)
        return tap_done();
    TEST(wait_returns_at_once_if_the_word_differs);
    TEST(waits_end_at_their_time);
    TEST(wake_wakes_as_many_as_asked);
    TEST(bits_choose_who_is_woken);
    TEST(requeue_moves_waiters);
    TEST(wake_op_changes_the_second_word);
    TEST(wake_op_wakes_the_second_if_it_compares);
    TEST(addresses_are_checked);
    TEST(unknown_operations_are_refused);
    TEST(signals_interrupt_a_wait);
    TEST(private_waits_are_the_process_own);
    TEST(shared_waits_meet_at_any_address);
    TEST(held_lock_is_marked_and_a_waiter_woken);
    TEST(killed_owner_is_no_different);
    TEST(others_locks_stay);
    TEST(lock_that_was_just_given_up_wakes_the_next);
    TEST(broken_lists_do_no_harm);
    return tap_done();
}
