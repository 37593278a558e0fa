// SPDX-License-Identifier: MIT
#include "image.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The file ---- */

static const void *part(const struct image *image, uint64_t offset, uint64_t length)
{
    return offset <= image->size && length <= image->size - offset ? image->file + offset : NULL;
}

static const char *map_file(struct image *image, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return "cannot be opened";
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(fd);
        return "is no file with anything in it";
    }
    image->size = (size_t)status.st_size;
    image->file = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return image->file == MAP_FAILED ? "cannot be mapped" : NULL;
}

static const Elf64_Ehdr *header_of(const struct image *image)
{
    const Elf64_Ehdr *header = part(image, 0, sizeof *header);
    bool ours = header && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == ELFCLASS64 &&
                header->e_machine == EM_X86_64 && header->e_shentsize == sizeof(Elf64_Shdr);

    return ours ? header : NULL;
}

/* ---- What is taken from it ---- */

static void take_symbols(struct image *image, const Elf64_Shdr *sections, unsigned count, const Elf64_Shdr *section)
{
    const Elf64_Shdr *strings = section->sh_link < count ? &sections[section->sh_link] : NULL;
    const void *symbols = part(image, section->sh_offset, section->sh_size);
    const char *names = strings ? part(image, strings->sh_offset, strings->sh_size) : NULL;

    if (!symbols || !names || strings->sh_size == 0 || names[strings->sh_size - 1] != '\0')
        return;
    image->symbols = symbols;
    image->symbol_count = section->sh_size / sizeof(Elf64_Sym);
    image->names = names;
    image->names_size = strings->sh_size;
}

static void take_note(struct image *image, const Elf64_Shdr *section)
{
    const Elf64_Nhdr *note = part(image, section->sh_offset, section->sh_size);

    if (!note || section->sh_size < sizeof *note + 4 || note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
        note->n_descsz > BUILD_ID_MAX || section->sh_size < sizeof *note + 4 + note->n_descsz ||
        memcmp(note + 1, "GNU", 4) != 0)
        return;
    image->build_id_at = section->sh_addr + sizeof *note + 4;
    image->build_id_size = note->n_descsz;
    memcpy(image->build_id, (const uint8_t *)(note + 1) + 4, note->n_descsz);
}

const char *image_open(struct image *image, const char *path)
{
    *image = (struct image){0};
    const char *wrong = map_file(image, path);
    if (wrong)
        return wrong;
    const Elf64_Ehdr *header = header_of(image);
    if (!header)
        return "is no kernel of Gaur's";
    const Elf64_Shdr *sections = part(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    for (unsigned i = 0; sections && i < header->e_shnum; i++) {
        if (sections[i].sh_type == SHT_SYMTAB)
            take_symbols(image, sections, header->e_shnum, &sections[i]);
        else if (sections[i].sh_type == SHT_NOTE)
            take_note(image, &sections[i]);
    }
    if (!image->symbols)
        return "has no symbols";
    return image->build_id_size ? NULL : "has no build id";
}

uint64_t image_symbol(const struct image *image, const char *name)
{
    const Elf64_Sym *symbols = image->symbols;
    uint64_t found = 0;

    for (size_t i = 0; i < image->symbol_count; i++) {
        unsigned type = ELF64_ST_TYPE(symbols[i].st_info);
        if ((type != STT_OBJECT && type != STT_FUNC && type != STT_NOTYPE) || symbols[i].st_name >= image->names_size ||
            strcmp(image->names + symbols[i].st_name, name) != 0)
            continue;
        if (found)
            return 0;
        found = symbols[i].st_value;
    }
    return found;
}

void image_build_text(const struct image *image, char text[2 * BUILD_ID_MAX + 1])
{
    for (size_t i = 0; i < image->build_id_size; i++)
        snprintf(text + 2 * i, 3, "%02x", image->build_id[i]);
}
