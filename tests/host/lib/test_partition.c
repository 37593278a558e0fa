// SPDX-License-Identifier: MIT
/*
 * test_partition.c - tables of partitions: good ones, damaged ones, and noise. GAUR_SECONDS=N: that much noise. GAUR_SEED=N
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dev/partition.c"

#define BLOCK  512u
#define BLOCKS 4096u

static uint8_t image[BLOCKS * BLOCK], page[4096];
static struct partition found[1000];
static unsigned count, reads, bad_block;
static char told[300]; // the last line of the log

void printk(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(told, sizeof told, format, list);
    va_end(list);
}

static int read_image(void *disk, uint64_t offset, void *data, size_t size)
{
    (void)disk;
    assert_true(size > 0 && offset % size == 0 && offset + size <= sizeof image);
    assert_true(reads++ < 100000);
    if (bad_block && offset / BLOCK == bad_block)
        return -EIO;
    memcpy(data, image + offset, size);
    return 0;
}

static void add_found(void *disk, const struct partition *partition)
{
    (void)disk;
    assert_true(partition->size > 0 && partition->start + partition->size <= sizeof image);
    assert_in_range(partition->index, 1, PARTITIONS_MAX);
    assert_true(count < 1000);
    found[count++] = *partition;
}

static int find_with(uint32_t block_size, uint64_t size)
{
    struct partition_disk disk = {read_image, add_found, NULL, page, size, block_size, "disk"};

    count = reads = 0;
    told[0] = 0;
    return partitions_find(&disk);
}

static void find(void)
{
    assert_int_equal(find_with(BLOCK, sizeof image), 0);
}

static void assert_found(unsigned at, unsigned index, uint64_t start, uint64_t blocks)
{
    assert_true(at < count);
    assert_int_equal(found[at].index, index);
    assert_int_equal(found[at].start, start * BLOCK);
    assert_int_equal(found[at].size, blocks * BLOCK);
}

static int clear(void **state)
{
    (void)state;
    memset(image, 0, sizeof image);
    bad_block = 0;
    return 0;
}

/* ---- Boot records ---- */

static void put_entry(uint32_t block, unsigned place, uint8_t type, uint32_t start, uint32_t size)
{
    struct table_entry entry = {.type = type, .start = start, .size = size};

    memcpy(image + block * BLOCK + TABLE_OFFSET + place * sizeof entry, &entry, sizeof entry);
    image[block * BLOCK + MARK_OFFSET] = 0x55;
    image[block * BLOCK + MARK_OFFSET + 1] = 0xaa;
}

static void primary_and_logical_partitions_are_found(void **state)
{
    (void)state;
    put_entry(0, 0, 0x83, 100, 200);
    put_entry(0, 1, TYPE_EXTENDED, 1000, 2000);
    put_entry(0, 3, 0x82, 3000, 500);
    put_entry(1000, 0, 0x83, 10, 90);
    put_entry(1000, 1, TYPE_EXTENDED, 200, 300);
    put_entry(1200, 0, 0x83, 10, 20);
    find();
    assert_int_equal(count, 5);
    assert_found(0, 1, 100, 200);
    assert_found(1, 2, 1000, 2);
    assert_found(2, 5, 1010, 90);
    assert_found(3, 6, 1210, 20);
    assert_found(4, 4, 3000, 500);
}

static void what_reaches_beyond_the_end_is_cut(void **state)
{
    (void)state;
    put_entry(0, 0, 0x83, 4000, 5000);
    put_entry(0, 1, 0x83, 4096, 1);
    put_entry(0, 2, 0x83, UINT32_MAX, UINT32_MAX);
    put_entry(0, 3, 0x83, 7, 0);
    find();
    assert_int_equal(count, 1);
    assert_found(0, 1, 4000, 96);
}

static void a_chain_that_turns_back_ends(void **state)
{
    (void)state;
    put_entry(0, 0, TYPE_EXTENDED, 1000, 2000);
    put_entry(1000, 1, TYPE_EXTENDED, 0, 300); // itself, without a partition
    find();
    assert_int_equal(count, 1);
    put_entry(1000, 0, 0x83, 10, 20); // and with one
    find();
    assert_found(count - 1, PARTITIONS_MAX, 1010, 20);
}

static void an_unreadable_link_ends_the_chain(void **state)
{
    (void)state;
    put_entry(0, 0, TYPE_EXTENDED, 1000, 2000);
    put_entry(0, 1, 0x83, 3000, 10);
    put_entry(1000, 0, 0x83, 10, 90);
    bad_block = 1000;
    find();
    assert_int_equal(count, 2);
    assert_found(1, 2, 3000, 10);
    bad_block = 0;
    put_entry(0, 0, TYPE_EXTENDED, 9000, 2000);
    find();
    assert_int_equal(count, 1);
}

static void code_and_blank_disks_are_no_table(void **state)
{
    (void)state;
    find();
    assert_int_equal(count, 0);
    put_entry(0, 0, 0x83, 100, 200);
    image[TABLE_OFFSET + 16] = 0x12; // of the second one: `active`
    find();
    assert_int_equal(count, 0);
    assert_int_equal(find_with(BLOCK, 100), 0);
    assert_int_equal(find_with(BLOCK, 0), 0);
}

/* ---- GPT ---- */

#define GPT_COUNT 128u

/* => a whole header for the entries at `entries` */
static void put_header(uint64_t self, uint64_t other, uint64_t entries, uint32_t entry_count)
{
    struct gpt_header header = {0};

    memcpy(header.signature, GPT_SIGNATURE, 8);
    header.revision = 0x10000;
    header.header_size = sizeof header;
    header.self = self;
    header.other = other;
    header.first = 34;
    header.last = BLOCKS - 34;
    header.entries = entries;
    header.entry_count = entry_count;
    header.entry_size = GPT_ENTRY_SIZE;
    header.entries_crc = crc32(0, image + entries * BLOCK, entry_count * GPT_ENTRY_SIZE);
    header.header_crc = crc32(0, &header, sizeof header);
    memcpy(image + self * BLOCK, &header, sizeof header);
}

static void put_gpt_entry(unsigned place, uint64_t first, uint64_t last)
{
    struct gpt_entry entry = {.type = {1, 2, 3}, .first = first, .last = last};

    memcpy(image + 2 * BLOCK + place * sizeof entry, &entry, sizeof entry);
}

static void put_headers(void)
{
    put_entry(0, 0, TYPE_GPT, 1, BLOCKS - 1);
    memcpy(image + (BLOCKS - 33) * BLOCK, image + 2 * BLOCK, GPT_COUNT * GPT_ENTRY_SIZE);
    put_header(1, BLOCKS - 1, 2, GPT_COUNT);
    put_header(BLOCKS - 1, 1, BLOCKS - 33, GPT_COUNT);
}

static int make_gpt(void **state)
{
    clear(state);
    put_gpt_entry(0, 100, 199);
    put_gpt_entry(4, 200, 200);
    put_gpt_entry(127, 3000, 3999);
    put_headers();
    return 0;
}

static void assert_gpt(void)
{
    assert_int_equal(count, 3);
    assert_found(0, 1, 100, 100);
    assert_found(1, 5, 200, 1);
    assert_found(2, 128, 3000, 1000);
}

static void partitions_of_a_gpt_are_found(void **state)
{
    (void)state;
    find();
    assert_gpt();
    assert_string_equal(told, "");
}

/* Whatever bit is wrong, in header or entries, the copy counts. */
static void the_copy_counts_where_the_first_is_damaged(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < (BLOCK + GPT_COUNT * GPT_ENTRY_SIZE) * 8; bit += bit < sizeof(struct gpt_header) * 8 ? 1 : 97) {
        if (bit >= sizeof(struct gpt_header) * 8 && bit < BLOCK * 8)
            continue; // behind the header
        image[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
        find();
        assert_gpt();
        assert_non_null(strstr(told, "alternate"));
        image[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bad_block = 1;
    find();
    assert_gpt();
    bad_block = 5;
    find();
    assert_gpt();
}

static void two_damaged_ones_are_none(void **state)
{
    (void)state;
    image[BLOCK + 20] ^= 1;
    image[(BLOCKS - 1) * BLOCK + 20] ^= 1;
    assert_int_equal(find_with(BLOCK, sizeof image), -EIO);
    assert_int_equal(count, 0);
}

static void entries_outside_of_the_disk_are_left_out(void **state)
{
    (void)state;
    put_gpt_entry(0, 300, 299);
    put_gpt_entry(4, 200, BLOCKS);
    put_gpt_entry(127, UINT64_MAX, UINT64_MAX);
    put_headers();
    find();
    assert_int_equal(count, 0);
    put_header(1, BLOCKS - 1, 2, GPT_ENTRIES + 1);
    put_header(BLOCKS - 1, 1, 2, GPT_ENTRIES + 1);
    assert_int_equal(find_with(BLOCK, sizeof image), -EIO);
    assert_int_equal(count, 0);
}

/* ---- Noise ---- */

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text ? atol(text) : otherwise;
}

/* Tables of which some bytes are something else; checksums are right again in half of them. */
static void noise(unsigned blocks)
{
    for (unsigned i = rand() % 20; i > 0; i--) {
        unsigned block = rand() % 4 ? (unsigned)rand() % blocks : 1000 + (unsigned)rand() % 8;
        unsigned at = rand() % 2 ? (unsigned)rand() % BLOCK : TABLE_OFFSET + (unsigned)rand() % 64;
        image[block * BLOCK + at] = (uint8_t)(rand() % 3 ? rand() : rand() % 6);
    }
}

/* Let what noise has made of the first header and its entries be what they promise, where it can be. */
static void mend_checksums(void)
{
    struct gpt_header *header = (void *)(image + BLOCK);

    if (header->entries < BLOCKS && header->entry_count <= (BLOCKS - header->entries) * (BLOCK / GPT_ENTRY_SIZE))
        header->entries_crc = crc32(0, image + header->entries * BLOCK, (size_t)header->entry_count * GPT_ENTRY_SIZE);
    header->header_crc = 0;
    header->header_crc = crc32(0, header, MIN(header->header_size, BLOCK));
}

static void no_noise_does_harm(void **state)
{
    (void)state;
    srand((unsigned)number("GAUR_SEED", 1));
    time_t end = time(NULL) + number("GAUR_SECONDS", 0);
    unsigned rounds = 0;

    do {
        make_gpt(NULL);
        if (rand() % 2) {
            primary_and_logical_partitions_are_found(NULL);
            for (unsigned i = 0; i < 8; i++)
                put_entry(1000 + i, rand() % 4, rand() % 3 ? TYPE_EXTENDED : 0x83, (uint32_t)rand() % 10, (uint32_t)rand() % 100);
        }
        noise(40);
        if (rand() % 2)
            mend_checksums();
        static const uint32_t sizes[] = {512, 1024, 2048, 4096};
        (void)!find_with(sizes[rand() % 4], sizeof image - (uint64_t)(rand() % 2 ? 0 : rand() % (int)sizeof image));
    } while (++rounds < 20000 || time(NULL) < end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(primary_and_logical_partitions_are_found, clear),
        cmocka_unit_test_setup(what_reaches_beyond_the_end_is_cut, clear),
        cmocka_unit_test_setup(a_chain_that_turns_back_ends, clear),
        cmocka_unit_test_setup(an_unreadable_link_ends_the_chain, clear),
        cmocka_unit_test_setup(code_and_blank_disks_are_no_table, clear),
        cmocka_unit_test_setup(partitions_of_a_gpt_are_found, make_gpt),
        cmocka_unit_test_setup(the_copy_counts_where_the_first_is_damaged, make_gpt),
        cmocka_unit_test_setup(two_damaged_ones_are_none, make_gpt),
        cmocka_unit_test_setup(entries_outside_of_the_disk_are_left_out, make_gpt),
        cmocka_unit_test_setup(no_noise_does_harm, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
