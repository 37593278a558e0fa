// SPDX-License-Identifier: MIT
/*
 * kalloc.c - the frame allocator: a buddy allocator, and a small cache of single frames on each CPU.
 *
 * Theory      Free memory is a set of runs of 2^order frames, aligned to their size, one list per order. Taking a run splits
 *             a larger one; giving one back joins it with its buddy as long as that is free too. Single frames, by far the
 *             most frequent request, come from this CPU's cache, which is filled by a batch at a time: the more memory there is, the more
 *             at once, since CPUs that fault at the same time wait for each other only here. What is given back on a CPU stays there, up
 *             to a share of what is free: its lines are still in that CPU's own cache of memory, and another one, which the buddy
 *             allocator might give the frame to, would have to fetch them, 64 a frame.
 *
 *               first ──> f ──> f ──> f ──> f ──> f      all of them: `count`, no more than `most`
 *                         ready, a batch    └ aside ┘    who comes to those that lie aside asks first whether frames may be taken
 *
 * Invariants  I1  A free frame has no reference, and is on one free list or in one CPU's cache.
 *             I16 The counts by kind add up to what core_map says.
 * Locking     A cache's lock, then kmem.lock. Neither is ever taken in an interrupt.
 * Failure     NULL, at once. Who can wait stands above reclaim.
 * Considered  A bitmap and a linear search, as the teaching kernels have it: 16 MB are 4096 frames, 4 GB a million.
 */
#include "mm/kalloc.h"

#include "arch/x86/cpu.h"
#include "lib/kasan.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/fail.h"
#include "mm/frame_guard.h"
#include "mm/stat.h"
#include "sync/sched.h"
#include "sync/spinlock.h"

#define NO_RUN 0 // in core_map_entry.run: not the first frame of a run on a free list
#define BATCH_LEAST 8u   // frames that a cache is filled with at a time, or emptied by; twice as many are ready in it at most
#define BATCH_MOST 128u
#define READY_PART 512   // of all frames, those that are ready in all caches are one of so many
#define ASIDE_PART 64    // of the free frames, those that lie aside in all caches are one of so many
#define ASIDE_MOST 2048u // in one of them
#define DRAIN_ORDER 8    // up to which a run is worth emptying all caches for, even of the few frames that are ready
#define POISON 0xfeedfacecafef00dull

/* Runs of free frames, by order. Frame 0 is never free (the firmware's), so 0 ends a list. */
static struct {
    struct spinlock lock;
    uint32_t head[BUDDY_ORDERS]; // (lock)
} kmem = {.lock = SPINLOCK_INIT("kmem", RANK_KMEM)};

/*
 * Free single frames of one CPU, as a list through their free.next. The lock is for kalloc_drain, which comes from elsewhere.
 *
 * `kinds`: by how many frames of a kind this CPU's work has made more, or, wrapping around, fewer; all CPUs' together are how many
 * there are. So no fault writes to a word that another CPU's fault writes to.
 */
static struct frame_cache {
    struct spinlock lock;
    uint32_t count, first;   // (lock)
    uint32_t aside, most;    // (lock) how many of them are not to be taken without asking, and how many it may hold
    _Atomic uint64_t free;   // frames that were free when it was filled last
    struct frame_quarantine quarantine;
    _Atomic uint32_t kinds[FRAME_KINDS];
} __attribute__((aligned(64))) caches[MAX_CPUS] = {
    [0 ... MAX_CPUS - 1] = {.lock = SPINLOCK_INIT("kmem cache", RANK_KMEM_CACHE), .most = 2 * BATCH_LEAST},
};

static atomic_bool some_aside; // since caches were emptied last: single frames that may keep the largest runs apart

/* This CPU's cache; should we be moved now, another CPU's does as well. The address is hidden from the compiler, which would
 * compute it anew for each field. */
static inline struct frame_cache *cache_here(void)
{
    struct frame_cache *cache = &caches[cpu_id()];

    __asm__("" : "+r"(cache));
    return cache;
}

uint64_t frames_by_kind(enum frame_kind kind)
{
    uint32_t total = 0;

    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        total += atomic_load_explicit(&caches[cpu].kinds[kind], memory_order_relaxed);
    /* A frame given back on a CPU already looked at, and taken on one looked at later, counts as one less: there is no less than none. */
    return (int32_t)total > 0 ? total : 0;
}

uint64_t frames_free_lately(void)
{
    return atomic_load_explicit(&cache_here()->free, memory_order_relaxed);
}

static inline void count_kind_in(struct frame_cache *cache, enum frame_kind kind, uint32_t frames)
{
    atomic_fetch_add_explicit(&cache->kinds[kind], frames, memory_order_relaxed);
}

static void count_kind(enum frame_kind kind, uint32_t frames)
{
    count_kind_in(cache_here(), kind, frames);
}

static inline void set_kind_in(struct frame_cache *cache, struct core_map_entry *page, enum frame_kind from, enum frame_kind to)
{
    count_kind_in(cache, from, -1u);
    count_kind_in(cache, to, 1);
    atomic_store_explicit(&page->kind, to, memory_order_relaxed);
}

void frame_set_kind(struct core_map_entry *page, enum frame_kind kind)
{
    set_kind_in(cache_here(), page, frame_kind(page), kind);
}

/* ---- The buddy allocator. => kmem.lock held ---- */

static void list_push(pfn_t pfn, unsigned order)
{
    struct core_map_entry *page = &core_map[pfn];
    uint32_t next = kmem.head[order];

    page->run = order + 1;
    page->free.prev = 0;
    page->free.next = next;
    if (next)
        core_map[next].free.prev = pfn;
    kmem.head[order] = pfn;
}

static void list_unlink(pfn_t pfn, unsigned order)
{
    struct core_map_entry *page = &core_map[pfn];

    if (page->free.prev)
        core_map[page->free.prev].free.next = page->free.next;
    else
        kmem.head[order] = page->free.next;
    if (page->free.next)
        core_map[page->free.next].free.prev = page->free.prev;
    page->run = NO_RUN;
}

/* Whether the run of `order` that begins at `pfn` is on a free list as it stands. */
static bool run_is_free(pfn_t pfn, unsigned order)
{
    return pfn_is_valid(pfn) && core_map[pfn].run == order + 1;
}

static void buddy_free_locked(pfn_t pfn, unsigned order)
{
    for (; order < BUDDY_ORDERS - 1; order++) {
        pfn_t buddy = pfn ^ ((pfn_t)1 << order);
        if (!run_is_free(buddy, order))
            break;
        list_unlink(buddy, order);
        pfn = MIN(pfn, buddy);
    }
    list_push(pfn, order);
}

/* => the first frame of a run, or 0 */
static pfn_t buddy_alloc_locked(unsigned order)
{
    unsigned from = order;

    while (from < BUDDY_ORDERS && !kmem.head[from])
        from++;
    if (from == BUDDY_ORDERS)
        return 0;
    pfn_t pfn = kmem.head[from];
    list_unlink(pfn, from);
    while (from > order) {
        from--;
        list_push(pfn + ((pfn_t)1 << from), from);
    }
    return pfn;
}

/* ---- Debug: who had it, and was it written to while free? ---- */

static void note_owner(struct core_map_entry *page, const void *caller)
{
#ifdef DEBUG
    page->owner = (uint32_t)((vaddr_t)caller - KERNBASE);
#else
    (void)page, (void)caller;
#endif
}

static __no_kasan void poison_check(struct core_map_entry *page)
{
#ifdef DEBUG
    const uint64_t *words = page2kva(page);
    for (size_t i = 0; i < PAGE_SIZE / sizeof *words; i++)
        if (words[i] != POISON)
            panic("frame %#lx was written to after it was freed at %#lx: word %zu is %#lx", page2pa(page),
                  KERNBASE + page->owner, i, words[i]);
#else
    (void)page;
#endif
}

static __no_kasan void poison_fill(struct core_map_entry *page)
{
#ifdef DEBUG
    uint64_t *words = page2kva(page);
    for (size_t i = 0; i < PAGE_SIZE / sizeof *words; i++)
        words[i] = POISON;
#else
    (void)page;
#endif
}

/* A free frame becomes one in use, with one reference; and back. => the lock of the cache that it comes from, or goes to */
static void frame_begin(struct frame_cache *cache, struct core_map_entry *page, enum frame_kind kind, const void *caller)
{
    kasan_unpoison(page2kva(page), PAGE_SIZE);
    poison_check(page);
    note_owner(page, caller);
    set_kind_in(cache, page, FRAME_FREE, kind);
    atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
}

static void frame_end(struct frame_cache *cache, struct core_map_entry *page, const void *caller)
{
    poison_fill(page);
    kasan_poison(page2kva(page), PAGE_SIZE, KASAN_FRAME_FREE);
    note_owner(page, caller);
    set_kind_in(cache, page, frame_kind(page), FRAME_FREE);
}

/* ---- Single frames, through the CPU's cache ---- */

/* What is to happen when few frames are free. Set once; 0: nothing. */
static struct {
    uint64_t low, reserve;
    void (*wake)(void);
} marks;

void kalloc_set_marks(uint64_t low, uint64_t reserve, void (*wake)(void))
{
    marks.reserve = reserve;
    marks.wake = wake;
    __atomic_store_n(&marks.low, low, __ATOMIC_RELEASE);
}

bool kalloc_has_plenty(void)
{
    return frames_by_kind(FRAME_FREE) > __atomic_load_n(&marks.low, __ATOMIC_ACQUIRE);
}

bool kalloc_use_reserve(bool use)
{
    bool was = current_kthread()->uses_reserve;

    current_kthread()->uses_reserve = use;
    return was;
}

bool kalloc_failed(void)
{
    bool failed = current_kthread()->lacked_memory;

    current_kthread()->lacked_memory = false;
    return failed;
}

void __cold kalloc_note_failure(void)
{
    if (current_kthread())
        current_kthread()->lacked_memory = true;
}

/* Few frames are free. => whether the running thread may take one */
static bool __cold running_low(uint64_t left)
{
    marks.wake();
    return left > marks.reserve || current_kthread()->uses_reserve;
}

static unsigned batch = BATCH_LEAST; // constant after boot; a power of two

__cold void kalloc_share(unsigned cpus)
{
    while (batch < BATCH_MOST && 4 * batch * cpus <= core_map_frames / READY_PART)
        batch *= 2;
}

/* Whether the running thread may take one of `left` free frames. */
static inline bool may_take(uint64_t left)
{
    return likely(left >= __atomic_load_n(&marks.low, __ATOMIC_ACQUIRE)) || running_low(left);
}

/* => cache->lock held */
static inline void cache_push(struct frame_cache *cache, pfn_t pfn)
{
    core_map[pfn].free.next = cache->first;
    cache->first = (uint32_t)pfn;
    cache->count++;
}

/* => cache->lock held, the cache not empty */
static inline struct core_map_entry *cache_pop(struct frame_cache *cache)
{
    struct core_map_entry *page = &core_map[cache->first];

    cache->first = page->free.next;
    cache->count--;
    return page;
}

/*
 * How many frames a cache may be filled with while `left` are free. What is ready is anybody's: so of the reserve, one, which its taker
 * takes at once; and few, before all caches together could reach it. Where memory is that scarce, few of those given back stay, too.
 */
static unsigned refill_frames(uint64_t left)
{
    if (unlikely(left <= marks.reserve))
        return 1;
    return likely(left > marks.reserve + (uint64_t)batch * MAX_CPUS) ? batch : BATCH_LEAST;
}

/*
 * So many in one run, if there is one, else some in the largest runs there are. The list of a run's frames is made after kmem.lock was given
 * back: it takes a hundred times as long as taking the run.
 *
 * => cache->lock held, the cache empty
 */
static void cache_refill(struct frame_cache *cache, unsigned frames)
{
    unsigned order = (unsigned)__builtin_ctz(frames);

    while (cache->count < MIN(frames, BATCH_LEAST)) {
        spin_lock(&kmem.lock);
        pfn_t run = buddy_alloc_locked(order);
        spin_unlock(&kmem.lock);
        if (run)
            for (pfn_t pfn = run + ((pfn_t)1 << order); pfn-- > run;)
                cache_push(cache, pfn);
        else if (order-- == 0)
            break;
    }
}

/* Give frames back to the buddy allocator until `keep` are left, some at a time: others wait. => cache->lock held */
static void cache_shrink(struct frame_cache *cache, unsigned keep)
{
    while (cache->count > keep) {
        spin_lock(&kmem.lock);
        for (unsigned i = 0; i < BATCH_MOST && cache->count > keep; i++)
            buddy_free_locked(page2pfn(cache_pop(cache)), 0);
        spin_unlock(&kmem.lock);
    }
}

/* So many are ready from now on, if there are as many. => cache->lock held */
static void cache_make_ready(struct frame_cache *cache, unsigned frames)
{
    cache->aside = cache->count - MIN(cache->count, frames);
    cache->most = cache->aside + 2 * MAX(frames, BATCH_LEAST);
}

/*
 * None is ready: now some are, of those that lie aside or else of the buddy allocator's, if the running thread may take frames.
 *
 * => cache->lock held
 */
static __attribute__((noinline)) void cache_try_refill(struct frame_cache *cache)
{
    uint64_t left = frames_by_kind(FRAME_FREE);

    atomic_store_explicit(&cache->free, left, memory_order_relaxed);
    if (!may_take(left))
        return;
    unsigned frames = refill_frames(left);
    if (cache->count == 0)
        cache_refill(cache, frames);
    cache_make_ready(cache, frames);
}

/* It holds as many as it may: what is more than a batch is laid aside, as long as that is a small share. => cache->lock held */
static __attribute__((noinline)) void cache_lay_aside(struct frame_cache *cache)
{
    uint64_t left = frames_by_kind(FRAME_FREE);
    unsigned ready = MAX(refill_frames(left), BATCH_LEAST);

    cache_shrink(cache, ready + MIN(ASIDE_MOST, left / ASIDE_PART / cpu_count));
    cache_make_ready(cache, ready);
    if (cache->aside > 0 && !atomic_load_explicit(&some_aside, memory_order_relaxed))
        atomic_store_explicit(&some_aside, true, memory_order_relaxed);
}

/* Give the frames that only the sanitizer keeps back to the buddy allocator. => cache->lock held */
static void cache_release(struct frame_cache *cache)
{
    struct core_map_entry *page;

    while ((page = frame_guard_release(&cache->quarantine))) {
        spin_lock(&kmem.lock);
        buddy_free_locked(page2pfn(page), 0);
        spin_unlock(&kmem.lock);
    }
}

/* => a frame in use, or NULL */
static struct core_map_entry *cache_take(enum frame_kind kind, const void *caller)
{
    struct core_map_entry *page = NULL;
    struct frame_cache *cache = cache_here();

    spin_lock(&cache->lock);
    if (cache->count == cache->aside)
        cache_try_refill(cache);
    if (cache->count > cache->aside) {
        page = cache_pop(cache);
        frame_begin(cache, page, kind, caller);
    }
    spin_unlock(&cache->lock);
    return page;
}

static void cache_give(struct core_map_entry *page, const void *caller)
{
    struct frame_cache *cache = cache_here();

    spin_lock(&cache->lock);
    if (cache->count >= cache->most)
        cache_lay_aside(cache);
    frame_end(cache, page, caller);
    page = frame_guard_keep(&cache->quarantine, page);
    if (page)
        cache_push(cache, page2pfn(page));
    spin_unlock(&cache->lock);
}

__cold void kalloc_drain(void)
{
    atomic_store_explicit(&some_aside, false, memory_order_relaxed);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        spin_lock(&caches[cpu].lock);
        cache_release(&caches[cpu]);
        cache_shrink(&caches[cpu], 0);
        cache_make_ready(&caches[cpu], BATCH_LEAST);
        spin_unlock(&caches[cpu].lock);
    }
}

static struct core_map_entry *frame_alloc_for(enum frame_kind kind, const void *caller)
{
    if (fail_now())
        return NULL;
    struct core_map_entry *page = cache_take(kind, caller);
    if (!page) {
        /* The last free frames may lie in other CPUs' caches. */
        kalloc_drain();
        page = cache_take(kind, caller);
    }
    if (likely(page))
        vm_count(VM_PGALLOC);
    else
        kalloc_note_failure();
    return page;
}

struct core_map_entry *frame_alloc(enum frame_kind kind)
{
    return frame_alloc_for(kind, __builtin_return_address(0));
}

struct core_map_entry *frame_alloc_zeroed(enum frame_kind kind)
{
    struct core_map_entry *page = frame_alloc_for(kind, __builtin_return_address(0));

    if (page)
        page_zero(page2kva(page));
    return page;
}

void frame_free(struct core_map_entry *page)
{
    DEBUG_ASSERT(frame_refs(page) == 0);
    vm_count(VM_PGFREE);
    cache_give(page, __builtin_return_address(0));
}

/* ---- Runs ---- */

/* The frames of a run change from one kind to another, and have `refs` references each. => kmem.lock held */
static void run_set_kind(struct core_map_entry *run, unsigned order, enum frame_kind kind, uint32_t refs)
{
    uint32_t count = 1u << order;

    count_kind(frame_kind(run), -count);
    count_kind(kind, count);
    for (struct core_map_entry *page = run; page < run + count; page++) {
        atomic_store_explicit(&page->kind, kind, memory_order_relaxed);
        atomic_store_explicit(&page->refs, refs, memory_order_relaxed);
    }
}

/* => its first frame, or 0 */
static pfn_t run_take(enum frame_kind kind, unsigned order)
{
    spin_lock(&kmem.lock);
    pfn_t pfn = buddy_alloc_locked(order);
    if (pfn)
        run_set_kind(&core_map[pfn], order, kind, 1);
    spin_unlock(&kmem.lock);
    return pfn;
}

struct core_map_entry *frame_alloc_run(enum frame_kind kind, unsigned order)
{
    if (order >= BUDDY_ORDERS)
        return NULL;
    if (fail_now())
        return NULL;
    bool may = may_take(frames_by_kind(FRAME_FREE));
    pfn_t pfn = may ? run_take(kind, order) : 0;
    if (!pfn && may && (order <= DRAIN_ORDER || atomic_load_explicit(&some_aside, memory_order_relaxed))) {
        /* What was given back lately lies in caches, one by one. */
        kalloc_drain();
        pfn = run_take(kind, order);
    }
    if (!pfn) {
        kalloc_note_failure();
        return NULL;
    }
    kasan_unpoison(page2kva(&core_map[pfn]), PAGE_SIZE << order);
    for (pfn_t i = 0; i < (pfn_t)1 << order; i++) {
        poison_check(&core_map[pfn + i]);
        note_owner(&core_map[pfn + i], __builtin_return_address(0));
    }
    vm_count_n(VM_PGALLOC, 1ull << order);
    return &core_map[pfn];
}

void frame_free_run(struct core_map_entry *page, unsigned order)
{
    vm_count_n(VM_PGFREE, 1ull << order);
    for (pfn_t i = 0; i < (pfn_t)1 << order; i++) {
        ASSERT(frame_refs(&page[i]) == 1 && frame_kind(&page[i]) == frame_kind(page));
        poison_fill(&page[i]);
        note_owner(&page[i], __builtin_return_address(0));
    }
    kasan_poison(page2kva(page), PAGE_SIZE << order, KASAN_FRAME_FREE);
    spin_lock(&kmem.lock);
    run_set_kind(page, order, FRAME_FREE, 0);
    buddy_free_locked(page2pfn(page), order);
    spin_unlock(&kmem.lock);
}

/* ---- The slides' names ---- */

void *kalloc(void)
{
    struct core_map_entry *page = frame_alloc_for(FRAME_KERNEL, __builtin_return_address(0));

    return page ? page2kva(page) : NULL;
}

void kfree(void *kva)
{
    ASSERT(IS_ALIGNED((vaddr_t)kva, PAGE_SIZE));
    struct core_map_entry *page = kva2page(kva);
    if (frame_refs(page) != 1 || frame_kind(page) != FRAME_KERNEL)
        panic("kfree(%p) at %p: a %s frame with %u references, last taken or freed at %#lx", kva,
              __builtin_return_address(0), frame_kind_name(frame_kind(page)), frame_refs(page),
              KERNBASE + page->owner);
    frame_put(page);
}

/* ---- Boot and verify ---- */

/* The largest order at which `pfn` is aligned and which ends at `end` or before. */
static unsigned order_at(pfn_t pfn, pfn_t end)
{
    unsigned order = 0;

    while (order < BUDDY_ORDERS - 1 && IS_ALIGNED(pfn, (pfn_t)2 << order) && pfn + ((pfn_t)2 << order) <= end)
        order++;
    return order;
}

void kalloc_init(void)
{
    count_kind(FRAME_RESERVED, (uint32_t)core_map_frames);
}

__cold void kalloc_add_range(pfn_t first, pfn_t count)
{
    pfn_t end = first + count;

    for (pfn_t pfn = first; pfn < end; pfn++) {
        poison_fill(&core_map[pfn]);
        kasan_poison(page2kva(&core_map[pfn]), PAGE_SIZE, KASAN_FRAME_FREE);
        atomic_store_explicit(&core_map[pfn].kind, FRAME_FREE, memory_order_relaxed);
    }
    count_kind(FRAME_FREE, (uint32_t)count);
    count_kind(FRAME_RESERVED, -(uint32_t)count);
    spin_lock(&kmem.lock);
    for (pfn_t pfn = first; pfn < end;) {
        unsigned order = order_at(pfn, end);
        buddy_free_locked(pfn, order);
        pfn += (pfn_t)1 << order;
    }
    spin_unlock(&kmem.lock);
}

__cold void kalloc_freeze(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        spin_lock_nested(&caches[cpu].lock); // in the order of CPUs; nobody else takes two
    spin_lock(&kmem.lock);
}

__cold void kalloc_thaw(void)
{
    spin_unlock(&kmem.lock);
    for (unsigned cpu = MAX_CPUS; cpu-- > 0;)
        spin_unlock(&caches[cpu].lock);
}

__cold void kalloc_for_each_free(void (*visit)(struct core_map_entry *page, void *arg), void *arg)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        for (pfn_t pfn = caches[cpu].first; pfn; pfn = core_map[pfn].free.next)
            visit(&core_map[pfn], arg);
        frame_guard_for_each(&caches[cpu].quarantine, visit, arg);
    }
    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        for (pfn_t pfn = kmem.head[order]; pfn; pfn = core_map[pfn].free.next)
            for (pfn_t i = 0; i < (pfn_t)1 << order; i++)
                visit(&core_map[pfn + i], arg);
}
