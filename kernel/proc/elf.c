// SPDX-License-Identifier: MIT
/*
 * elf.c - ELF programs: read, check, map.
 *
 * Theory   Nothing in the file is believed. All of it is checked when it is read (elf_check_...), with
 *          arithmetic that cannot wrap; after that the rest is addition. A segment becomes up to two
 *          mappings: the pages that hold bytes of the file, privately, read when touched; and behind them
 *          anonymous memory, for what the file leaves zero.
 * Strict   Linux maps some files that make no sense and lets them die. Here they are refused: segments out
 *          of order or overlapping, bytes beyond the end of the file, no segment at all.
 */
#include "proc/elf.h"

#include <linux/limits.h>
#include <linux/mman.h>

#include "arch/x86/layout.h"
#include "fs/file.h"
#include "fs/kernel_file.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/page_cache.h"
#include "mm/usercopy.h"

#define ALIGNMENT_MAX (1ul << 30)

static_assert(ELF_SEGMENTS_MAX * sizeof(Elf64_Phdr) <= PAGE_SIZE, "the headers fit in a frame");

/* The file header. => NULL, or what is wrong */
static const char *check_header(const Elf64_Ehdr *header)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return "not a 64-bit ELF file";
    if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
        return "made for another machine";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return "neither a program nor position-independent";
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return "program headers of an unknown size";
    if (header->e_phnum == 0)
        return "no program headers";
    if (header->e_phnum > ELF_SEGMENTS_MAX)
        return "too many program headers";
    return header->e_entry >= USER_END ? "an entry point beyond user addresses" : NULL;
}

/* One segment by itself. => NULL, or what is wrong */
static const char *check_segment(const Elf64_Phdr *segment, uint64_t file_size)
{
    if (segment->p_filesz > segment->p_memsz)
        return "a segment larger in the file than in memory";
    if (!range_within(segment->p_vaddr, segment->p_memsz, USER_END))
        return "a segment beyond user addresses";
    if (!range_within(segment->p_offset, segment->p_filesz, file_size))
        return "truncated: a segment lies beyond the end of the file";
    if ((segment->p_vaddr - segment->p_offset) % PAGE_SIZE != 0)
        return "a segment whose place in the file does not fit its address";
    if (segment->p_align > 1 && (segment->p_align & (segment->p_align - 1)) != 0)
        return "a segment with an alignment that is no power of two";
    if (segment->p_align > ALIGNMENT_MAX)
        return "a segment with a huge alignment";
    if (segment->p_filesz != 0 && segment->p_filesz < segment->p_memsz && !(segment->p_flags & PF_W)
        && (segment->p_vaddr + segment->p_filesz) % PAGE_SIZE != 0)
        return "a read-only segment that is to be zeroed in part";
    return NULL;
}

/* A segment after the ones before it. => NULL, or what is wrong */
static const char *add_segment(struct elf_image *image, const Elf64_Phdr *segment, uint64_t headers_offset)
{
    vaddr_t start = ALIGN_DOWN(segment->p_vaddr, PAGE_SIZE);

    if (image->high != 0 && start < ALIGN_UP(image->high, PAGE_SIZE))
        return "segments that overlap or are out of order";
    if (image->high == 0)
        image->low = start;
    image->high = segment->p_vaddr + segment->p_memsz;
    image->alignment = MAX(image->alignment, segment->p_align);
    if (headers_offset >= segment->p_offset && headers_offset - segment->p_offset < segment->p_filesz)
        image->headers_address = segment->p_vaddr + (headers_offset - segment->p_offset);
    return NULL;
}

static const char *add_interpreter(struct elf_image *image, const Elf64_Phdr *header, uint64_t file_size)
{
    if (image->interpreter_size != 0)
        return NULL; // the first one counts
    if (header->p_filesz < 2 || header->p_filesz > PATH_MAX)
        return "an interpreter's name of no sensible length";
    if (!range_within(header->p_offset, header->p_filesz, file_size))
        return "truncated: the interpreter's name lies beyond the end of the file";
    image->interpreter_offset = header->p_offset;
    image->interpreter_size = header->p_filesz;
    return NULL;
}

/* => NULL, or what is wrong */
static const char *check_program_header(struct elf_image *image, const Elf64_Phdr *header,
                                        uint64_t headers_offset)
{
    uint64_t file_size = image->pages->size;
    const char *why;

    switch (header->p_type) {
    case PT_LOAD:
        if (header->p_memsz == 0)
            return NULL;
        why = check_segment(header, file_size);
        return why != NULL ? why : add_segment(image, header, headers_offset);
    case PT_INTERP: return add_interpreter(image, header, file_size);
    case PT_GNU_STACK: image->stack_executable = header->p_flags & PF_X; return NULL;
    default: return NULL;
    }
}

/* => NULL, or what is wrong */
static const char *check_program_headers(struct elf_image *image, const Elf64_Ehdr *header)
{
    image->alignment = PAGE_SIZE;
    for (unsigned i = 0; i < image->header_count; i++) {
        const char *why = check_program_header(image, &image->headers[i], header->e_phoff);

        if (why != NULL)
            return why;
    }
    if (image->high == 0)
        return "nothing to load";
    if (!image->movable && image->low < USER_MIN)
        return "a segment at address 0";
    return NULL;
}

/* The program headers, from the head if they lie there. => 0, -ENOEXEC, -EIO */
static int read_headers(struct file *file, const void *head, size_t size, struct elf_image *image)
{
    const Elf64_Ehdr *header = head;
    size_t bytes = image->header_count * sizeof(Elf64_Phdr);
    int64_t got;

    if (range_within(header->e_phoff, bytes, size)) {
        memcpy(image->headers, (const char *)head + header->e_phoff, bytes);
        return 0;
    }
    if (!range_within(header->e_phoff, bytes, image->pages->size))
        return -ENOEXEC;
    got = kernel_read(file, header->e_phoff, image->headers, bytes);
    if (got < 0)
        return got;
    return (size_t)got == bytes ? 0 : -ENOEXEC;
}

int elf_read(struct file *file, const void *head, size_t size, struct elf_image *image, const char **why)
{
    const Elf64_Ehdr *header = head;
    int error;

    *image = (struct elf_image){0};
    *why = NULL;
    if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    *why = check_header(header);
    if (*why != NULL)
        return -ENOEXEC;
    error = file_mmap(file, PROT_READ | PROT_EXEC, MAP_PRIVATE, &image->pages);
    if (error != 0)
        return error;
    image->header_count = header->e_phnum;
    image->movable = header->e_type == ET_DYN;
    image->entry = header->e_entry;
    image->headers = kalloc();
    if (image->headers == NULL)
        return -ENOMEM;
    error = read_headers(file, head, size, image);
    *why = error == 0 ? check_program_headers(image, header)
                      : "truncated: the program headers lie beyond the end of the file";
    return *why != NULL && error == 0 ? -ENOEXEC : error;
}

void elf_release(struct elf_image *image)
{
    if (image->headers != NULL)
        kfree(image->headers);
    image->headers = NULL;
}

static uint32_t segment_prot(const Elf64_Phdr *segment)
{
    return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0)
           | (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_part(struct vspace *space, struct map_request *request)
{
    int64_t result;

    request->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    request->flags |= MAP_PRIVATE | MAP_FIXED;
    result = vspace_mmap(space, request);
    return result < 0 ? result : 0;
}

/* The pages with bytes of the file, then those without. */
static int map_segment(struct vspace *space, const struct elf_image *image, const Elf64_Phdr *segment)
{
    vaddr_t address = segment->p_vaddr + image->bias;
    vaddr_t start = ALIGN_DOWN(address, PAGE_SIZE);
    vaddr_t file_end = segment->p_filesz == 0 ? start : ALIGN_UP(address + segment->p_filesz, PAGE_SIZE);
    vaddr_t end = ALIGN_UP(address + segment->p_memsz, PAGE_SIZE);
    struct map_request file = {
        .addr = start,
        .size = file_end - start,
        .prot = segment_prot(segment),
        .file = image->pages,
        .offset = ALIGN_DOWN(segment->p_offset, PAGE_SIZE),
    };
    struct map_request zero = {
        .addr = file_end,
        .size = end - file_end,
        .prot = segment_prot(segment),
        .flags = MAP_ANONYMOUS,
    };
    int error = 0;

    if (file.size != 0)
        error = map_part(space, &file);
    if (error == 0 && zero.size != 0)
        error = map_part(space, &zero);
    return error;
}

static bool is_loaded(const Elf64_Phdr *header)
{
    return header->p_type == PT_LOAD && header->p_memsz != 0;
}

int elf_map(struct vspace *space, struct elf_image *image, vaddr_t bias)
{
    uint64_t end;

    if (add_overflows(image->high, bias, &end) || end > USER_END)
        return -ENOMEM;
    image->bias = bias;
    for (unsigned i = 0; i < image->header_count; i++) {
        int error = is_loaded(&image->headers[i]) ? map_segment(space, image, &image->headers[i]) : 0;

        if (error != 0)
            return error;
    }
    return 0;
}

/* A reservation is made and given up again: nobody else maps into a space that is being built. */
int64_t elf_find_room(struct vspace *space, const struct elf_image *image)
{
    uint64_t size = ALIGN_UP(image->high, PAGE_SIZE) - image->low + (image->alignment - PAGE_SIZE);
    struct map_request request = {.size = size, .flags = MAP_PRIVATE | MAP_ANONYMOUS};
    int64_t room = vspace_mmap(space, &request);
    int error;

    if (room < 0)
        return room;
    error = vspace_munmap(space, room, size);
    return error != 0 ? error : (int64_t)(ALIGN_UP((vaddr_t)room, image->alignment) - image->low);
}

int elf_zero_tails(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->header_count; i++) {
        const Elf64_Phdr *segment = &image->headers[i];
        vaddr_t end = segment->p_vaddr + segment->p_filesz + image->bias;
        uint64_t tail = ALIGN_UP(end, PAGE_SIZE) - end;

        // To the page's end, beyond p_memsz: glibc's loader takes its first memory there, and expects zeros.
        if (!is_loaded(segment) || segment->p_filesz == 0 || segment->p_filesz == segment->p_memsz)
            continue;
        if (tail != 0 && clear_user(end, tail) != 0)
            return -EFAULT;
    }
    return 0;
}

void elf_extent(const struct elf_image *image, struct elf_extent *out)
{
    *out = (struct elf_extent){.code_start = UINT64_MAX};
    for (unsigned i = 0; i < image->header_count; i++) {
        const Elf64_Phdr *segment = &image->headers[i];
        vaddr_t start = segment->p_vaddr + image->bias;
        vaddr_t end = start + segment->p_filesz;

        if (!is_loaded(segment))
            continue;
        out->code_start = MIN(out->code_start, start);
        out->data_start = MAX(out->data_start, start);
        if ((segment->p_flags & PF_X) && end > out->code_end)
            out->code_end = end;
        out->data_end = MAX(out->data_end, end);
    }
}
