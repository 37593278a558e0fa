// SPDX-License-Identifier: MIT
/*
 * elf.h - ELF programs: what a file says, checked, and laying it out in an address space. For exec.
 */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include <linux/elf.h>

#include "lib/types.h"

struct file;
struct page_cache;
struct vspace;

#define ELF_SEGMENTS_MAX 48         // program headers that are read; linkers make about ten

/*
 * An ELF file that has been checked: whatever is here may be used without further tests. Addresses are as
 * in the file; add `bias`.
 */
struct elf_image {
    struct page_cache *pages;       // of the file, which the caller keeps
    Elf64_Phdr *headers;            // in a frame of its own
    unsigned header_count;
    bool movable;                   // ET_DYN
    bool stack_executable;
    vaddr_t entry;
    vaddr_t headers_address;        // where a segment puts the program headers; 0: nowhere
    vaddr_t low, high;              // [low, high): all segments, to the byte at `high`
    uint64_t alignment;             // the largest of a segment, a power of two, at least PAGE_SIZE
    uint64_t interpreter_offset;    // PT_INTERP: where its name lies in the file
    uint64_t interpreter_size;      // with its end; 0: none
    vaddr_t bias;                   // set by elf_map
};

/*
 * Read and check a file.
 *
 * => `head` holds the file's first `size` bytes
 * => 0; -ENOEXEC, with *why saying what is wrong if it is ELF at all (else NULL); -ENOMEM, -EIO
 */
__must_check int elf_read(struct file *file, const void *head, size_t size, struct elf_image *image,
                          const char **why);

/* Give back what elf_read took. => also for one that is all zero */
void elf_release(struct elf_image *image);

/*
 * Map all segments, at image->low + bias.
 *
 * => bias is a multiple of the alignment; 0, -ENOMEM, ...
 */
__must_check int elf_map(struct vspace *space, struct elf_image *image, vaddr_t bias);

/* Room for a movable image, where mmap would choose it. => its bias or -ENOMEM */
__must_check int64_t elf_find_room(struct vspace *space, const struct elf_image *image);

/*
 * Zero what lies behind the file's bytes in the page where they end, of each segment that is larger in
 * memory.
 *
 * => the space is the running thread's, and loaded; 0 or -EFAULT: no memory
 */
__must_check int elf_zero_tails(const struct elf_image *image);

/* For /proc/PID/stat: the ranges of code and initialised data, moved by the bias. */
struct elf_extent {
    vaddr_t code_start, code_end, data_start, data_end;
};
void elf_extent(const struct elf_image *image, struct elf_extent *out);

#endif
