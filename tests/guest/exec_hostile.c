// SPDX-License-Identifier: MIT
/*
 * exec_hostile.c - program files made to harm: each is refused, or harms only itself.
 *
 * Every case starts from one small good program (it exits with 42) and breaks one thing. Where Linux names an error
 * before the old program is gone, that error is expected; elsewhere any refusal or a death by signal will do.
 */
#include "tap.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANY = -1, RUNS = 0, SURVIVES = -2 };

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segment[3];
    char interpreter[32];
    unsigned char code[16];
};

static struct image image;
static size_t image_size;

/* mov $60, %eax; mov $42, %edi; syscall */
static const unsigned char exit_42[] = {0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05};

static void make_good(void)
{
    memset(&image, 0, sizeof image);
    memcpy(image.header.e_ident, ELFMAG "\2\1\1", 7);
    image.header.e_type = ET_EXEC;
    image.header.e_machine = EM_X86_64;
    image.header.e_version = 1;
    image.header.e_entry = 0x400000 + offsetof(struct image, code);
    image.header.e_phoff = offsetof(struct image, segment);
    image.header.e_ehsize = sizeof(Elf64_Ehdr);
    image.header.e_phentsize = sizeof(Elf64_Phdr);
    image.header.e_phnum = 1;
    image.segment[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_align = PAGE,
                                    .p_filesz = sizeof image, .p_memsz = sizeof image};
    memcpy(image.code, exit_42, sizeof exit_42);
    image_size = sizeof image;
}

/* A second segment, writable. */
static Elf64_Phdr *second(uint64_t address, uint64_t offset, uint64_t in_file, uint64_t in_memory)
{
    image.header.e_phnum = 2;
    image.segment[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = address, .p_align = PAGE,
                                    .p_offset = offset, .p_filesz = in_file, .p_memsz = in_memory};
    return &image.segment[1];
}

static void interpreter(const char *path, size_t length)
{
    image.header.e_phnum = 2;
    strcpy(image.interpreter, path);
    image.segment[1] = image.segment[0];
    image.segment[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct image, interpreter),
                                    .p_filesz = length, .p_memsz = length};
}

static void nothing_broken(void) {}
static void second_segment(void) { second(0x600000, 0, sizeof image, 3 * PAGE); }
static void cut_in_the_identity(void) { image_size = 10; }
static void cut_in_the_header(void) { image_size = 40; }
static void cut_in_the_program_headers(void) { image_size = offsetof(struct image, segment) + 20; }
static void cut_before_the_code(void) { image_size = offsetof(struct image, code); }
static void no_program_headers(void) { image.header.e_phnum = 0; }
static void wrong_header_size(void) { image.header.e_phentsize = 12; }
static void too_many_headers(void) { image.header.e_phnum = 65535; }
static void headers_beyond_the_file(void) { image.header.e_phoff = 1 << 20; }
static void headers_at_a_wrapping_offset(void) { image.header.e_phoff = -64UL; }
static void wrong_machine(void) { image.header.e_machine = EM_AARCH64; }
static void wrong_type(void) { image.header.e_type = ET_REL; }
static void wrong_magic(void) { image.header.e_ident[1] = 'X'; }
static void entry_in_the_kernel(void) { image.header.e_entry = 0xffff800000000000; }
static void entry_not_canonical(void) { image.header.e_entry = 0x0000900000000000; }
static void entry_nowhere(void) { image.header.e_entry = 0x123456; }
static void file_size_above_memory_size(void) { second(0x600000, 0, 2 * PAGE, 100); }
static void segment_beyond_the_file(void) { second(0x600000, 100 * PAGE, PAGE, PAGE); }
static void segment_at_a_wrapping_offset(void) { second(0x600000, -PAGE, PAGE, PAGE); }
static void segment_that_wraps(void) { second(-PAGE, 0, 100, 4 * PAGE); }
static void segment_size_that_wraps(void) { second(0x600000, 0, 100, -PAGE); }
static void segment_in_the_kernel(void) { second(0xffff800000000000, 0, 100, PAGE); }
static void segment_across_the_end_of_user_memory(void) { second(0x7fffffffe000, 0, 100, 16 * PAGE); }
static void segment_larger_than_memory(void) { second(0x600000, 0, 100, 1UL << 46); }
static void segment_and_offset_disagree(void) { second(0x600123, 0x456, 100, 100); }
static void segment_over_the_first(void) { second(0x400000, 0, sizeof image, sizeof image)->p_flags = PF_R; }
static void segment_at_address_zero(void) { second(0, 0, 100, 100); }
static void segment_over_the_stack(void) { second(0x7ffff0000000, 0, 100, 0xfff0000); }
static void segments_in_the_wrong_order(void) { second(0x200000, 0, 100, PAGE); }
static void empty_segment(void) { second(0x600000, 0, 0, 0); }
static void no_loadable_segment(void) { image.segment[0].p_type = PT_NOTE; }
static void missing_loader(void) { interpreter("/nonexistent/loader", 20); }
static void loader_name_without_end(void) { interpreter("/nonexistent/loader", 19); }
static void loader_name_empty(void) { interpreter("", 0); }
static void loader_name_huge(void) { interpreter("/x", 1UL << 40); }
static void loader_is_no_program(void) { interpreter("/dev/null", 10); }
static void alignment_of_three(void) { image.segment[0].p_align = 3; }

static const struct {
    const char *name;
    void (*break_it)(void);
    int expect;
} cases[] = {
    {"nothing_broken", nothing_broken, RUNS},
    {"second_segment", second_segment, RUNS},
    {"cut_in_the_identity", cut_in_the_identity, ENOEXEC},
    {"cut_in_the_header", cut_in_the_header, ENOEXEC},
    {"cut_in_the_program_headers", cut_in_the_program_headers, ANY},
    {"cut_before_the_code", cut_before_the_code, ANY},
    {"no_program_headers", no_program_headers, ENOEXEC},
    {"wrong_header_size", wrong_header_size, ENOEXEC},
    {"too_many_headers", too_many_headers, ENOEXEC},
    {"headers_beyond_the_file", headers_beyond_the_file, ANY},
    {"headers_at_a_wrapping_offset", headers_at_a_wrapping_offset, ANY},
    {"wrong_machine", wrong_machine, ENOEXEC},
    {"wrong_type", wrong_type, ENOEXEC},
    {"wrong_magic", wrong_magic, ENOEXEC},
    {"entry_in_the_kernel", entry_in_the_kernel, ANY},
    {"entry_not_canonical", entry_not_canonical, ANY},
    {"entry_nowhere", entry_nowhere, ANY},
    {"file_size_above_memory_size", file_size_above_memory_size, ANY},
    {"segment_beyond_the_file", segment_beyond_the_file, SURVIVES},
    {"segment_at_a_wrapping_offset", segment_at_a_wrapping_offset, ANY},
    {"segment_that_wraps", segment_that_wraps, ANY},
    {"segment_size_that_wraps", segment_size_that_wraps, ANY},
    {"segment_in_the_kernel", segment_in_the_kernel, ANY},
    {"segment_across_the_end_of_user_memory", segment_across_the_end_of_user_memory, ANY},
    {"segment_larger_than_memory", segment_larger_than_memory, SURVIVES},
    {"segment_and_offset_disagree", segment_and_offset_disagree, ANY},
    {"segment_over_the_first", segment_over_the_first, SURVIVES},
    {"segment_at_address_zero", segment_at_address_zero, SURVIVES},
    {"segment_over_the_stack", segment_over_the_stack, SURVIVES},
    {"segments_in_the_wrong_order", segments_in_the_wrong_order, SURVIVES},
    {"empty_segment", empty_segment, SURVIVES},
    {"no_loadable_segment", no_loadable_segment, ANY},
    {"missing_loader", missing_loader, ENOENT},
    {"loader_name_without_end", loader_name_without_end, ENOEXEC},
    {"loader_name_empty", loader_name_empty, ENOEXEC},
    {"loader_name_huge", loader_name_huge, ENOEXEC},
    {"loader_is_no_program", loader_is_no_program, ANY},
    {"alignment_of_three", alignment_of_three, SURVIVES},
};

/* The wait status of a child that runs the image; it exits with 100 + errno if it is refused. */
static int run_image(void)
{
    char *arguments[] = {(char *)"./image", NULL}, *environment[] = {NULL};

    if (!file_put("image", &image, image_size, 0755))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_execve, "./image", arguments, environment);
        _exit(100 + errno);
    }
    return child_wait(pid);
}

static bool is_expected(int status, int expect)
{
    bool ran = WIFEXITED(status) && WEXITSTATUS(status) == 42;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) > 100;

    if (status == -1)
        return false;
    if (expect == RUNS)
        return ran;
    if (expect == ANY)
        return refused || WIFSIGNALED(status);
    if (expect == SURVIVES)
        return true;
    return refused && WEXITSTATUS(status) == 100 + expect;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_good();
        cases[i].break_it();
        int status = run_image();
        bool good = is_expected(status, cases[i].expect);
        if (!good)
            diag("wait status 0x%x, expected %d", status, cases[i].expect);
        ok(good, "image_with_%s_%s", cases[i].name, cases[i].expect == RUNS ? "runs" : "does_no_harm");
    }
    return tap_done();
}
