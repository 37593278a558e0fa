// SPDX-License-Identifier: MIT
/*
 * exec_auxv.c - what the kernel tells a new program: the auxiliary vector, and the stack it starts on.
 *
 * Built twice, at a fixed address (ET_EXEC) and as a static PIE: the latter finds itself by AT_PHDR alone.
 */
#include "tap.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;
extern const char _start[];
static uintptr_t first_argument;

/* The entries in the order in which the kernel put them: after the environment. */
static const Elf64_auxv_t *vector(void)
{
    char **end = environ;

    while (*end)
        end++;
    return (const Elf64_auxv_t *)(end + 1);
}

static const Elf64_auxv_t *entry(unsigned long type)
{
    for (const Elf64_auxv_t *e = vector(); e->a_type != AT_NULL; e++) {
        if (e->a_type == type)
            return e;
    }
    return NULL;
}

static bool program_headers_are_where_at_phdr_says(void)
{
    const Elf64_Phdr *headers = (void *)getauxval(AT_PHDR);
    const Elf64_Ehdr *file = (const void *)((uintptr_t)headers & ~(PAGE - 1));

    CHECK(headers);
    CHECK_EQ(getauxval(AT_PHENT), sizeof *headers);
    CHECK(memcmp(file->e_ident, ELFMAG, 4) == 0);
    CHECK_EQ(getauxval(AT_PHNUM), file->e_phnum);
    CHECK((uintptr_t)file + file->e_phoff == (uintptr_t)headers);
    int loads = 0;
    for (int i = 0; i < file->e_phnum; i++)
        loads += headers[i].p_type == PT_LOAD;
    CHECK(loads >= 2);
    return true;
}

static bool entry_is_the_start_of_the_program(void)
{
    CHECK_EQ(getauxval(AT_ENTRY), (uintptr_t)_start);
    return true;
}

static bool no_loader_means_base_zero(void)
{
    CHECK_EQ(getauxval(AT_BASE), 0);
    return true;
}

static bool page_size_and_clock_ticks_are_told(void)
{
    CHECK_EQ(getauxval(AT_PAGESZ), 4096);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
    return true;
}

static bool sixteen_random_bytes_are_given(void)
{
    const unsigned char *bytes = (void *)getauxval(AT_RANDOM);
    int different = 0;

    CHECK(bytes);
    for (int i = 1; i < 16; i++)
        different += bytes[i] != bytes[0];
    CHECK(different > 3);
    return true;
}

/* Two starts of the same program get different bytes. */
static bool random_bytes_differ_between_programs(void)
{
    unsigned char other[16];
    int ends[2];
    char *arguments[] = {(char *)self_path, (char *)"--random", NULL};

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execv(self_path, arguments);
        _exit(120);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(read(ends[0], other, 16), 16);
    CHECK(memcmp(other, (void *)getauxval(AT_RANDOM), 16) != 0);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static bool name_of_the_file_is_told(void)
{
    const char *name = (const char *)getauxval(AT_EXECFN);

    CHECK(name && *name);
    CHECK(access(name, X_OK) == 0);
    return true;
}

static bool identity_is_told(void)
{
    CHECK(entry(AT_UID) && entry(AT_EUID) && entry(AT_GID) && entry(AT_EGID) && entry(AT_SECURE));
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EUID), geteuid());
    CHECK_EQ(getauxval(AT_GID), getgid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK_EQ(getauxval(AT_SECURE), 0);
    return true;
}

static bool platform_and_hwcap_are_told(void)
{
    const char *platform = (const char *)getauxval(AT_PLATFORM);

    CHECK(platform && !strcmp(platform, "x86_64"));
    CHECK(entry(AT_HWCAP) && getauxval(AT_HWCAP) & 1);
    return true;
}

/* The ABI: at _start, rsp is on a 16-byte border, and argc lies there. */
static bool stack_starts_on_a_sixteen_byte_border(void)
{
    CHECK_EQ((first_argument - sizeof(long)) % 16, 0);
    CHECK_EQ(*(long *)(first_argument - sizeof(long)), 1);
    return true;
}

/* argc, argv, environ and the vector follow each other without a gap. */
static bool vectors_follow_each_other(void)
{
    char **arguments = (char **)first_argument;

    CHECK(arguments[1] == NULL);
    CHECK(environ == arguments + 2);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return write(1, (void *)getauxval(AT_RANDOM), 16) != 16;
    self_from(argv[0]);
    first_argument = (uintptr_t)argv;
    TEST(program_headers_are_where_at_phdr_says);
    TEST(entry_is_the_start_of_the_program);
    TEST(no_loader_means_base_zero);
    TEST(page_size_and_clock_ticks_are_told);
    TEST(sixteen_random_bytes_are_given);
    TEST(random_bytes_differ_between_programs);
    TEST(name_of_the_file_is_told);
    TEST(identity_is_told);
    TEST(platform_and_hwcap_are_told);
    TEST(stack_starts_on_a_sixteen_byte_border);
    TEST(vectors_follow_each_other);
    return tap_done();
}
