// SPDX-License-Identifier: MIT
/*
 * vdso.c - two pages that all programs share: code that asks for the time in user mode, and the data for it.
 *
 * Theory   Each is the only page of a file without a name, mapped privately: a region and an entry is all that a process has
 *          of it. A debugger may write into the code; it gets a copy, as of any private file. Nobody may write the data.
 */
#include "proc/vdso.h"

#include <linux/mman.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/map.h"
#include "mm/page_cache.h"

extern const char vdso_image[], vdso_image_end[]; // vdso_image.S

static struct page_cache data_pages, image_pages;

static int fill_image(struct page_cache *cache __maybe_unused, uint64_t index __maybe_unused,
                      struct core_map_entry *const *pages, unsigned count __maybe_unused)
{
    char *page = page2kva(pages[0]); // the only one
    size_t size = (size_t)(vdso_image_end - vdso_image);

    memcpy(page, vdso_image, size);
    memset(page + size, 0, PAGE_SIZE - size);
    return 0;
}

/* Both are there for ever. */
static void hold(struct page_cache *cache __maybe_unused)
{
}

static void release(struct page_cache *cache __maybe_unused)
{
}

static int describe(struct page_cache *cache, char *name, size_t size, struct map_identity *identity)
{
    *identity = (struct map_identity){0};
    return (int)strlcpy(name, cache == &data_pages ? "[vvar]" : "[vdso]", size);
}

static const struct page_cache_ops data_ops = {.hold = hold, .release = release, .describe = describe};
static const struct page_cache_ops image_ops = {
    .fill = fill_image, .hold = hold, .release = release, .describe = describe,
};

void vdso_init(void)
{
    struct core_map_entry *page;

    page_cache_init(&data_pages, &data_ops);
    page_cache_init(&image_pages, &image_ops);
    atomic_store(&data_pages.size, PAGE_SIZE);
    atomic_store(&image_pages.size, PAGE_SIZE);
    if (page_cache_get(&data_pages, 0, PAGE_WRITE, &page) != 0)
        panic("no memory for the clocks' page");
    clock_publish(page2kva(page)); // the page keeps our reference: nobody may drop it from the cache
}

int vdso_map(struct vspace *space, vaddr_t address, vaddr_t *image)
{
    struct map_request request = {
        .addr = address,
        .size = PAGE_SIZE,
        .prot = PROT_READ,
        .max_prot = PROT_READ,
        .flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE,
        .file = &data_pages,
    };
    int64_t result = vspace_mmap(space, &request);

    if (result < 0)
        return result;
    request.addr = address + VDSO_DATA_SIZE;
    request.prot = PROT_READ | PROT_EXEC;
    request.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    request.file = &image_pages;
    result = vspace_mmap(space, &request);
    *image = request.addr;
    return result < 0 ? result : 0;
}
