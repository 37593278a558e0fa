// SPDX-License-Identifier: MIT
/*
 * image.h - the kernel's ELF file: where its variables lie, and which build it is.
 */
#ifndef WATCH_IMAGE_H
#define WATCH_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_MAX 32

struct image {
    const uint8_t *file;
    size_t size;
    const void *symbols;    // of struct Elf64_Sym
    size_t symbol_count;
    const char *names;
    size_t names_size;
    uint64_t build_id_at;   // the kernel's address of its build id
    uint8_t build_id[BUILD_ID_MAX];
    size_t build_id_size;
};

/* Read a kernel. => NULL, or what is wrong with it */
const char *image_open(struct image *image, const char *path);

/* The address of a variable or function. => 0: there is none, or two have the name */
uint64_t image_symbol(const struct image *image, const char *name);

/* Its build id in hexadecimal digits. */
void image_build_text(const struct image *image, char text[2 * BUILD_ID_MAX + 1]);

#endif
