// SPDX-License-Identifier: MIT
/*
 * machine.c - memory, and an MMU with a TLB, in software.
 *
 * Theory      A translation is remembered with the rights that the walk found, and so is the way to each leaf node, as
 *             real CPUs do (Intel SDM volume 3, 4.10). A write through a remembered translation whose page is not marked
 *             dirty walks again to mark it. An access that the remembered rights forbid is a fault, which forgets that one.
 *             Absent entries are never remembered. What a huge entry maps is remembered page by page, and forgotten together; that a CPU
 *             remembers both sizes for an address at once panics.
 * Locking     Each CPU's lock is held during an access and by those who make it forget, like an interrupt that waits
 *             for the end of an instruction; before it another, during a switch of tables and an interrupt.
 */
#include "machine.h"

#include <pthread.h>

#include "arch/x86/boot_info.h"
#include "arch/x86/paging.h"
#include "arch/x86/tlb.h"
#include "arch/x86/user_copy.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/active.h"
#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/slab.h"
#include "mm/tlb.h"

#define TLB_ENTRIES 2048
#define PATH_ENTRIES 64
#define TRIES_MAX 4 // a zero frame that is read, then written, and one to spare

struct translation {
    bool valid, write, exec, dirty, large;
    vaddr_t page;
    paddr_t pa;
};

/* What was found above a leaf node: where it is, and whether all entries on the way let writes through. Or a huge entry. */
struct path {
    bool valid, write;
    vaddr_t span;
    struct core_map_entry *leaf;
    pte_t *large; // not NULL: there is no leaf for the CPU
};

static struct mmu {
    pthread_mutex_t lock;
    pthread_mutex_t switching; // interrupts are off while other tables are loaded
    paddr_t root;
    struct vspace *space;
    unsigned sizes[2]; // translations of small and large pages, remembered or forgotten one by one, since all were forgotten
    struct translation tlb[TLB_ENTRIES];
    struct path paths[PATH_ENTRIES];
} mmus[MAX_CPUS];

static struct mmu *mmu_lock(void)
{
    struct mmu *mmu = &mmus[cpu_id()];

    pthread_mutex_lock(&mmu->lock);
    return mmu;
}

static void mmu_unlock(struct mmu *mmu)
{
    pthread_mutex_unlock(&mmu->lock);
}

/* ---- Forgetting ---- */

static void forget_paths(struct mmu *mmu)
{
    for (unsigned i = 0; i < PATH_ENTRIES; i++)
        mmu->paths[i].valid = false;
}

static void forget_all(struct mmu *mmu)
{
    forget_paths(mmu);
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        mmu->tlb[i].valid = false;
    mmu->sizes[0] = mmu->sizes[1] = 0;
}

/* Do something to what is remembered of the 2 MiB around `va`, in pages of one size. */
#define for_each_near(mmu, near, va, is_large)                                                                          \
    for (struct translation *near = (mmu)->sizes[is_large] ? (mmu)->tlb : (mmu)->tlb + TLB_ENTRIES;                     \
         near < (mmu)->tlb + TLB_ENTRIES; near++)                                                                       \
        if (near->valid && near->large == (is_large) && near->page / LEAF_SPAN == (va) / LEAF_SPAN)

static struct translation *tlb_slot(struct mmu *mmu, vaddr_t va)
{
    return &mmu->tlb[((va >> PAGE_SHIFT) + (va >> 21) * 37) % TLB_ENTRIES];
}

#ifdef NO_TLB_FLUSH_FOR_TEST
void tlb_flush_local_page(vaddr_t va)
{
    (void)va;
}

void tlb_flush_local_all(void)
{
}
#else
void tlb_flush_local_page(vaddr_t va)
{
    struct mmu *mmu = mmu_lock();
    struct translation *translation = tlb_slot(mmu, va);

    if (translation->page == ALIGN_DOWN(va, PAGE_SIZE))
        translation->valid = false;
    for_each_near(mmu, near, va, true)
        near->valid = false;
    forget_paths(mmu);
    mmu_unlock(mmu);
}

void tlb_flush_local_all(void)
{
    struct mmu *mmu = mmu_lock();

    forget_all(mmu);
    mmu_unlock(mmu);
}
#endif

static void (*shootdown_handler)(void);

void tlb_set_shootdown_handler(void (*handler)(void))
{
    shootdown_handler = handler;
}

void tlb_send_shootdown(uint64_t targets)
{
    unsigned self = host_cpu.id;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (cpu != self && targets >> cpu & 1) {
            host_cpu.id = cpu;
            pthread_mutex_lock(&mmus[cpu].switching);
            shootdown_handler();
            pthread_mutex_unlock(&mmus[cpu].switching);
        }
    host_cpu.id = self;
}

void paging_load(paddr_t root)
{
    struct mmu *mmu = mmu_lock();

    mmu->root = root;
    forget_all(mmu);
    mmu_unlock(mmu);
}

void machine_load(struct vspace *space)
{
    struct mmu *mmu = &mmus[cpu_id()];

    pthread_mutex_lock(&mmu->switching);
    vspace_activate(space);
    pthread_mutex_unlock(&mmu->switching);
    mmu->space = space;
}

void machine_idle(void)
{
    struct mmu *mmu = &mmus[cpu_id()];

    pthread_mutex_lock(&mmu->switching);
    vspace_idle();
    pthread_mutex_unlock(&mmu->switching);
    mmu->space = NULL;
}

struct vspace *machine_loaded(void)
{
    return mmus[cpu_id()].space;
}

/* ---- Walking ---- */

/*
 * Set A or D in an entry that still says what it said when it was read, in one locked step as the processor does.
 *
 * => false: it was changed meanwhile, by software or another CPU: read it again
 */
static bool mark(pte_t *entry, pte_t seen, uint64_t bits)
{
    return __atomic_compare_exchange_n(&entry->raw, &seen.raw, seen.raw | bits, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* The way to the leaf node over `va`. => false: an entry on it is absent */
static bool walk_to_leaf(struct mmu *mmu, vaddr_t va, struct path *path)
{
    struct path *known = &mmu->paths[va / LEAF_SPAN % PATH_ENTRIES];
    vaddr_t span = ALIGN_DOWN(va, LEAF_SPAN);

    if (known->valid && known->span == span) {
        *path = *known;
        return true;
    }
    *path = (struct path){.valid = true, .write = true, .span = span, .leaf = pa2page(mmu->root)};
    for (int level = ROOT_LEVEL; level > LEAF_LEVEL; level--) {
        pte_t *entry = &node_entries(path->leaf)[pte_index(va, level)];
        pte_t now = pte_load(entry);
        if (!pte_is_present(now))
            return false;
        if (!pfn_is_valid(PGNUM(pte_pa(now))))
            panic("the MMU met a table entry that points nowhere: %#lx", now.raw);
        if (!mark(entry, now, PTE_BIT_ACCESSED)) {
            level++; // this one again
            continue;
        }
        path->write &= pte_is_writable(now);
        if (pte_is_large(now)) {
            path->large = entry;
            return true; // not remembered as a way to somewhere
        }
        path->leaf = pa2page(pte_pa(now));
    }
    *known = *path;
    return true;
}

/* Walk, and remember what was found. => false: absent */
static bool walk(struct mmu *mmu, vaddr_t va, bool write, struct translation *found)
{
    struct path path;

    if (!walk_to_leaf(mmu, va, &path))
        return false;
    pte_t *entry = path.large ? path.large : &node_entries(path.leaf)[pte_index(va, LEAF_LEVEL)];
    pte_t now = pte_load(entry);
    if (!pte_is_present(now))
        return false;
    if (path.large && !pte_is_large(now))
        return walk(mmu, va, write, found);
    if (!pfn_is_valid(PGNUM(pte_pa(now))))
        panic("the MMU met an entry that points nowhere: %#lx", now.raw);
    bool writable = path.write && pte_is_writable(now);
    if (!mark(entry, now, PTE_BIT_ACCESSED | (write && writable ? PTE_BIT_DIRTY : 0)))
        return walk(mmu, va, write, found);
    *found = (struct translation){
        .valid = true,
        .write = writable,
        .exec = pte_is_exec(now),
        .dirty = write && writable,
        .large = path.large,
        .page = ALIGN_DOWN(va, PAGE_SIZE),
        .pa = pte_pa(now) + (path.large ? ALIGN_DOWN(va % LEAF_SPAN, PAGE_SIZE) : 0),
    };
    for_each_near(mmu, near, va, !found->large)
        panic("two sizes of pages are remembered for %#lx", va);
    mmu->sizes[found->large]++;
    return true;
}

/* A fault forgets the translation, and the way to it (Intel SDM volume 3, 4.10.4.1). => false */
static bool fault_forgets(struct mmu *mmu, vaddr_t va)
{
    tlb_slot(mmu, va)->valid = false;
    mmu->paths[va / LEAF_SPAN % PATH_ENTRIES].valid = false;
    return false;
}

/* A translation that allows the access. => false: a fault, *code says why */
static bool translate(struct mmu *mmu, vaddr_t va, uint32_t access, struct translation *found, uint32_t *code)
{
    struct translation *known = tlb_slot(mmu, va);
    bool write = access & PF_W, remembered = known->valid && known->page == ALIGN_DOWN(va, PAGE_SIZE);

    *code = access;
    if (remembered && !(write && known->write && !known->dirty))
        *found = *known;
    else if (!walk(mmu, va, write, found))
        return fault_forgets(mmu, va);
    *known = *found;
    if ((!write || found->write) && (!(access & PF_I) || found->exec))
        return true;
    *code |= PF_P;
    return fault_forgets(mmu, va);
}

bool mmu_access(vaddr_t va, uint32_t access, uint8_t *value, uint32_t *code)
{
    struct translation found;
    struct mmu *mmu = mmu_lock();
    bool allowed = translate(mmu, va, access, &found, code);

    if (allowed) {
        uint8_t *byte = (uint8_t *)P2V(found.pa) + (va & PAGE_MASK);
        if (access & PF_W)
            __atomic_store_n(byte, *value, __ATOMIC_RELAXED);
        else
            *value = __atomic_load_n(byte, __ATOMIC_RELAXED);
    }
    mmu_unlock(mmu);
    return allowed;
}

enum fault_outcome machine_access(struct vspace *space, vaddr_t va, uint32_t access, uint8_t *value, struct fault *last)
{
    unsigned tries_max = machine_is_threaded() ? 1000000 : TRIES_MAX;
    struct fault fault = {.address = va}, none = {0};

    if (!last)
        last = &none;
    *last = (struct fault){0};
    for (unsigned tries = 0; tries < tries_max; tries++) {
        if (mmu_access(va, access, value, &fault.code))
            return FAULT_RESOLVED;
        vspace_fault(space, &fault);
        *last = fault;
        if (fault.outcome != FAULT_RESOLVED && fault.outcome != FAULT_RETRY)
            return fault.outcome;
    }
    panic("the fault at %#lx, code %#x, comes again and again: %s", va, fault.code, fault_cause_name(fault.cause));
}

/* ---- The kernel's accesses to user memory, in the space that is loaded ---- */

/*
 * The kernel's functions know by their place in the code which side is the user's. Here the address tells: tests have
 * user memory below this, and the sanitizers keep the memory of the test itself above.
 */
#define USER_TEST_END 0x100000000000

static bool user_byte(vaddr_t va, uint32_t access, uint8_t *value)
{
    return machine_access(machine_loaded(), va, access, value, NULL) == FAULT_RESOLVED;
}

size_t user_copy_raw(void *dst, const void *src, size_t n)
{
    bool to_user = (vaddr_t)(uintptr_t)dst < USER_TEST_END;
    vaddr_t user = (vaddr_t)(uintptr_t)(to_user ? dst : src);
    uint8_t *kernel = to_user ? (uint8_t *)(uintptr_t)src : dst;

    for (size_t i = 0; i < n; i++)
        if (!user_byte(user + i, to_user ? PF_W : 0, kernel + i))
            return n - i;
    return 0;
}

size_t user_zero_raw(void *dst, size_t n)
{
    uint8_t zero = 0;

    for (size_t i = 0; i < n; i++)
        if (!user_byte((vaddr_t)(uintptr_t)dst + i, PF_W, &zero))
            return n - i;
    return 0;
}

int64_t user_strncpy_raw(char *dst, const char *src, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!user_byte((vaddr_t)(uintptr_t)src + i, 0, (uint8_t *)dst + i))
            return -EFAULT;
        if (!dst[i])
            return (int64_t)i;
    }
    return (int64_t)size;
}

/* ---- Memory as boot finds it ---- */

#define MIB UINT64_C(0x100000)

static paddr_t boot_next = MIB; // memory for boot_alloc_pages
static paddr_t kernel_root;
static struct boot_range reserved[2];

static struct boot_info info = {
    .ranges = {{0, MACHINE_HOLE, true}, {MACHINE_HOLE, MIB - MACHINE_HOLE, false}, {MIB, 0, true}},
    .range_count = 3,
    .initrd = MACHINE_INITRD,
    .initrd_size = MACHINE_INITRD_SIZE,
};

const struct boot_info *boot_info(void)
{
    return &info;
}

paddr_t boot_memory_end(void)
{
    return info.ranges[2].base + info.ranges[2].size;
}

paddr_t boot_alloc_pages(uint64_t count)
{
    paddr_t pa = boot_next;

    boot_next += count << PAGE_SHIFT;
    return pa;
}

unsigned boot_reserved_ranges(const struct boot_range **ranges)
{
    reserved[0] = (struct boot_range){MIB, boot_next - MIB, true};
    reserved[1] = (struct boot_range){MACHINE_INITRD, MACHINE_INITRD_SIZE, true};
    *ranges = reserved;
    return 2;
}

paddr_t paging_kernel_root(void)
{
    return kernel_root;
}

void paging_copy_kernel_half(void *root_page)
{
    size_t half = PAGE_SIZE / 2;

    memcpy((char *)root_page + half, (char *)P2V(kernel_root) + half, half);
}

/* ---- Kernel stacks: only who has which frames ---- */

static paddr_t stack_frames[KSTACK_SLOTS][KSTACK_PAGES];

int kstack_map(unsigned slot, const paddr_t frames[KSTACK_PAGES])
{
    ASSERT(stack_frames[slot][0] == 0);
    memcpy(stack_frames[slot], frames, sizeof stack_frames[slot]);
    return 0;
}

void kstack_unmap(unsigned slot, paddr_t frames[KSTACK_PAGES])
{
    ASSERT(stack_frames[slot][0] != 0);
    memcpy(frames, stack_frames[slot], sizeof stack_frames[slot]);
    memset(stack_frames[slot], 0, sizeof stack_frames[slot]);
}

/* No tables here, so none that empties. */
paddr_t kernel_take_empty_table(vaddr_t va)
{
    (void)va;
    return 0;
}

/* ---- Boot ---- */

void machine_boot(void)
{
    machine_boot_with(ARENA_SIZE);
}

void machine_boot_with(uint64_t memory)
{
    ASSERT(memory <= ARENA_SIZE_MAX);
    info.ranges[2].size = memory - MIB;
    arena_map((void *)(uintptr_t)KERNBASE, memory);
    arena_map((void *)(uintptr_t)KSTACK_AREA, KSTACK_SLOTS * KSTACK_SLOT_SIZE);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        pthread_mutex_init(&mmus[cpu].lock, NULL), pthread_mutex_init(&mmus[cpu].switching, NULL);
    kernel_root = boot_alloc_pages(1);
    for (unsigned i = PTES_PER_NODE / 2; i < PTES_PER_NODE; i += 7)
        pte_store((pte_t *)P2V(kernel_root) + i, pte_table(kernel_root, true));
    machine_set_cpu(0);
    core_map_init();
    slab_init();
    vspace_init();
    tlb_init();
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        mmus[cpu].root = kernel_root;
}
