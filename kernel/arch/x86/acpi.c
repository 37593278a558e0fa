// SPDX-License-Identifier: MIT
/*
 * acpi.c - reading MADT and FADT. Source: ACPI specification 6.4, 5.2.
 *
 * The tables are the firmware's: trusted as memory is, but every length is checked before it is followed.
 */
#include "arch/x86/acpi.h"

#include "arch/x86/boot_info.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/paging.h"
#include "lib/log.h"
#include "lib/string.h"

#define LAPIC_DEFAULT  0xfee00000
#define IOAPIC_DEFAULT 0xfec00000

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} __packed;

struct table {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[26];
} __packed;

struct generic_address {
    uint8_t space; // 1: I/O port
    uint8_t width, offset, access;
    uint64_t address;
} __packed;

struct fadt {
    struct table header;
    uint8_t skipped1[28];
    uint32_t pm1a_control; // offset 64
    uint8_t skipped2[8];
    uint32_t pm_timer; // offset 76
    uint8_t skipped3[32];
    uint32_t flags; // offset 112
    struct generic_address reset;
    uint8_t reset_value;
    uint8_t skipped4[115];
    struct generic_address sleep_control; // offset 244, of machines with reduced hardware
} __packed;

static_assert(offsetof(struct fadt, pm1a_control) == 64, "FADT");
static_assert(offsetof(struct fadt, pm_timer) == 76, "FADT");
static_assert(offsetof(struct fadt, flags) == 112, "FADT");
static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT");

#define FADT_RESET_SUPPORTED  (1u << 10)
#define FADT_REDUCED_HARDWARE (1u << 20)
#define SPACE_MEMORY          0
#define SPACE_IO              1

struct madt {
    struct table header;
    uint32_t lapic;
    uint32_t flags;
} __packed;

/* Entries of the MADT: a type, a length, then this. */
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2 };

struct madt_lapic {
    uint8_t type, length, processor, id;
    uint32_t flags;
} __packed;

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t base;
    uint32_t gsi_base;
} __packed;

struct madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
} __packed;

static struct acpi_info info;

const struct acpi_info *acpi_info(void)
{
    return &info;
}

static bool checksum_good(const void *data, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += ((const uint8_t *)data)[i];
    return sum == 0;
}

/* A table at `pa`, all of it mapped and summed up. => NULL if it is damaged */
static const struct table *table_at(paddr_t pa)
{
    const struct table *table = paging_map_firmware(pa, sizeof(*table));

    if (!table || table->length < sizeof(*table) || !paging_map_firmware(pa, table->length))
        return NULL;
    return checksum_good(table, table->length) ? table : NULL;
}

static const struct table *root_table(void)
{
    paddr_t pa = boot_info()->rsdp;
    const struct rsdp *rsdp = pa ? paging_map_firmware(pa, sizeof(*rsdp)) : NULL;

    if (!rsdp || memcmp(rsdp->signature, "RSD PTR ", 8) != 0)
        return NULL;
    return table_at(rsdp->revision >= 2 && rsdp->xsdt ? rsdp->xsdt : rsdp->rsdt);
}

/* The table with this signature, at least `size` bytes long. => NULL if there is none */
static const void *find_table(const struct table *root, const char *signature, size_t size)
{
    size_t width = root->signature[0] == 'X' ? 8 : 4;
    size_t count = (root->length - sizeof(*root)) / width;

    for (size_t i = 0; i < count; i++) {
        paddr_t pa = 0;

        memcpy(&pa, (const char *)(root + 1) + i * width, width);
        const struct table *table = table_at(pa);

        if (table && memcmp(table->signature, signature, 4) == 0 && table->length >= size)
            return table;
    }
    return NULL;
}

static void add_cpu(uint32_t lapic_id)
{
    if (lapic_id == info.lapic_ids[0])
        return;
    if (info.cpu_count == MAX_CPUS)
        warn_once("more than %u CPUs: the rest stays off", MAX_CPUS);
    else
        info.lapic_ids[info.cpu_count++] = lapic_id;
}

static void add_override(const struct madt_override *o)
{
    if (o->source >= ISA_IRQS)
        return;
    info.isa_irqs[o->source] = (struct acpi_isa_irq){
        .gsi = o->gsi,
        .active_low = (o->flags & 3) == 3,
        .level = (o->flags >> 2 & 3) == 3,
    };
}

static void read_madt_entry(const uint8_t *entry)
{
    const struct madt_lapic *lapic = (const void *)entry;
    const struct madt_ioapic *ioapic = (const void *)entry;

    if (entry[0] == MADT_LAPIC && entry[1] >= sizeof(*lapic) && (lapic->flags & 1))
        add_cpu(lapic->id);
    else if (entry[0] == MADT_IOAPIC && entry[1] >= sizeof(*ioapic) && info.ioapic_count < IOAPICS_MAX)
        info.ioapics[info.ioapic_count++] = (struct acpi_ioapic){ioapic->base, ioapic->gsi_base};
    else if (entry[0] == MADT_OVERRIDE && entry[1] >= sizeof(struct madt_override))
        add_override((const void *)entry);
}

static void read_madt(const struct madt *madt)
{
    const uint8_t *entry = (const uint8_t *)(madt + 1), *end = (const uint8_t *)madt + madt->header.length;

    info.lapic = madt->lapic;
    while (end - entry >= 2 && entry[1] >= 2 && entry[1] <= end - entry) {
        read_madt_entry(entry);
        entry += entry[1];
    }
}

/* A table that is shorter has nothing behind its end. */
static void read_fadt(const struct fadt *fadt)
{
    uint32_t length = fadt->header.length;

    info.pm_timer_port = (uint16_t)fadt->pm_timer;
    info.pm1a_control_port = (uint16_t)fadt->pm1a_control;
    if (length >= offsetof(struct fadt, skipped4) && (fadt->flags & FADT_RESET_SUPPORTED) && fadt->reset.space == SPACE_IO) {
        info.reset_port = (uint16_t)fadt->reset.address;
        info.reset_value = fadt->reset_value;
    }
    if (length >= sizeof(*fadt) && (fadt->flags & FADT_REDUCED_HARDWARE) && fadt->sleep_control.space == SPACE_MEMORY)
        info.sleep_control = paging_map_device(fadt->sleep_control.address, 1);
}

static void assume_pc(void)
{
    info.lapic = LAPIC_DEFAULT;
    info.lapic_ids[0] = cpuid(1, 0).ebx >> CPUID_1_EBX_APIC_ID_SHIFT;
    info.cpu_count = 1;
    for (unsigned i = 0; i < ISA_IRQS; i++)
        info.isa_irqs[i].gsi = i;
}

void acpi_init(void)
{
    const struct table *root = root_table();
    const struct madt *madt = root ? find_table(root, "APIC", sizeof(*madt)) : NULL;
    const struct fadt *fadt = root ? find_table(root, "FACP", offsetof(struct fadt, reset)) : NULL;

    assume_pc();
    if (madt)
        read_madt(madt);
    else
        printk(LOG_WARNING "ACPI: no table of interrupt controllers, assuming a PC with one CPU");
    if (fadt)
        read_fadt(fadt);
    if (info.ioapic_count == 0)
        info.ioapics[info.ioapic_count++] = (struct acpi_ioapic){IOAPIC_DEFAULT, 0};
}
