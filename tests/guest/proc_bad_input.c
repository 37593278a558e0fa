// SPDX-License-Identifier: MIT
/*
 * proc_bad_input.c - reading /proc in odd ways: of processes that end meanwhile, of others' processes, from odd places.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char text[65536];

/* ---- A process that ends ---- */

static const struct {
    const char *name;
    int error;          // of a read when the process has been waited for; 0: the end of the file
} files[] = {
    {"cmdline", ESRCH}, {"comm", ESRCH},      {"limits", ESRCH}, {"maps", ESRCH},         {"oom_score_adj", ESRCH},
    {"smaps", ESRCH},   {"stat", ESRCH},      {"statm", ESRCH},  {"smaps_rollup", ESRCH}, {"status", ESRCH},
    {"wchan", ESRCH},   {"oom_score", ESRCH}, {"environ", 0},    {"pagemap", 0},          {"fdinfo/0", ENOENT},
};
enum { FILES = sizeof files / sizeof *files };

static bool files_of_a_process_that_is_gone_say_so(void)
{
    pid_t pid = child_pausing();
    int fds[FILES], directory = proc_open(pid, "", O_RDONLY), list = proc_open(pid, "fd", O_RDONLY);

    for (int i = 0; i < FILES; i++)
        fds[i] = proc_open(pid, files[i].name, O_RDONLY);
    child_end(pid);
    for (int i = 0; i < FILES; i++) {
        errno = 0;
        ssize_t got = read(fds[i], text, 4096);
        if (got != (files[i].error ? -1 : 0) || errno != files[i].error)
            return tap_failed(__FILE__, __LINE__, files[i].name);
        close(fds[i]);
    }
    CHECK_FAILS(proc_open(pid, "stat", O_RDONLY), ENOENT);
    CHECK_FAILS(syscall(SYS_getdents64, directory, text, sizeof text), ENOENT); // readdir hides it
    CHECK_FAILS(syscall(SYS_getdents64, list, text, sizeof text), ENOENT);
    close(directory);
    close(list);
    return true;
}

/* Whatever is read of processes that come and go all the time: it is whole, or an error, and nobody hangs. */
static bool reading_while_processes_come_and_go_is_safe(void)
{
    static const char *const names[] = {"stat", "status", "maps", "smaps", "cmdline", "environ", "fd", "task", "exe", "stack",
                                        "wchan", "pagemap", "mounts"};
    pid_t breeder = fork();

    if (breeder == 0) {
        for (;;) {
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            waitpid(child, NULL, 0);
        }
    }
    long long end = now_ms() + 1000;
    unsigned seen = 0;
    while (now_ms() < end) {
        DIR *all = opendir("/proc");
        if (!all) {
            int error = errno;
            child_end(breeder);
            errno = error;
            return tap_failed(__FILE__, __LINE__, "opendir");
        }
        for (struct dirent *entry; (entry = readdir(all));) {
            pid_t pid = atoi(entry->d_name);
            if (pid <= breeder)
                continue;
            int fd = proc_open(pid, names[seen++ % (sizeof names / sizeof *names)], O_RDONLY);
            for (int pieces = 0; fd >= 0 && pieces < 100 && read(fd, text, 512) > 0; pieces++)
                ; // no further: the whole of a pagemap takes hours
            close(fd);
        }
        closedir(all);
    }
    child_end(breeder);
    diag("read %u times", seen);
    return true;
}

/* ---- Others' processes ---- */

static pid_t looked_at;

/* As nobody: what may not be seen, and what may. */
static bool nobody_sees_only_what_everybody_may(void)
{
    static const char *const hidden[] = {"auxv", "environ", "maps", "smaps", "smaps_rollup", "pagemap", "fd", "fdinfo", "stack"};
    static const char *const open_to_all[] = {"stat", "statm", "status", "cmdline", "comm", "limits", "wchan", "mounts",
                                              "oom_score", "oom_score_adj"};
    static const char *const links[] = {"exe", "cwd", "root"};
    char path[64], target[64];
    ssize_t length;

    CHECK_EQ(setgid(NOBODY), 0);
    CHECK_EQ(setuid(NOBODY), 0);
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        errno = 0;
        if (proc_open(looked_at, hidden[i], O_RDONLY) != -1 || errno != EACCES)
            return tap_failed(__FILE__, __LINE__, hidden[i]);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)looked_at, links[i]);
        CHECK_FAILS(readlink(path, target, sizeof target), EACCES);
    }
    for (size_t i = 0; i < sizeof open_to_all / sizeof *open_to_all; i++) {
        int fd = proc_open(looked_at, open_to_all[i], O_RDONLY);
        length = read(fd, text, sizeof text - 1);
        if (fd < 0 || length <= 0)
            return tap_failed(__FILE__, __LINE__, open_to_all[i]);
        if (!strcmp(open_to_all[i], "wchan"))
            CHECK(length == 1 && text[0] == '0');
        close(fd);
    }
    // Where things lie is not told: start of the program 1, its stack, strings and heap 0.
    int fd = proc_open(looked_at, "stat", O_RDONLY);
    length = read(fd, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = 0;
    char *word = strtok(strrchr(text, ')') + 1, " \n");
    for (int field = 3; word; field++, word = strtok(NULL, " \n")) {
        if (field == 26 || field == 27)
            CHECK_EQ(strtoull(word, NULL, 10), 1);
        if (field == 28 || (field >= 45 && field <= 51))
            CHECK_EQ(strtoull(word, NULL, 10), 0);
    }
    CHECK_FAILS(proc_open(looked_at, "comm", O_WRONLY), EACCES);
    return true;
}

static bool others_processes_are_closed(void)
{
    if (getuid())
        SKIP("needs root");
    looked_at = child_pausing();
    int status = child_run(nobody_sees_only_what_everybody_may);
    child_end(looked_at);
    CHECK(exited_with(status, 0));
    return true;
}

/* A process that is not to be looked into belongs to root, in /proc. */
static bool undumpable_process_belongs_to_root(void)
{
    struct stat stat_of;
    char path[64];

    CHECK_EQ(setgid(NOBODY), 0);
    CHECK_EQ(setuid(NOBODY), 0);
    prctl(PR_SET_DUMPABLE, 1);
    pid_t pid = child_pausing();
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    CHECK_EQ(stat(path, &stat_of), 0);
    CHECK_EQ(stat_of.st_uid, NOBODY);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    child_end(pid);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        for (;;)
            pause();
    }
    child_in_state(pid, 'S');
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int gone = open(path, O_RDONLY), error = errno;
    bool known = stat(path, &stat_of) == 0;
    child_end(pid);
    CHECK(gone == -1 && error == EACCES);
    CHECK(known && stat_of.st_uid == 0);
    return true;
}

static bool undumpable_processes_are_closed_even_to_their_user(void)
{
    if (getuid())
        SKIP("needs root");
    CHECK_CHILD(undumpable_process_belongs_to_root);
    return true;
}

static bool the_stack_is_for_root(void)
{
    CHECK_EQ(setuid(NOBODY), 0);
    prctl(PR_SET_DUMPABLE, 1);
    int fd = open("/proc/self/stack", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_FAILS(read(fd, text, 100), EACCES);
    return true;
}

static bool kernel_stacks_are_for_the_superuser(void)
{
    if (getuid())
        SKIP("needs root");
    CHECK_CHILD(the_stack_is_for_root);
    return true;
}

/* ---- Odd reads, seeks and writes ---- */

static bool pieces_of_any_size_give_the_same(void)
{
    static char pieces[65536];
    static const char *const names[] = {"/proc/self/limits", "/proc/self/maps", "/proc/filesystems", "/proc/self/mounts"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t size = 1; size < 100; size = size * 3 + 1) {
            int fd = open(names[i], O_RDONLY);
            size_t length = 0;
            ssize_t whole = file_get(names[i], text, sizeof text);
            for (ssize_t got; (got = read(fd, pieces + length, size)) > 0;)
                length += got;
            CHECK_EQ(pread(fd, pieces, 5, 3), 5);
            CHECK(memcmp(pieces, text + 3, 5) == 0);
            close(fd);
            CHECK_EQ(length, whole);
        }
    }
    return true;
}

static bool seeks_go_anywhere_but_the_end(void)
{
    int fd = open("/proc/self/stat", O_RDONLY);

    CHECK_EQ(lseek(fd, 1L << 40, SEEK_SET), 1L << 40);
    CHECK_EQ(read(fd, text, 10), 0);
    CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_FAILS(lseek(fd, 0, SEEK_END), EINVAL);
    CHECK_FAILS(lseek(fd, 0, 77), EINVAL);
    CHECK_EQ(lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
    CHECK_FAILS(read(fd, text, 10), EINVAL);
    CHECK_FAILS(pread(fd, text, 10, -1), EINVAL);
    CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
    CHECK_EQ(lseek(fd, -1, SEEK_CUR), 1);
    CHECK_EQ(read(fd, text, 1), 1);
    CHECK_FAILS(read(fd, (void *)8, 10), EFAULT);
    close(fd);
    fd = open("/proc/self/cmdline", O_RDONLY);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    return true;
}

static bool what_cannot_be_written_says_so(void)
{
    if (getuid())
        SKIP("needs root");
    int fd = open("/proc/self/stat", O_WRONLY);
    CHECK(fd >= 0);
    CHECK_FAILS(write(fd, "x", 1), EINVAL);
    close(fd);
    fd = open("/proc/uptime", O_WRONLY);
    CHECK(fd >= 0);
    CHECK_FAILS(write(fd, "x", 1), EIO);
    close(fd);
    CHECK_FAILS(open("/proc/sys/kernel/osrelease", O_WRONLY), EACCES);
    CHECK_FAILS(unlink("/proc/uptime"), EPERM);
    CHECK_FAILS(mkdir("/proc/new", 0777), ENOENT);
    return true;
}

static bool numbers_that_are_no_process_are_enoent(void)
{
    static const char *const names[] = {"/proc/0", "/proc/00001", "/proc/-1", "/proc/+1", "/proc/1x", "/proc/4294967297",
                                        "/proc/18446744073709551617", "/proc/99999999999999999999999", "/proc/2147483648",
                                        "/proc/self/fd/-1", "/proc/self/fd/99999999999", "/proc/self/fd/01",
                                        "/proc/self/task/1", "/proc/self/task/x"};
    struct stat stat_of;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        errno = 0;
        if (stat(names[i], &stat_of) != -1 || errno != ENOENT)
            return tap_failed(__FILE__, __LINE__, names[i]);
    }
    return true;
}

/* Around one page in use, two mebibytes of which the kernel may know nothing at all. */
static bool pagemap_tells_of_untouched_addresses(void)
{
    static uint64_t words[512];
    volatile char here = 1;
    uint64_t page = (uint64_t)&here / PAGE, first = page & ~511UL;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    CHECK(fd >= 0);
    CHECK_EQ(pread(fd, words, sizeof words, first * 8), sizeof words);
    CHECK(words[page - first] >> 63);
    CHECK_EQ(pread(fd, words, sizeof words, (1UL << 35) * 8 - 2 * sizeof words), sizeof words);
    CHECK_EQ(words[511], 0);
    close(fd);
    return true;
}

int main(void)
{
    TEST(files_of_a_process_that_is_gone_say_so);
    TEST(reading_while_processes_come_and_go_is_safe);
    TEST(others_processes_are_closed);
    TEST(undumpable_processes_are_closed_even_to_their_user);
    TEST(kernel_stacks_are_for_the_superuser);
    TEST(pieces_of_any_size_give_the_same);
    TEST(seeks_go_anywhere_but_the_end);
    TEST(what_cannot_be_written_says_so);
    TEST(pagemap_tells_of_untouched_addresses);
    TEST(numbers_that_are_no_process_are_enoent);
    return tap_done();
}
