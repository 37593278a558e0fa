// SPDX-License-Identifier: MIT
/*
 * kstack.c - kernel stacks in an area of their own, so that the page below each can stay unmapped.
 *
 * Theory      The area is divided into slots; a stack is frames mapped at a slot. A stack that is given back stays mapped and
 *             is kept for the next thread, linked through its topmost word: who gives it back cannot wait for other CPUs to
 *             forget it. Who takes one can: when many are kept it unmaps some of them together, for one interrupt to each
 *             CPU. A stack that is mapped anew interrupts nobody, since its slot was forgotten by all when it came free.
 * Locking     kstacks.lock guards slots, kept stacks and the area's page tables. Unmapping waits for other CPUs outside it: a
 *             slot is free again only after that.
 */
#include "mm/kstack.h"

#include "arch/x86/paging.h"
#include "lib/kasan.h"
#include "lib/log.h"
#include "mm/kalloc.h"
#include "mm/tlb.h"
#include "sync/spinlock.h"

#define KEPT_STACKS 8
#define BATCH 8 // that are unmapped together
#define MAX_STACKS 4096 // slots that we use: as many threads

static struct {
    struct spinlock lock;
    void *kept;                     // the top of a mapped stack that is nobody's; the next in its topmost word
    unsigned kept_count;
    uint64_t used[MAX_STACKS / 64]; // bit per slot: mapped, or being mapped
} kstacks = {.lock = SPINLOCK_INIT("kernel stacks", RANK_KSTACK)};

/* The lowest slot that nobody has, now taken; -1 if there is none. => kstacks.lock held */
static int slot_take(void)
{
    for (unsigned word = 0; word < ARRAY_SIZE(kstacks.used); word++)
        if (~kstacks.used[word]) {
            unsigned bit = (unsigned)__builtin_ctzll(~kstacks.used[word]);
            kstacks.used[word] |= 1ull << bit;
            return (int)(word * 64 + bit);
        }
    return -1;
}

static void slot_give(unsigned slot)
{
    kstacks.used[slot / 64] &= ~(1ull << slot % 64);
}

static void put_frames(const paddr_t *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        frame_put(pa2page(frames[i]));
}

static bool take_frames(paddr_t *frames)
{
    for (unsigned i = 0; i < KSTACK_FRAMES; i++) {
        struct core_map_entry *page = frame_alloc(FRAME_STACK);
        if (!page) {
            put_frames(frames, i);
            return false;
        }
        frames[i] = page2pa(page);
    }
    return true;
}

/* A fresh slot with these frames mapped; NULL when there is no slot or no page for the area's tables. */
static void *map_new(const paddr_t *frames)
{
    spin_lock(&kstacks.lock);
    int slot = slot_take();
    if (slot >= 0 && kstack_map((unsigned)slot, frames)) {
        slot_give((unsigned)slot);
        slot = -1;
    }
    spin_unlock(&kstacks.lock);
    return slot < 0 ? NULL : (void *)kstack_slot_top((unsigned)slot);
}

static void **link_of(void *top)
{
    return (void **)top - 1;
}

/* One of the kept stacks, or NULL. *many: more than a few are left. */
static void *kept_take(bool *many)
{
    spin_lock(&kstacks.lock);
    void *top = kstacks.kept;
    if (top) {
        kstacks.kept = *link_of(top);
        kstacks.kept_count--;
    }
    *many = kstacks.kept_count >= KEPT_STACKS + BATCH;
    spin_unlock(&kstacks.lock);
    return top;
}

void kstack_free(void *top)
{
    kasan_poison((char *)top - KSTACK_SIZE, KSTACK_SIZE - sizeof(void *), KASAN_STACK_FREE);
    spin_lock(&kstacks.lock);
    *link_of(top) = kstacks.kept;
    kstacks.kept = top;
    kstacks.kept_count++;
    spin_unlock(&kstacks.lock);
}

/* Stacks on their way out: what was mapped where, and page tables that are empty now. */
struct unmapping {
    unsigned stacks, tables_found;
    vaddr_t pages[BATCH * KSTACK_FRAMES];
    paddr_t frames[BATCH * KSTACK_FRAMES];
    paddr_t tables[BATCH * KSTACK_FRAMES];
};

/* => kstacks.lock held */
static void unmap_one(struct unmapping *u, void *top)
{
    unsigned slot = kstack_slot_of((vaddr_t)top - PAGE_SIZE), first = u->stacks++ * KSTACK_FRAMES;

    kstack_unmap(slot, &u->frames[first]);
    for (unsigned i = 0; i < KSTACK_FRAMES; i++) {
        vaddr_t page = u->pages[first + i] = kstack_page(slot, i);
        paddr_t table = kernel_take_empty_table(page);
        if (table)
            u->tables[u->tables_found++] = table;
    }
}

/*
 * Unmap some kept stacks on every CPU, if more than `spared` are kept; then give back their frames, their page tables and the slots.
 *
 * => whether there was one
 */
static bool unmap_some(unsigned spared)
{
    struct unmapping u;

    u.stacks = u.tables_found = 0;
    spin_lock(&kstacks.lock);
    while (kstacks.kept_count > spared && u.stacks < BATCH) {
        void *top = kstacks.kept;
        kstacks.kept = *link_of(top);
        kstacks.kept_count--;
        unmap_one(&u, top);
    }
    spin_unlock(&kstacks.lock);
    if (u.stacks == 0)
        return false;
    tlb_flush_everywhere(u.pages, u.stacks * KSTACK_FRAMES);
    put_frames(u.frames, u.stacks * KSTACK_FRAMES);
    for (unsigned i = 0; i < u.tables_found; i++)
        kfree(P2V(u.tables[i]));
    spin_lock(&kstacks.lock);
    for (unsigned i = 0; i < u.stacks; i++)
        slot_give(kstack_slot_of(u.pages[i * KSTACK_FRAMES]));
    spin_unlock(&kstacks.lock);
    return true;
}

/* All of a stack may be touched, whatever its last thread has left. */
static void *clean(void *top)
{
    kasan_unpoison((char *)top - KSTACK_SIZE, KSTACK_SIZE);
    return top;
}

void *kstack_alloc(void)
{
    paddr_t frames[KSTACK_FRAMES];
    bool many;
    void *top = kept_take(&many);

    if (unlikely(many))
        (void)unmap_some(KEPT_STACKS);
    if (top)
        return clean(top);
    if (!take_frames(frames))
        return NULL;
    top = map_new(frames);
    if (!top) {
        put_frames(frames, KSTACK_FRAMES);
        return NULL;
    }
    return clean(top);
}

void kstack_drain(void)
{
    while (unmap_some(0))
        ;
}
