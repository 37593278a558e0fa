// SPDX-License-Identifier: MIT
#include "guest.h"

#include <stdio.h>
#include <string.h>

#include "watch_layout.h"

#ifdef DEBUG
#define KIND "debug"
#define OTHER_KIND "release"
#else
#define KIND "release"
#define OTHER_KIND "debug"
#endif

/* Structures of the kernel are larger with assertions, and this program is built with those of one kind. */
static bool has_assertions(const struct image *image)
{
    return image_symbol(image, "lock_rank_acquire") != 0;
}

static const char *find_symbols(struct guest *guest)
{
    struct guest_symbols *at = &guest->at;
    const struct {
        const char *name;
        uint64_t *address;
    } wanted[] = {
        {"core_map", &at->core_map}, {"core_map_frames", &at->core_map_frames}, {"vspaces", &at->spaces}, {"spaces_lock", &at->spaces_lock}, {"pids", &at->pids},
        {"vm_counters", &at->vm_counters}, {"event_rings", &at->event_rings}, {"watch_control", &at->watch_control}, {"watch_layout", &at->watch_layout},
        {"inode_pages_describe", &at->inode_pages_describe},
        {"segment_describe", &at->segment_describe}, {"data_pages", &at->data_pages}, {"image_pages", &at->image_pages},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if ((*wanted[i].address = image_symbol(&guest->image, wanted[i].name)) == 0)
            return wanted[i].name;
    return NULL;
}

const char *guest_open(struct guest *guest, int memory, const char *machine, const char *kernel)
{
    static char text[512];
    const char *wrong = memory_open(&guest->memory, memory, machine);

    if (wrong)
        return wrong;
    if ((wrong = image_open(&guest->image, kernel))) {
        snprintf(text, sizeof text, "%s %s", kernel, wrong);
        return text;
    }
    if (has_assertions(&guest->image) != (strcmp(KIND, "debug") == 0)) {
        snprintf(text, sizeof text, "%s is a kernel of kind %s, and this viewer is built for kind %s", kernel, OTHER_KIND, KIND);
        return text;
    }
    if ((wrong = find_symbols(guest))) {
        snprintf(text, sizeof text, "%s is of another version: it has no %s", kernel, wrong);
        return text;
    }
    return NULL;
}

enum guest_match guest_match(const struct guest *guest)
{
    const struct image *image = &guest->image;
    const uint8_t *there = memory_at_kernel(&guest->memory, image->build_id_at, image->build_id_size);

    if (!there)
        return GUEST_DIFFERS;
    for (size_t i = 0; i < image->build_id_size; i++)
        if (there[i])
            return memcmp(there, image->build_id, image->build_id_size) == 0 ? GUEST_MATCHES : GUEST_DIFFERS;
    return GUEST_NOT_LOADED;
}

bool guest_fits(const struct guest *guest)
{
    const void *there = memory_at_kernel(&guest->memory, guest->at.watch_layout, sizeof watch_layout);

    return there && memcmp(there, watch_layout, sizeof watch_layout) == 0;
}

uint64_t guest_word(const struct guest *guest, uint64_t va)
{
    const uint64_t *word = memory_at_kernel(&guest->memory, va, sizeof *word);

    return word ? __atomic_load_n(word, __ATOMIC_RELAXED) : 0;
}
