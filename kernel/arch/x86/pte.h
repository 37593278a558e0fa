// SPDX-License-Identifier: MIT
/*
 * pte.h - page-table entries: the only file that knows their bits.
 *
 * Source: Intel SDM volume 3, 4.5 "4-level paging". Pure C, so that the memory manager can be tested on the host.
 * The CPU sets A and D in present entries at any time: a present entry changes by locked operations only, and
 * pte_store is for entries that were not present, or tables that no CPU walks yet.
 */
#ifndef GAUR_ARCH_PTE_H
#define GAUR_ARCH_PTE_H

#include "lib/types.h"

typedef struct {
    uint64_t raw;
} pte_t;

#define PTES_PER_NODE 512

/* Rights of a leaf. On x86 a present page can always be read. */
enum pte_prot {
    PTE_PROT_READ = 1,
    PTE_PROT_WRITE = 2,
    PTE_PROT_EXEC = 4,
};

#define PTE_BIT_PRESENT  (1ull << 0)
#define PTE_BIT_WRITABLE (1ull << 1)
#define PTE_BIT_USER     (1ull << 2)
#define PTE_BIT_UNCACHED (3ull << 3) // PWT and PCD
#define PTE_BIT_ACCESSED (1ull << 5)
#define PTE_BIT_DIRTY    (1ull << 6)
#define PTE_BIT_LARGE    (1ull << 7)
#define PTE_BIT_GLOBAL   (1ull << 8)
#define PTE_BIT_NOEXEC   (1ull << 63)
#define PTE_ADDRESS_MASK 0x000ffffffffff000ull

/* The entry that maps nothing. */
static inline pte_t pte_none(void)
{
    return (pte_t){0};
}

/*
 * A user page at `pa` with the rights in `prot` (enum pte_prot, at least one). Not global, A and D clear.
 */
static inline pte_t pte_make(paddr_t pa, unsigned prot)
{
    uint64_t raw = pa | PTE_BIT_PRESENT | PTE_BIT_USER;

    if (prot & PTE_PROT_WRITE)
        raw |= PTE_BIT_WRITABLE;
    if (!(prot & PTE_PROT_EXEC))
        raw |= PTE_BIT_NOEXEC;
    return (pte_t){raw};
}

/* As pte_make, at level 2: 2 MiB from `pa`, which is aligned to that. */
static inline pte_t pte_make_large(paddr_t pa, unsigned prot)
{
    return (pte_t){pte_make(pa, prot).raw | PTE_BIT_LARGE};
}

/*
 * A user entry for the table at `pa`. With W clear everything under it is write-protected, whatever the leaves say.
 */
static inline pte_t pte_table(paddr_t pa, bool writable)
{
    return (pte_t){pa | PTE_BIT_PRESENT | PTE_BIT_USER | (writable ? PTE_BIT_WRITABLE : 0)};
}

static inline bool pte_is_none(pte_t pte)
{
    return pte.raw == 0;
}

static inline bool pte_is_present(pte_t pte)
{
    return pte.raw & PTE_BIT_PRESENT;
}

static inline bool pte_is_writable(pte_t pte)
{
    return pte.raw & PTE_BIT_WRITABLE;
}

static inline bool pte_is_exec(pte_t pte)
{
    return !(pte.raw & PTE_BIT_NOEXEC);
}

static inline bool pte_is_user(pte_t pte)
{
    return pte.raw & PTE_BIT_USER;
}

static inline bool pte_is_accessed(pte_t pte)
{
    return pte.raw & PTE_BIT_ACCESSED;
}

static inline bool pte_is_dirty(pte_t pte)
{
    return pte.raw & PTE_BIT_DIRTY;
}

/* Levels 2 and 3 only: the bit means something else in a 4 KiB leaf. */
static inline bool pte_is_large(pte_t pte)
{
    return pte.raw & PTE_BIT_LARGE;
}

/* The same entry without the right to write, with it, marked as used already, and for the next 4 KiB. */
static inline pte_t pte_without_write(pte_t pte)
{
    return (pte_t){pte.raw & ~PTE_BIT_WRITABLE};
}

static inline pte_t pte_with_write(pte_t pte)
{
    return (pte_t){pte.raw | PTE_BIT_WRITABLE};
}

static inline pte_t pte_accessed(pte_t pte)
{
    return (pte_t){pte.raw | PTE_BIT_ACCESSED};
}

static inline pte_t pte_next_page(pte_t pte)
{
    return (pte_t){pte.raw + PAGE_SIZE};
}

/* What all entries on a walk allow: x86 takes the AND of their bits. For pte_is_writable; the other bits mean nothing. */
static inline pte_t pte_all_rights(void)
{
    return (pte_t){~0ull};
}

static inline pte_t pte_and(pte_t a, pte_t b)
{
    return (pte_t){a.raw & b.raw};
}

/* The same at the end of a walk that meets a huge entry: pte_is_large tells. */
static inline pte_t pte_and_huge(pte_t a, pte_t huge)
{
    return (pte_t){(a.raw & huge.raw) | PTE_BIT_LARGE};
}

/*
 * An entry of a private node that is on its way out of the tree: absent for every walk, but what it pointed to is still told
 * by pte_pa. pte_exchange it in, flush, then drop what it held.
 */
static inline pte_t pte_detached(pte_t pte)
{
    return (pte_t){pte.raw & ~PTE_BIT_PRESENT};
}

/* The frame or table that a present entry points to. */
static inline paddr_t pte_pa(pte_t pte)
{
    return pte.raw & PTE_ADDRESS_MASK;
}

/* Whether two entries say the same but for A and D, which are the CPU's. */
static inline bool pte_same(pte_t a, pte_t b)
{
    return ((a.raw ^ b.raw) & ~(PTE_BIT_ACCESSED | PTE_BIT_DIRTY)) == 0;
}

/* Whether a CPU that remembers `old` could do with it what `now` forbids: a right less, or another frame. */
static inline bool pte_shrank(pte_t old, pte_t now)
{
    uint64_t lost = (old.raw & ~now.raw) & (PTE_BIT_PRESENT | PTE_BIT_WRITABLE);
    uint64_t changed = (old.raw ^ now.raw) & PTE_ADDRESS_MASK;
    uint64_t forbidden = (now.raw & ~old.raw) & PTE_BIT_NOEXEC;

    return (old.raw & PTE_BIT_PRESENT) && (lost | changed | forbidden);
}

/* Acquire: what the entry leads to may be read, also by one who holds no lock (no other instruction on x86). */
static inline pte_t pte_load(const pte_t *entry)
{
    return (pte_t){__atomic_load_n(&entry->raw, __ATOMIC_ACQUIRE)};
}

/* Release: what the entry leads to is written before. For entries that are not present (see the top of the file). */
static inline void pte_store(pte_t *entry, pte_t pte)
{
    __atomic_store_n(&entry->raw, pte.raw, __ATOMIC_RELEASE);
}

/* Put `pte` and return what was there with its final A and D, in one locked step. */
static inline pte_t pte_exchange(pte_t *entry, pte_t pte)
{
    return (pte_t){__atomic_exchange_n(&entry->raw, pte.raw, __ATOMIC_SEQ_CST)};
}

/* Take write permission away; A and D stay. */
static inline void pte_clear_writable(pte_t *entry)
{
    __atomic_fetch_and(&entry->raw, ~PTE_BIT_WRITABLE, __ATOMIC_SEQ_CST);
}

/* Give write permission; A and D stay. */
static inline void pte_set_writable(pte_t *entry)
{
    __atomic_fetch_or(&entry->raw, PTE_BIT_WRITABLE, __ATOMIC_SEQ_CST);
}

static inline bool pte_test_and_clear_accessed(pte_t *entry)
{
    return __atomic_fetch_and(&entry->raw, ~PTE_BIT_ACCESSED, __ATOMIC_SEQ_CST) & PTE_BIT_ACCESSED;
}

static inline bool pte_test_and_clear_dirty(pte_t *entry)
{
    return __atomic_fetch_and(&entry->raw, ~PTE_BIT_DIRTY, __ATOMIC_SEQ_CST) & PTE_BIT_DIRTY;
}

/* Address bits below an entry of `level`: 1 is a leaf table (4 KiB per entry) ... 4 the top (512 GiB per entry). */
static inline unsigned level_shift(int level)
{
    return PAGE_SHIFT + 9 * (unsigned)(level - 1);
}

/* Which entry of the table at `level` covers `va`. */
static inline unsigned pte_index(vaddr_t va, int level)
{
    return (va >> level_shift(level)) & (PTES_PER_NODE - 1);
}

#endif
