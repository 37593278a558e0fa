// SPDX-License-Identifier: MIT
/* test_convert.c - addresses, frames and their numbers, there and back; what boot makes of the memory map. */
#include "support.h"

#include "arch/x86/paging.h"
#include "mm/kalloc.h"
#include "mm/node.h"

static void every_frame_address_converts_and_returns(void **state)
{
    (void)state;
    for (paddr_t pa = 0; pa < ARENA_SIZE; pa += PAGE_SIZE) {
        assert_int_equal(V2P(P2V(pa)), pa);
        assert_int_equal(V2P(P2V(pa + 0xabc)), pa + 0xabc);
        assert_ptr_equal(P2V(V2P((void *)(uintptr_t)(KERNBASE + pa))), (void *)(uintptr_t)(KERNBASE + pa));
        assert_int_equal(PGNUM(pa), pa / 4096);
        assert_int_equal(PGNUM(pa + 4095), pa / 4096);
    }
}

static void every_core_map_entry_finds_its_frame_and_back(void **state)
{
    (void)state;
    assert_int_equal(core_map_frames, ARENA_SIZE / 4096);
    for (pfn_t pfn = 0; pfn < core_map_frames; pfn++) {
        struct core_map_entry *page = &core_map[pfn];
        assert_int_equal(page2pa(page), pfn * 4096);
        assert_int_equal(page2pfn(page), pfn);
        assert_ptr_equal(page2kva(page), P2V(pfn * 4096));
        assert_ptr_equal(pa2page(pfn * 4096), page);
        assert_ptr_equal(pa2page(pfn * 4096 + 4095), page);
        assert_ptr_equal(kva2page((char *)page2kva(page) + 100), page);
    }
}

static void frame_numbers_end_with_memory(void **state)
{
    (void)state;
    assert_true(pfn_is_valid(0));
    assert_true(pfn_is_valid(ARENA_SIZE / 4096 - 1));
    assert_false(pfn_is_valid(ARENA_SIZE / 4096));
    assert_false(pfn_is_valid(UINT64_MAX));
}

static void structures_have_the_sizes_that_documents_give(void **state)
{
    (void)state;
    assert_int_equal(PAGE_SIZE, 4096);
    assert_int_equal(sizeof(pte_t), 8);
    assert_int_equal(sizeof(struct core_map_entry), 32);
    assert_int_equal(sizeof(struct vpage_info), 8);
    assert_int_equal(sizeof(struct vpi_page), 4096);
    assert_int_equal(LEAF_SPAN, 2 * 1024 * 1024);
}

static void a_vpage_info_names_every_frame_there_may_be(void **state)
{
    struct vpage_info info = {.ppn = (1ull << 40) - 1};

    (void)state;
    assert_int_equal(info.ppn, (1ull << 40) - 1);
    info = vpage_in_frame(&core_map[core_map_frames - 1], true);
    assert_ptr_equal(vpage_frame(&info), &core_map[core_map_frames - 1]);
}

static void entries_keep_address_and_rights_apart(void **state)
{
    (void)state;
    for (unsigned prot = 1; prot < 8; prot++) {
        pte_t entry = pte_make(0xffffffff000, prot);
        assert_true(pte_is_present(entry) && pte_is_user(entry));
        assert_int_equal(pte_pa(entry), 0xffffffff000);
        assert_int_equal(pte_is_writable(entry), !!(prot & W));
        assert_int_equal(pte_is_exec(entry), !!(prot & X));
        assert_false(pte_is_accessed(entry) || pte_is_dirty(entry) || pte_is_large(entry));
    }
    assert_false(pte_is_present(pte_none()));
}

static void boot_leaves_the_firmware_its_hole_and_takes_the_image(void **state)
{
    (void)state;
    assert_int_equal(frame_kind(&core_map[0]), FRAME_RESERVED);
    for (paddr_t pa = MACHINE_HOLE; pa < 0x100000; pa += PAGE_SIZE)
        assert_int_equal(frame_kind(pa2page(pa)), FRAME_RESERVED);
    for (paddr_t pa = MACHINE_INITRD; pa < MACHINE_INITRD + MACHINE_INITRD_SIZE; pa += PAGE_SIZE)
        assert_int_equal(frame_kind(pa2page(pa)), FRAME_RESERVED);
    assert_int_equal(frame_kind(kva2page(core_map)), FRAME_IMAGE);
    assert_int_equal(frame_kind(pa2page(paging_kernel_root())), FRAME_IMAGE);
    assert_int_equal(frame_kind(zero_page), FRAME_ZERO);
}

static void a_reserved_frame_is_adopted_with_one_reference(void **state)
{
    struct core_map_entry *page;

    (void)state;
    page = frame_adopt(MACHINE_INITRD, FRAME_FILE);
    assert_ptr_equal(page, pa2page(MACHINE_INITRD));
    assert_int_equal(frame_kind(page), FRAME_FILE);
    assert_int_equal(frame_refs(page), 1);
    /* Nobody's page cache has it, so verify sees a file page that is pinned, and no more. */
    assert_verify_clean();
    atomic_store(&page->refs, 0);
    frame_set_kind(page, FRAME_RESERVED);
}

static void adopt_again(void *arg)
{
    (void)frame_adopt(*(paddr_t *)arg, FRAME_FILE);
}

static void a_frame_in_use_cannot_be_adopted(void **state)
{
    void *frame = kalloc();
    paddr_t pa = V2P(frame);

    (void)state;
    assert_panics(adopt_again, &pa, "FRAME_RESERVED");
    kfree(frame);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
        assert_non_null(frame_kind_name(kind));
        for (unsigned other = 0; other < kind; other++)
            assert_string_not_equal(frame_kind_name(kind), frame_kind_name(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_frame_address_converts_and_returns),
        TEST(every_core_map_entry_finds_its_frame_and_back),
        TEST(frame_numbers_end_with_memory),
        TEST(structures_have_the_sizes_that_documents_give),
        TEST(a_vpage_info_names_every_frame_there_may_be),
        TEST(entries_keep_address_and_rights_apart),
        TEST(boot_leaves_the_firmware_its_hole_and_takes_the_image),
        TEST(a_reserved_frame_is_adopted_with_one_reference),
        TEST(a_frame_in_use_cannot_be_adopted),
        TEST(every_kind_has_a_name),
    };

    return RUN_TESTS(tests);
}
