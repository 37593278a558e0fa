// SPDX-License-Identifier: MIT
/*
 * The reader on a guest made by hand, and on one whose memory is nonsense: it says what there is, and follows nothing out of memory, nor in
 * circles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mm/core_map.h"
#include "mm/vspace.h"
#include "pages.h"
#include "recount.h"

#define FRAMES 256u
#define SIZE (FRAMES * PAGE_SIZE)

/* Where things lie in the guest, by frames. */
enum { VARIABLES = 1, CORE_MAP = 2, OBJECTS = 8, ROOT = 16, LEVEL3, LEVEL2, LEAF, INFOS, DATA = 32 };

static struct guest guest;

static void *frame(unsigned pfn)
{
    return guest.memory.base + pfn * PAGE_SIZE;
}

static uint64_t address(const void *place)
{
    return KERNBASE + (uint64_t)((const uint8_t *)place - guest.memory.base);
}

static void *pointer(const void *place) // as the guest has it
{
    return (void *)(uintptr_t)address(place);
}

static struct core_map_entry *entry(unsigned pfn)
{
    return (struct core_map_entry *)frame(CORE_MAP) + pfn;
}

static void set_frame(unsigned pfn, enum frame_kind kind, uint32_t refs)
{
    entry(pfn)->kind = kind;
    entry(pfn)->refs = refs;
}

static void set_node(unsigned pfn, int level, unsigned child, unsigned index)
{
    set_frame(pfn, FRAME_NODE, 1);
    entry(pfn)->level = (uint8_t)level;
    if (level > 1)
        ((uint64_t *)frame(pfn))[index] = (uint64_t)child << PAGE_SHIFT | 7;
}

/* One space with one region of 16 pages at 0x400000, of which 5 are in frames and one is in swap. */
static void make_tree(void)
{
    set_node(ROOT, 4, LEVEL3, 0);
    set_node(LEVEL3, 3, LEVEL2, 0);
    set_node(LEVEL2, 2, LEAF, 2);
    set_node(LEAF, 1, 0, 0);
    set_frame(INFOS, FRAME_VPI, 1);
    entry(LEAF)->node.vpi = pointer(frame(INFOS));
    entry(LEAF)->node.base_2m = 2;
    entry(LEAF)->node.live = 6;
    for (unsigned i = 0; i < 5; i++) {
        set_frame(DATA + i, FRAME_ANON, i == 4 ? 2 : 1);
        ((uint64_t *)frame(INFOS))[i] = (uint64_t)(DATA + i) << PAGE_SHIFT | 7;
        ((uint64_t *)frame(LEAF))[i] = (uint64_t)(DATA + i) << PAGE_SHIFT | (i == 4 ? 0x25 : 0x67);
    }
    ((uint64_t *)frame(INFOS))[9] = 77ull << PAGE_SHIFT | 4;
}

static void make_space(void)
{
    uint64_t *variables = frame(VARIABLES);
    struct vspace *space = frame(OBJECTS);
    struct vregion *region = frame(OBJECTS + 1);
    struct list *head = (struct list *)&variables[8];

    variables[0] = address(frame(CORE_MAP));
    variables[1] = FRAMES;
    *head = (struct list){pointer(&space->link), pointer(&space->link)};
    space->link = (struct list){pointer(head), pointer(head)};
    space->number = 3;
    space->root = pointer(entry(ROOT));
    space->region_count = 1;
    space->regions.root = pointer(&region->link);
    *region = (struct vregion){.va_base = 0x400000, .size = 16 * PAGE_SIZE, .prot = VR_READ | VR_WRITE};
}

static void make_guest(void)
{
    static char note[4] = {1, 2, 3, 4};
    int fd = memfd_create("guest", 0);

    assert_int_equal(ftruncate(fd, SIZE), 0);
    memset(&guest, 0, sizeof guest);
    assert_null(memory_open(&guest.memory, fd, "q35"));
    close(fd);
    memcpy((char *)frame(VARIABLES) + 2048, note, sizeof note);
    memcpy(guest.image.build_id, note, sizeof note);
    guest.image.build_id_size = sizeof note;
    guest.image.build_id_at = address(frame(VARIABLES)) + 2048;
    uint64_t at = address(frame(VARIABLES));
    guest.at = (struct guest_symbols){.core_map = at, .core_map_frames = at + 8, .spaces = at + 64, .spaces_lock = at + 128, .pids = at + 192,
                                      .vm_counters = address(frame(VARIABLES + 200)), .watch_control = at + 256};
    make_tree();
    make_space();
}

static void forget_guest(void)
{
    munmap(guest.memory.base, SIZE);
}

/* A mirror and a picture of the guest, after one look. */
static void look(struct mirror *mirror, struct picture *picture, struct change *change)
{
    assert_true(mirror_begin(mirror, &guest));
    picture_begin(picture, mirror);
    mirror_read(mirror, 100000);
    picture_update(picture, mirror, change);
}

static void look_away(struct mirror *mirror, struct picture *picture, struct change *change)
{
    mirror_end(mirror);
    picture_end(picture);
    change_free(change);
}

static void what_is_there_is_told(void **state)
{
    struct mirror mirror;
    struct picture picture;
    struct change change = {0};
    struct page_counts counts;

    (void)state;
    make_guest();
    look(&mirror, &picture, &change);
    assert_false(change_is_torn(&change));
    assert_int_equal(picture.nodes.count, 4);
    assert_int_equal(picture.spaces.count, 1);
    const struct picture_space *space = picture_space(&picture, 3);
    assert_non_null(space);
    assert_int_equal(space->count, 1);
    assert_int_equal(space->array[0].end, 0x410000);
    pages_count(&picture, space, &space->array[0], &counts);
    assert_int_equal(counts.states[PAGE_OWN], 4);
    assert_int_equal(counts.states[PAGE_COW], 1);
    assert_int_equal(counts.states[PAGE_SWAPPED], 1);
    assert_int_equal(counts.states[PAGE_UNTOUCHED], 10);
    struct recount recount = recount_picture(&picture, &mirror, &change);
    assert_true(recount.clean);
    assert_int_equal(recount.wrong, 1); // the fifth page has a second owner that is nowhere
    assert_int_equal(recount.first.pfn, DATA + 4);
    look_away(&mirror, &picture, &change);
    forget_guest();
}

static void only_what_changed_is_told_again(void **state)
{
    struct mirror mirror;
    struct picture picture;
    struct change change = {0};

    (void)state;
    make_guest();
    look(&mirror, &picture, &change);
    mirror_read(&mirror, 100000);
    picture_update(&picture, &mirror, &change);
    assert_true(change_is_empty(&change));
    set_frame(DATA + 40, FRAME_SLAB, 1);
    ((uint64_t *)frame(INFOS))[9] = 0;
    entry(LEAF)->node.live = 5;
    mirror_read(&mirror, 100000);
    picture_update(&picture, &mirror, &change);
    assert_int_equal(change.frames.count, 1);
    assert_int_equal(change.frames.array[0], DATA + 40);
    assert_int_equal(change.nodes.count, 1);
    assert_int_equal(change.spaces.count, 0);
    look_away(&mirror, &picture, &change);
    forget_guest();
}

/* A node that somebody is at work on keeps its old state. */
static void what_is_locked_is_torn(void **state)
{
    struct mirror mirror;
    struct picture picture;
    struct change change = {0};

    (void)state;
    make_guest();
    look(&mirror, &picture, &change);
    entry(LEAF)->lock = 1;
    ((uint64_t *)frame(INFOS))[0] = 0;
    mirror_read(&mirror, 1000);
    picture_update(&picture, &mirror, &change);
    assert_int_equal(change.torn_nodes.count, 1);
    assert_int_equal(change.torn_nodes.array[0], LEAF);
    assert_int_equal(change.nodes.count, 0);
    assert_int_not_equal(picture.node[LEAF]->infos[0], 0);
    look_away(&mirror, &picture, &change);
    forget_guest();
}

static void a_node_below_nothing_goes(void **state)
{
    struct mirror mirror;
    struct picture picture;
    struct change change = {0};

    (void)state;
    make_guest();
    look(&mirror, &picture, &change);
    ((uint64_t *)frame(LEVEL2))[2] = 0;
    mirror_read(&mirror, 100000);
    picture_update(&picture, &mirror, &change);
    assert_int_equal(change.nodes_gone.count, 1);
    assert_int_equal(change.nodes_gone.array[0], LEAF);
    assert_null(picture.node[LEAF]);
    look_away(&mirror, &picture, &change);
    forget_guest();
}

/* Lists and trees that lead into themselves, out of memory, to other kinds of things. */
static void nonsense_ends(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct mirror mirror;
        struct picture picture;
        struct change change = {0};
        srandom(seed);
        make_guest();
        look(&mirror, &picture, &change);
        for (unsigned round = 0; round < 4; round++) {
            uint64_t *places[] = {frame(VARIABLES), frame(OBJECTS), frame(OBJECTS + 1), frame(CORE_MAP), frame(LEVEL2), frame(ROOT)};
            uint64_t *place = places[random() % 6];
            for (unsigned i = 0; i < 1 + seed % 40; i++) {
                unsigned word = (unsigned)random() % (place == places[3] ? 8 * 40 : 64) + (place == places[0] ? 2 : 0);
                place[word] = random() % 2 ? place[random() % 64] : random() % 2 ? address(frame((unsigned)random() % FRAMES)) + (uint64_t)(random() % 64) * 8 : (uint64_t)random() << 20;
            }
            mirror_read(&mirror, 1000);
            picture_update(&picture, &mirror, &change);
            (void)recount_picture(&picture, &mirror, &change);
            for (size_t i = 0; i < picture.spaces.count; i++)
                pages_count_nodes(&picture, &picture.spaces.array[i]);
        }
        look_away(&mirror, &picture, &change);
        forget_guest();
    }
}

/* The hole below 4 GiB, and both ends of memory. */
static void addresses_stay_in_memory(void **state)
{
    const uint64_t gib = UINT64_C(1) << 30;
    struct memory memory = {.base = (uint8_t *)0x10000, .size = 3 * gib, .below_hole = 2 * gib};

    (void)state;
    assert_ptr_equal(memory_at(&memory, 0, 1), memory.base);
    assert_non_null(memory_at(&memory, 2 * gib - 1, 1));
    assert_null(memory_at(&memory, 2 * gib - 1, 2));
    assert_null(memory_at(&memory, 2 * gib, 1));
    assert_null(memory_at(&memory, 4 * gib - 1, 1));
    assert_ptr_equal(memory_at(&memory, 4 * gib, 1), memory.base + 2 * gib);
    assert_non_null(memory_at(&memory, 5 * gib - 8, 8));
    assert_null(memory_at(&memory, 5 * gib - 8, 9));
    assert_null(memory_at(&memory, 5 * gib, 1));
    assert_null(memory_at(&memory, UINT64_MAX, 2));
    assert_null(memory_at(&memory, 0, UINT64_MAX));
    assert_null(memory_at_kernel(&memory, 0x1000, 1));
    assert_null(memory_at_kernel(&memory, KERNBASE - 1, 1));
    assert_ptr_equal(memory_at_kernel(&memory, KERNBASE, 1), memory.base);
    assert_null(memory_at_kernel(&memory, UINT64_MAX, 1));
}

/* A kernel's ELF that is cut off, or changed, is refused or read, but does no harm. */
static void broken_kernels_are_refused(void **state)
{
    char path[] = "/tmp/gaur-image-XXXXXX";
    const char *kernel = getenv("GAUR_WATCH_KERNEL");
    struct image image;

    (void)state;
    if (!kernel || image_open(&image, kernel) != NULL)
        skip();
    assert_true(image_symbol(&image, "core_map") >= KERNBASE);
    assert_int_equal(image_symbol(&image, "no such name"), 0);
    close(mkstemp(path));
    for (unsigned round = 0; round < 200; round++) {
        uint8_t *copy = malloc(image.size);
        size_t size = round % 2 ? image.size : (size_t)random() % 4096;
        memcpy(copy, image.file, image.size);
        for (unsigned i = 0; i < 20; i++)
            copy[random() % (round % 4 == 1 ? 64 : image.size)] = (uint8_t)random();
        for (unsigned i = 0; i < 8; i++) // in the table of sections
            copy[image.size - 1 - (size_t)(random() % 1280)] = (uint8_t)random();
        FILE *file = fopen(path, "wb");
        assert_int_equal(fwrite(copy, 1, size, file), size);
        fclose(file);
        free(copy);
        struct image broken;
        if (image_open(&broken, path) == NULL)
            (void)image_symbol(&broken, "core_map");
        if (broken.file && broken.file != MAP_FAILED)
            munmap((void *)broken.file, broken.size);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_told),    cmocka_unit_test(only_what_changed_is_told_again),
        cmocka_unit_test(what_is_locked_is_torn),   cmocka_unit_test(a_node_below_nothing_goes),
        cmocka_unit_test(nonsense_ends),            cmocka_unit_test(addresses_stay_in_memory),
        cmocka_unit_test(broken_kernels_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
