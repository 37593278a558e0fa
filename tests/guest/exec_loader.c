// SPDX-License-Identifier: MIT
/*
 * exec_loader.c - a program that names a loader (PT_INTERP): the loader runs instead, or exec says what is wrong with it.
 *
 * The program would exit with 42; the loader does with 43. What a real loader finds is the business of tests/debian.
 */
#include "tap.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segment[2];
    char interpreter[16];
    unsigned char code[16];
};

/* mov $60, %eax; mov $STATUS, %edi; syscall */
static struct image make(unsigned type, uint64_t address, unsigned char status)
{
    struct image image = {
        .header = {.e_ident = ELFMAG "\2\1\1", .e_type = type, .e_machine = EM_X86_64, .e_version = 1,
                   .e_entry = address + offsetof(struct image, code), .e_phoff = offsetof(struct image, segment),
                   .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1},
        .code = {0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0, 0x0f, 0x05},
    };

    image.segment[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = address, .p_align = PAGE,
                                    .p_filesz = sizeof image, .p_memsz = sizeof image};
    return image;
}

static bool put_program(const char *loader)
{
    struct image image = make(ET_EXEC, 0x400000, 42);

    image.header.e_phnum = 2;
    image.segment[1] = image.segment[0];
    image.segment[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct image, interpreter),
                                    .p_filesz = strlen(loader) + 1};
    strcpy(image.interpreter, loader);
    return file_put("program", &image, sizeof image, 0755);
}

static bool put_loader(struct image image)
{
    return file_put("loader", &image, sizeof image, 0755);
}

/* The program's exit status, or 100 + errno; -1 if a signal ended it. */
static int run(void)
{
    char *arguments[] = {(char *)"./program", NULL}, *environment[] = {NULL};
    pid_t pid = fork();

    if (pid == 0) {
        syscall(SYS_execve, "./program", arguments, environment);
        _exit(100 + errno);
    }
    int status = child_wait(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool loader_runs_instead_of_the_program(void)
{
    CHECK(put_loader(make(ET_DYN, 0, 43)));
    CHECK_EQ(run(), 43);
    return true;
}

static bool loader_may_have_a_fixed_address(void)
{
    CHECK(put_loader(make(ET_EXEC, 0x10000000, 43)));
    CHECK_EQ(run(), 43);
    return true;
}

static bool loader_must_be_there_and_executable(void)
{
    struct image good = make(ET_DYN, 0, 43);

    unlink("loader");
    CHECK_EQ(run(), 100 + ENOENT);
    CHECK(symlink("loader", "loader") == 0);
    CHECK_EQ(run(), 100 + ELOOP);
    unlink("loader");
    CHECK(mkdir("loader", 0755) == 0);
    CHECK_EQ(run(), 100 + EACCES);
    rmdir("loader");
    CHECK(file_put("loader", &good, sizeof good, 0644));
    CHECK_EQ(run(), 100 + EACCES);
    unlink("loader");
    return true;
}

static bool loader_that_is_no_elf_file_is_a_bad_library(void)
{
    static const char script[100] = "#!/bin/sh\nexit 3\n";

    CHECK(file_put("loader", script, sizeof script, 0755));
    CHECK_EQ(run(), 100 + ELIBBAD);
    CHECK(file_put("loader", script, 20, 0755));
    CHECK_EQ(run(), 100 + EIO);
    CHECK(file_put("loader", "", 0, 0755));
    CHECK_EQ(run(), 100 + EIO);
    return true;
}

static bool loader_for_another_machine_is_a_bad_library(void)
{
    struct image image = make(ET_DYN, 0, 43);

    image.header.e_machine = EM_AARCH64;
    CHECK(put_loader(image));
    CHECK_EQ(run(), 100 + ELIBBAD);
    image = make(ET_DYN, 0, 43);
    image.header.e_phnum = 0;
    CHECK(put_loader(image));
    CHECK_EQ(run(), 100 + ELIBBAD);
    image = make(ET_DYN, 0, 43);
    image.header.e_phentsize = 8;
    CHECK(put_loader(image));
    CHECK_EQ(run(), 100 + ELIBBAD);
    return true;
}

int main(void)
{
    if (!scratch_enter() || !put_program("./loader"))
        return tap_done();
    TEST(loader_runs_instead_of_the_program);
    TEST(loader_may_have_a_fixed_address);
    TEST(loader_must_be_there_and_executable);
    TEST(loader_that_is_no_elf_file_is_a_bad_library);
    TEST(loader_for_another_machine_is_a_bad_library);
    return tap_done();
}
