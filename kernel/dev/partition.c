// SPDX-License-Identifier: MIT
/*
 * partition.c - the tables of partitions that a disk may have.
 *
 * Theory      A master boot record has four entries. One of them may be an extended partition: a chain of blocks like the first, each with
 *             a logical partition and the way to the next. A boot record with an entry of type 0xee protects a GPT: a header behind it,
 *             which says where its entries are, and the same once more from the end of the disk. Header and entries bear a CRC32; if the
 *             first ones are damaged, the others count.
 * Failure     A table that makes no sense, as far as it does: nothing of it, or what was found until then. Partitions that reach beyond
 *             the end of the disk are cut there, as on Linux. Chains that turn back on themselves end at a number of steps.
 * Source      UEFI specification, chapter 5; what Linux accepts: block/partitions/msdos.c, efi.c.
 */
#include "dev/partition.h"

#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define TABLE_OFFSET   446
#define TABLE_ENTRIES  4
#define MARK_OFFSET    510
#define ACTIVE_OR_NONE 0x7f // of `active`: these bits are never set
#define EXTENDED_BYTES 1024 // of an extended partition that are shown: room for a boot loader, none for a file system
#define LOGICAL_FIRST  5
#define EMPTY_MAX      100  // links of a chain, one after the other, that tell of no partition

enum { TYPE_EMPTY = 0, TYPE_EXTENDED = 5, TYPE_EXTENDED_LBA = 0x0f, TYPE_EXTENDED_LINUX = 0x85, TYPE_GPT = 0xee };

struct table_entry {
    uint8_t active;
    uint8_t first_chs[3];
    uint8_t type;
    uint8_t last_chs[3];
    uint32_t start; // in the disk's blocks
    uint32_t size;
} __packed;

/* ---- Both kinds ---- */

/* => within the disk, or -EIO */
static int read_block(const struct partition_disk *disk, uint64_t block)
{
    if (block >= disk->size / disk->block_size)
        return -EIO;
    return disk->read(disk->disk, block * disk->block_size, disk->buffer, disk->block_size);
}

/* Tell of a partition, given in blocks, if some of it is on the disk. */
static void tell(const struct partition_disk *disk, unsigned index, uint64_t start, uint64_t blocks)
{
    uint64_t end = disk->size / disk->block_size;

    if (index > PARTITIONS_MAX)
        return;
    if (start > end || blocks > end - start) {
        printk(LOG_WARNING "%s: p%u extends beyond EOD\n", disk->name, index);
        blocks = start < end ? end - start : 0;
    }
    if (blocks == 0)
        return;
    struct partition partition = {index, start * disk->block_size, blocks * disk->block_size};
    disk->found(disk->disk, &partition);
}

/* ---- Boot records ---- */

static bool is_extended(const struct table_entry *entry)
{
    return entry->size != 0 &&
           (entry->type == TYPE_EXTENDED || entry->type == TYPE_EXTENDED_LBA || entry->type == TYPE_EXTENDED_LINUX);
}

/* The entries of the block in the buffer. => false: it is no boot record */
static bool copy_entries(const struct partition_disk *disk, struct table_entry entries[TABLE_ENTRIES])
{
    const uint8_t *block = disk->buffer;

    memcpy(entries, block + TABLE_OFFSET, TABLE_ENTRIES * sizeof entries[0]);
    return block[MARK_OFFSET] == 0x55 && block[MARK_OFFSET + 1] == 0xaa;
}

/* A link of the chain in an extended partition. Its 3rd and 4th entry are unused, or garbage. */
struct chain {
    uint64_t start, size;        // the whole extended partition
    uint64_t at, here;           // this link, and how much it is for
    unsigned next;               // logical partition
    unsigned empty;              // links since the last partition
};

static bool makes_sense(const struct chain *chain, const struct table_entry *entry, unsigned place)
{
    uint64_t first = chain->at + entry->start;

    if (entry->size == 0 || is_extended(entry))
        return false;
    return place < 2 || ((uint64_t)entry->start + entry->size <= chain->here && first >= chain->start &&
                         first + entry->size <= chain->start + chain->size);
}

/* => whether there is another link */
static bool follow(const struct partition_disk *disk, struct chain *chain)
{
    struct table_entry entries[TABLE_ENTRIES];

    if (chain->empty++ == EMPTY_MAX || read_block(disk, chain->at) != 0 || !copy_entries(disk, entries))
        return false;
    for (unsigned i = 0; i < TABLE_ENTRIES && chain->next <= PARTITIONS_MAX; i++) {
        if (!makes_sense(chain, &entries[i], i))
            continue;
        tell(disk, chain->next++, chain->at + entries[i].start, entries[i].size);
        chain->empty = 0;
    }
    for (unsigned i = 0; i < TABLE_ENTRIES && chain->next <= PARTITIONS_MAX; i++) {
        if (!is_extended(&entries[i]))
            continue;
        chain->at = chain->start + entries[i].start;
        chain->here = entries[i].size;
        return true;
    }
    return false;
}

/* => the first logical partition's number that is free then */
static unsigned find_logical(const struct partition_disk *disk, const struct table_entry *extended, unsigned next)
{
    struct chain chain = {.start = extended->start, .size = extended->size, .at = extended->start, .here = extended->size, .next = next};

    while (follow(disk, &chain))
        ;
    return chain.next;
}

static void find_in_record(const struct partition_disk *disk, const struct table_entry entries[TABLE_ENTRIES])
{
    unsigned next = LOGICAL_FIRST;

    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if (is_extended(&entries[i])) {
            uint64_t shown = MAX(EXTENDED_BYTES / disk->block_size, 1u);
            tell(disk, i + 1, entries[i].start, MIN(shown, (uint64_t)entries[i].size));
            next = find_logical(disk, &entries[i], next);
        } else if (entries[i].type != TYPE_EMPTY) {
            tell(disk, i + 1, entries[i].start, entries[i].size);
        }
    }
}

/* The boot sectors of some file systems bear the same mark, with code where the table would be. */
static bool is_table(const struct table_entry entries[TABLE_ENTRIES])
{
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        if (entries[i].active & ACTIVE_OR_NONE)
            return false;
    return true;
}

/* ---- GPT ---- */

#define GPT_SIGNATURE  "EFI PART"
#define GPT_ENTRY_SIZE 128u
#define GPT_ENTRIES    4096u // beyond that the table is no table

struct gpt_header {
    char signature[8];
    uint32_t revision;
    uint32_t header_size, header_crc;
    uint32_t reserved;
    uint64_t self, other;           // in blocks, as what follows: this header, and its copy
    uint64_t first, last;           // that partitions may have
    uint8_t guid[16];
    uint64_t entries;
    uint32_t entry_count, entry_size, entries_crc;
} __packed;

struct gpt_entry {
    uint8_t type[16], guid[16];
    uint64_t first, last;
    uint64_t attributes;
    uint16_t name[36];
};

static_assert(sizeof(struct gpt_header) == 92 && sizeof(struct gpt_entry) == GPT_ENTRY_SIZE, "as the specification has them");

/* The CRC that Ethernet has; begins with 0. A bit at a time: a table for it would lie in memory for ever. */
static uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* => the header is in the buffer as the disk has it */
static bool header_is_whole(const struct partition_disk *disk, const struct gpt_header *header)
{
    struct gpt_header *there = disk->buffer;

    if (memcmp(header->signature, GPT_SIGNATURE, sizeof header->signature) || header->header_size < sizeof *header ||
        header->header_size > disk->block_size)
        return false;
    there->header_crc = 0;
    return crc32(0, there, header->header_size) == header->header_crc;
}

/* Call `visit` for the entries, a block at a time. => false: they cannot be read */
static bool for_each_block(const struct partition_disk *disk, const struct gpt_header *header,
                           void (*visit)(const struct partition_disk *disk, unsigned first, unsigned count, void *arg), void *arg)
{
    unsigned per_block = disk->block_size / GPT_ENTRY_SIZE;
    uint64_t block = header->entries;

    for (unsigned first = 0; first < header->entry_count; first += per_block) {
        if (read_block(disk, block++) != 0)
            return false;
        visit(disk, first, MIN(per_block, header->entry_count - first), arg);
    }
    return true;
}

static void add_to_crc(const struct partition_disk *disk, unsigned first, unsigned count, void *arg)
{
    uint32_t *crc = arg;

    (void)first;
    *crc = crc32(*crc, disk->buffer, count * GPT_ENTRY_SIZE);
}

/* => whether there is a header at that block that holds what it promises, and its entries do */
static bool gpt_read(const struct partition_disk *disk, uint64_t block, struct gpt_header *header)
{
    uint64_t blocks = disk->size / disk->block_size;
    uint32_t crc = 0;

    if (read_block(disk, block) != 0)
        return false;
    memcpy(header, disk->buffer, sizeof *header);
    if (!header_is_whole(disk, header) || header->self != block || header->first >= blocks || header->last >= blocks ||
        header->last < header->first || header->entry_size != GPT_ENTRY_SIZE || header->entry_count > GPT_ENTRIES)
        return false;
    return for_each_block(disk, header, add_to_crc, &crc) && crc == header->entries_crc;
}

static bool is_used(const struct gpt_entry *entry)
{
    for (unsigned i = 0; i < sizeof entry->type; i++)
        if (entry->type[i])
            return true;
    return false;
}

/* A partition that does not lie within the disk is none. */
static void tell_entries(const struct partition_disk *disk, unsigned first, unsigned count, void *arg)
{
    const struct gpt_entry *entries = disk->buffer;
    uint64_t blocks = disk->size / disk->block_size;

    (void)arg;
    for (unsigned i = 0; i < count; i++)
        if (is_used(&entries[i]) && entries[i].first <= entries[i].last && entries[i].last < blocks)
            tell(disk, first + i + 1, entries[i].first, entries[i].last - entries[i].first + 1);
}

static int find_in_gpt(const struct partition_disk *disk)
{
    struct gpt_header header;
    bool whole = gpt_read(disk, 1, &header);

    if (!whole && (whole = gpt_read(disk, disk->size / disk->block_size - 1, &header)))
        printk(LOG_WARNING "%s: using alternate GPT\n", disk->name);
    return whole && for_each_block(disk, &header, tell_entries, NULL) ? 0 : -EIO;
}

/* ---- Which is it? ---- */

int partitions_find(const struct partition_disk *disk)
{
    struct table_entry entries[TABLE_ENTRIES];
    bool gpt = false;

    if (disk->size < disk->block_size)
        return 0;
    int error = read_block(disk, 0);
    if (error || !copy_entries(disk, entries) || !is_table(entries))
        return error;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        gpt |= entries[i].type == TYPE_GPT;
    if (gpt)
        return find_in_gpt(disk);
    find_in_record(disk, entries);
    return 0;
}
