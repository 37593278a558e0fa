// SPDX-License-Identifier: MIT
/* mremap.c - mappings that grow, shrink and move: their content goes with them, also in parent and child. */
#include "touch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 700 }; // more than one leaf of the page table maps

static unsigned char *filled(size_t pages)
{
    unsigned char *at = pages_map(pages);

    for (size_t i = 0; at && i < pages; i++)
        at[i * PAGE] = (unsigned char)(i * 7 + 1);
    return at;
}

static bool holds(const unsigned char *at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        if (at[i * PAGE] != (unsigned char)(i * 7 + 1))
            return false;
    return true;
}

static bool is_mapped(const void *at)
{
    unsigned char resident;

    return mincore((void *)at, PAGE, &resident) == 0;
}

static bool a_mapping_grows_and_keeps_its_content(void)
{
    unsigned char *at = filled(PAGES), *now = mremap(at, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);

    CHECK(now != MAP_FAILED);
    CHECK(holds(now, PAGES));
    CHECK(now[(2 * PAGES - 1) * PAGE] == 0);
    now[(2 * PAGES - 1) * PAGE] = 5;
    pages_unmap(now, 2 * PAGES);
    return true;
}

static bool it_grows_in_place_where_there_is_room(void)
{
    unsigned char *room = filled(8);

    munmap(room + 4 * PAGE, 4 * PAGE);
    CHECK(mremap(room, 4 * PAGE, 8 * PAGE, 0) == room);
    CHECK(holds(room, 4) && room[7 * PAGE] == 0);
    CHECK_FAILS((long)mremap(room, 4 * PAGE, 8 * PAGE, 0), ENOMEM); // its own second half is in the way
    pages_unmap(room, 8);
    return true;
}

static bool it_shrinks_and_what_lay_behind_is_gone(void)
{
    unsigned char *at = filled(PAGES);

    CHECK(mremap(at, PAGES * PAGE, 10 * PAGE, 0) == at);
    CHECK(holds(at, 10) && !is_mapped(at + 10 * PAGE));
    CHECK_FAILS((long)mremap(at + 10 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
    pages_unmap(at, 10);
    return true;
}

static bool it_moves_to_a_fixed_place_over_what_was_there(void)
{
    unsigned char *at = filled(PAGES), *to = filled(PAGES + 3);

    CHECK(mremap(at, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 3 * PAGE) == to + 3 * PAGE);
    CHECK(holds(to, 3) && holds(to + 3 * PAGE, PAGES) && !is_mapped(at));
    pages_unmap(to, PAGES + 3);
    return true;
}

static bool a_part_moves_out_of_the_middle(void)
{
    unsigned char *at = filled(9), *to = pages_map(3);

    CHECK(mremap(at + 3 * PAGE, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(to[0] == at[0] + 21 && !is_mapped(at + 3 * PAGE) && is_mapped(at + 6 * PAGE) && holds(at, 3));
    pages_unmap(at, 9);
    pages_unmap(to, 3);
    return true;
}

static bool dontunmap_leaves_an_empty_mapping_behind(void)
{
    unsigned char *at = filled(20), *to = mremap(at, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

    CHECK(to != MAP_FAILED && to != at);
    CHECK(holds(to, 20) && at[0] == 0 && at[19 * PAGE] == 0);
    at[0] = 3;
    CHECK(holds(to, 20));
    pages_unmap(at, 20);
    pages_unmap(to, 20);
    return true;
}

static bool shared_memory_is_mapped_twice_from_length_0(void)
{
    unsigned char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned char *twin = mremap(at, 0, 2 * PAGE, MREMAP_MAYMOVE);

    CHECK(twin != MAP_FAILED);
    at[PAGE] = 9;
    CHECK_EQ(twin[PAGE], 9);
    munmap(at, 2 * PAGE);
    CHECK_EQ(twin[PAGE], 9);
    munmap(twin, 2 * PAGE);
    return true;
}

static unsigned char *common;

static bool child_moves_and_writes(void)
{
    unsigned char *to = mremap(common, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);

    CHECK(to != MAP_FAILED && holds(to, PAGES));
    for (int i = 0; i < PAGES; i += 3)
        to[i * PAGE] = 200;
    return true;
}

static bool what_a_child_moves_and_writes_the_parent_does_not_see(void)
{
    common = filled(PAGES);
    CHECK_CHILD(child_moves_and_writes);
    CHECK(holds(common, PAGES));
    unsigned char *to = mremap(common, PAGES * PAGE, 3 * PAGES * PAGE, MREMAP_MAYMOVE);
    CHECK(to != MAP_FAILED && holds(to, PAGES));
    pages_unmap(to, 3 * PAGES);
    return true;
}

static bool a_moved_file_mapping_keeps_its_offset(void)
{
    int fd = open("moved", O_RDWR | O_CREAT, 0600);

    for (char i = 0; i < 8; i++)
        CHECK(pwrite(fd, &i, 1, i * (off_t)PAGE) == 1);
    CHECK(ftruncate(fd, 8 * PAGE) == 0);
    unsigned char *at = mmap(NULL, 6 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE), *to = pages_map(4);
    close(fd);
    CHECK_EQ(at[PAGE], 3);
    CHECK(mremap(at + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(to[0] == 4 && to[PAGE] == 5 && to[2 * PAGE] == 6 && at[4 * PAGE] == 6);
    munmap(at, 6 * PAGE);
    munmap(to, 4 * PAGE);
    return true;
}

static bool a_mapping_that_grows_down_does_so_where_it_has_moved(void)
{
    unsigned char *room = pages_map(1200), *at = mmap(room, 2 * PAGE, PROT_READ | PROT_WRITE,
                                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);

    CHECK(at == room);
    at[0] = 8;
    munmap(room + 2 * PAGE, 1198 * PAGE);
    unsigned char *to = mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 1000 * PAGE);
    CHECK(to == room + 1000 * PAGE);
    CHECK(to[0] == 8 && touch_allowed(TOUCH_WRITE, to - 1) && touch_allowed(TOUCH_WRITE, to - 9 * PAGE));
    munmap(to - 9 * PAGE, 11 * PAGE);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(a_mapping_grows_and_keeps_its_content);
    TEST(it_grows_in_place_where_there_is_room);
    TEST(it_shrinks_and_what_lay_behind_is_gone);
    TEST(it_moves_to_a_fixed_place_over_what_was_there);
    TEST(a_part_moves_out_of_the_middle);
    TEST(dontunmap_leaves_an_empty_mapping_behind);
    TEST(shared_memory_is_mapped_twice_from_length_0);
    TEST(what_a_child_moves_and_writes_the_parent_does_not_see);
    TEST(a_moved_file_mapping_keeps_its_offset);
    TEST(a_mapping_that_grows_down_does_so_where_it_has_moved);
    return tap_done();
}
