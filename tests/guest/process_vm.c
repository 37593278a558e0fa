// SPDX-License-Identifier: MIT
/*
 * process_vm.c - one process reads and writes the memory of another, with the rights that the other has.
 */
#include "gaur.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct baton to_child, to_parent;
static char *memory;            // six pages, whose rights are those of their number

enum { TEXT, FRESH, READ_ONLY, NONE, SHARED, BEYOND, PAGES };

/* What the child does when asked: look whether these bytes are there. */
static void child_looks(const char *expected)
{
    baton_pass(&to_parent);
    if (!baton_wait(&to_child))
        _exit(9);
    _exit(memcmp(memory + TEXT * PAGE, expected, strlen(expected)) == 0 ? 0 : 1);
}

static pid_t start(const char *expected)
{
    if (!baton_make(&to_child) || !baton_make(&to_parent))
        return -1;
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(memory, "before fork");
    strcpy(memory + READ_ONLY * PAGE, "constant");
    mprotect(memory + READ_ONLY * PAGE, PAGE, PROT_READ);
    mprotect(memory + NONE * PAGE, PAGE, PROT_NONE);
    munmap(memory + BEYOND * PAGE, PAGE);
    pid_t pid = fork();
    if (pid == 0)
        child_looks(expected);
    return baton_wait(&to_parent) ? pid : -1;
}

static bool finish(pid_t pid)
{
    baton_pass(&to_child);
    bool good = exited_with(child_wait(pid), 0);
    baton_drop(&to_child);
    baton_drop(&to_parent);
    munmap(memory, PAGES * PAGE);
    return good;
}

static ssize_t read_at(pid_t pid, void *to, size_t size, void *from)
{
    struct iovec local = {to, size}, remote = {from, size};

    return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static ssize_t write_at(pid_t pid, const char *from, size_t size, void *to)
{
    struct iovec local = {(void *)(uintptr_t)from, size}, remote = {to, size};

    return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

static bool writing_changes_the_other_and_not_us(void)
{
    pid_t pid = start("from parent");
    char in[16] = {0};

    CHECK(pid > 0);
    CHECK_EQ(write_at(pid, "from parent", 11, memory), 11);
    CHECK(strcmp(memory, "before fork") == 0);
    CHECK_EQ(read_at(pid, in, 11, memory), 11);
    CHECK(memcmp(in, "from parent", 11) == 0);
    CHECK(finish(pid));
    return true;
}

static bool rights_of_the_other_hold(void)
{
    pid_t pid = start("before fork");
    char in[16] = {0};

    CHECK(pid > 0);
    CHECK_EQ(read_at(pid, in, 8, memory + READ_ONLY * PAGE), 8);
    CHECK(strcmp(in, "constant") == 0);
    CHECK_FAILS(write_at(pid, "x", 1, memory + READ_ONLY * PAGE), EFAULT);
    CHECK_FAILS(read_at(pid, in, 1, memory + NONE * PAGE), EFAULT);
    CHECK_FAILS(read_at(pid, in, 1, memory + BEYOND * PAGE), EFAULT);
    CHECK_FAILS(read_at(pid, in, 1, (void *)0xffff800000100000), EFAULT);
    CHECK_EQ(read_at(pid, in, 4, memory + FRESH * PAGE), 4);
    CHECK(memcmp(in, "\0\0\0\0", 4) == 0);
    CHECK_EQ(write_at(pid, "abc", 3, memory + FRESH * PAGE), 3);
    CHECK_EQ(memory[FRESH * PAGE], 0);
    CHECK(finish(pid));
    return true;
}

static bool what_can_be_copied_before_a_hole_is(void)
{
    static char in[3 * PAGE];
    pid_t pid = start("before fork");

    CHECK(pid > 0);
    CHECK_EQ(read_at(pid, in, 2 * PAGE, memory + READ_ONLY * PAGE), PAGE);
    CHECK_EQ(write_at(pid, in, 2 * PAGE, memory + SHARED * PAGE), PAGE);
    CHECK(finish(pid));
    return true;
}

static bool lists_of_buffers_match_up_by_bytes(void)
{
    char a[3], b[20] = {0};
    pid_t pid = start("before fork");
    struct iovec local[3] = {{a, 3}, {NULL, 0}, {b, 8}};
    struct iovec remote[2] = {{memory, 6}, {memory + 6, 5}};

    CHECK(pid > 0);
    CHECK_EQ(process_vm_readv(pid, local, 3, remote, 2, 0), 11);
    CHECK(memcmp(a, "bef", 3) == 0 && strcmp(b, "ore fork") == 0);
    CHECK(finish(pid));
    return true;
}

static bool bad_arguments_are_refused(void)
{
    char byte;
    struct iovec one = {&byte, 1}, none = {&byte, 0}, negative = {&byte, -1UL};

    CHECK_FAILS(process_vm_readv(getpid(), &one, 1, &one, 1, 1), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), &one, 2000, &one, 1, 0), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), &one, 1, &one, 2000, 0), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), &one, 1, &negative, 1, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_process_vm_readv, getpid(), 8, 1, &one, 1, 0), EFAULT);
    CHECK_FAILS(syscall(SYS_process_vm_readv, getpid(), &one, 1, 8, 1, 0), EFAULT);
    CHECK_FAILS(process_vm_readv(0x7ffffff, &one, 1, &one, 1, 0), ESRCH);
    CHECK_EQ(process_vm_readv(0x7ffffff, &none, 1, &one, 1, 0), 0);
    CHECK_EQ(process_vm_readv(getpid(), &one, 1, &none, 1, 0), 0);
    CHECK_EQ(process_vm_readv(getpid(), &one, 1, &one, 1, 0), 1);
    return true;
}

static bool as_stranger(void)
{
    char byte;

    if (setgid(12345) != 0 || setuid(12345) != 0)
        return true;
    CHECK_FAILS(read_at(getppid(), &byte, 1, &byte), EPERM);
    return true;
}

static bool strangers_may_not(void)
{
    CHECK_CHILD(as_stranger);
    return true;
}

enum { ROUNDS = 200 };

/* Fork again and again, until number[0] says that it is enough. */
static void fork_until_told(volatile int *number)
{
    while (number[0] <= ROUNDS) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        number[1]++;
        waitpid(child, NULL, 0);
    }
    _exit(0);
}

static bool is_kept(pid_t pid, volatile int *number, int value)
{
    int back = 0;

    CHECK_EQ(write_at(pid, (char *)&value, sizeof value, (void *)number), sizeof value);
    CHECK_EQ(read_at(pid, &back, sizeof back, (void *)number), sizeof back);
    CHECK_EQ(back, value);
    return true;
}

/* The other forks again and again, so that its page is copy-on-write most of the time: no write of ours may be lost. */
static bool writes_are_not_lost_while_the_other_forks(void)
{
    volatile int *number = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int enough = ROUNDS + 1;
    bool kept = true;

    number[0] = 0;
    pid_t pid = fork();
    if (pid == 0)
        fork_until_told(number);
    for (int i = 1; kept && i <= ROUNDS; i++)
        kept = is_kept(pid, number, i);
    // It may be gone before anybody could read this back.
    kept = kept && write_at(pid, (char *)&enough, sizeof enough, (void *)number) == sizeof enough;
    if (!kept)
        child_signal(pid, SIGKILL);
    CHECK(exited_with(child_wait(pid), 0));
    return kept;
}

int main(void)
{
    TEST(writing_changes_the_other_and_not_us);
    TEST(rights_of_the_other_hold);
    TEST(what_can_be_copied_before_a_hole_is);
    TEST(lists_of_buffers_match_up_by_bytes);
    TEST(bad_arguments_are_refused);
    TEST(strangers_may_not);
    TEST(writes_are_not_lost_while_the_other_forks);
    return tap_done();
}
