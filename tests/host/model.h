// SPDX-License-Identifier: MIT
/*
 * model.h - what programs may expect of their memory, told as simply as possible: a few windows of pages, and for each
 * page of each space whether it is mapped, its rights, and one byte.
 *
 * Nothing here knows frames, nodes, entries or copy-on-write. The random test does each step to the kernel and to the
 * model, and compares.
 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

#include "support.h"

/* Windows, each across the border of a leaf node (the stack's across that of a node above), one with room for huge pages. In pages. */
#define MAP_PAGES 96
#define HEAP_PAGES 24
#define STACK_PAGES 32
#define HUGE_PAGES (2 * 512 + 2 * HUGE_MARGIN)
#define MODEL_PAGES (FIRST_HUGE + HUGE_PAGES)
#define FIRST_HEAP MAP_PAGES
#define FIRST_STACK (MAP_PAGES + HEAP_PAGES)
#define FIRST_HUGE (FIRST_STACK + STACK_PAGES)
#define HUGE_MARGIN 16 // pages before and behind those that can be huge

#define MODEL_SPACES 8
#define MODEL_FILES 2
#define FILE_PAGES 12 // in a file; mappings may reach beyond
#define BYTE_AT 0x5a8 // the byte of each page that steps write and read

/* Memory that spaces share: a file, or what is behind MAP_SHARED | MAP_ANONYMOUS. */
struct model_object {
    unsigned refs; // model pages that map it; a file has one more
    unsigned pages;
    uint8_t byte[MAP_PAGES];
};

struct model_page {
    bool mapped, shared;
    bool own; // written to, in a private mapping
    uint8_t prot, max_prot;
    uint8_t byte;
    struct model_object *object; // NULL: private anonymous memory
    unsigned index;              // the page of the object
};

struct model_space {
    struct vspace *space; // NULL: this place is free
    struct model_page pages[MODEL_PAGES];
    vaddr_t brk;
    unsigned stack_low; // the lowest page of the stack's window that is mapped
};

extern struct model_space model_spaces[MODEL_SPACES];
extern struct model_object model_files[MODEL_FILES];

/* The address of a model page, and the range of pages of one window around `page`. */
vaddr_t model_va(unsigned page);
unsigned model_window_end(unsigned page);

/* What mapping, unmapping and protecting do. `page`: rights and object of the first page; the index counts up. */
void model_map(struct model_space *space, unsigned first, unsigned count, const struct model_page *page);
void model_unmap(struct model_space *space, unsigned first, unsigned count);

/* What moving pages does (with MREMAP_DONTUNMAP they leave empty ones behind), MADV_DONTNEED, and cutting a file to `pages` pages. */
void model_move(struct model_space *space, unsigned from, unsigned to, unsigned count, bool leave_empty);
void model_forget_content(struct model_space *space, unsigned first, unsigned count);
void model_cut_object(struct model_object *object, unsigned pages);

/* => what mprotect returns. *changed: pages whose rights become `prot` */
int model_protect(struct model_space *space, unsigned first, unsigned count, unsigned prot, unsigned *changed);

/* The lowest page that an mmap of `count` pages anywhere gets; -1: there is no room. */
int model_find_room(const struct model_space *space, unsigned count);

/* What brk returns. Changes the model only if `apply`. */
vaddr_t model_brk(struct model_space *space, vaddr_t end, bool apply);

void model_fork(const struct model_space *parent, struct model_space *child);
void model_exit(struct model_space *space);

/* What an access comes to. => the outcome; the stack grows in the model too */
enum fault_outcome model_access(struct model_space *space, unsigned page, uint32_t access);

/* The byte of a page that may be read, or is written. */
uint8_t model_read(const struct model_page *page);
void model_write(struct model_page *page, uint8_t byte);

struct model_object *model_object_create(unsigned pages);

/* ---- Steps (model_steps.c): one random thing done to kernel and model. ---- */

struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
unsigned random_below(struct random *random, unsigned limit);

void steps_begin(uint64_t seed);
void step_once(void);
void steps_end(void);

#endif
