// SPDX-License-Identifier: MIT
/*
 * swap.c - the swap cache: frames that have a slot; from there to the device, and back.
 *
 * Theory      A page leaves memory leaf by leaf: each vpage_info that maps its frame comes to hold its slot instead. The first one to
 *             go gives the frame a slot, and with it to the swap cache, which holds one reference; so the last entry that maps
 *             the frame cannot be written through, and what the slot has, or gets, stays right. A frame that nobody but the cache
 *             holds goes as soon as the slot has its content. A fault on a page in a slot finds the frame as long as it is
 *             there, or reads it.
 *
 *                 vpage_info --ppn--> frame (refs 1)                      a page of its own
 *                 vpage_info --ppn--> frame (refs 2) <--> slot (1)        in the swap cache: the one more is the cache's, in both
 *                 vpage_info --slot--> slot (2) <--> frame (refs 1)       out, but the frame is still there
 *                 vpage_info --slot--> slot (1)                           out
 *
 *             A page that comes back keeps its slot, so that it can leave again without being written, until it is written to: then
 *             frame and slot part, if one mapper is all there is. When slots get scarce, or its area gets no more pages, they part at once.
 * Invariants  I20 A slot's holders are the infos that hold it, and the cache; the frame in the cache knows the slot.
 * Locking     swap_lock, below leaf locks. A reference of a frame in the cache is given up under it, and only there is one taken by who
 *             has none (swap_find), so references seen as two under it, with a leaf locked, stay two.
 * Failure     A page that cannot be written stays in the cache, dirty, and is written when it leaves again; or, if nobody maps it, when memory is
 *             short, each time after twice as many calls. After FAILURES_MAX requests, one after the other, that failed, the area rests. A page that
 *             cannot be read is the error of who touches it, not of who reads its neighbours.
 */
#include "mm/swap.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "mm/core_map.h"
#include "mm/event.h"
#include "mm/kalloc.h"
#include "mm/page_cache.h"
#include "mm/stat.h"
#include "mm/swap_private.h"
#include "sync/rwlock.h"

#define READ_AROUND_MAX 8
#define FAILURES_MAX 8                   // requests to write, one after the other, before an area rests
#define REST_NS UINT64_C(1000000000)     // the first time; then twice as long, each time,
#define REST_DOUBLED_MAX 5               // so often
#define RETRY_CALLS_MAX 64u

static struct {
    uint32_t stuck;       // pages that could not be written and are not on their way again. swap_lock
    unsigned calls;       // of swap_shrink_cache until those that nobody maps are tried again. swap_lock
    unsigned calls_next;  // and how many after that, if it fails. swap_lock
    unsigned read_around; // pages read together: doubled when a neighbour was of use, halved when none was. swap_lock
    bool hit;             // one was, since the last read. swap_lock
    uint32_t next;        // the slot behind those that were read last. swap_lock
    pfn_t hand;           // where swap_shrink_cache goes on: any place is right
} cache = {.read_around = 1, .calls = 1, .calls_next = 1};

/* Held for reading while pages are on their way between memory and a device, for writing by verify. */
static struct rwlock gate = RWLOCK_INIT(gate, "swap gate", RANK_SWAP_GATE);

static bool counting; // verify takes holders off slots, to find them all: nothing may be given up meanwhile. swap_lock

static struct swap_slot *slot_of(const struct core_map_entry *page)
{
    return slot_find(page->swap.slot);
}

static bool in_cache(const struct core_map_entry *page)
{
    return frame_kind(page) == FRAME_SWAP;
}

/* Whether a page of the cache can leave for the slot that it has. => swap_lock held, as for what follows */
static bool may_leave(const struct core_map_entry *page)
{
    const struct swap_area *area = slot_area(page->swap.slot);

    return !area->closed && (!page->swap.dirty || page->swap.writing || area_is_well(area));
}

/* A page could not be written, or is on its way again. */
static void set_stuck(struct core_map_entry *page, bool stuck)
{
    page->swap.writing = !stuck;
    cache.stuck += stuck ? 1 : -1;
}

/* ---- In and out of the cache ---- */

/* The cache takes over a reference of the frame, and a hold of the slot. */
static void cache_add(struct core_map_entry *page, uint32_t slot, bool dirty)
{
    page->swap.slot = slot;
    page->swap.dirty = dirty;
    page->swap.writing = dirty;
    page->swap.ahead = false;
    slot_find(slot)->pfn = (uint32_t)page2pfn(page);
    frame_set_kind(page, FRAME_SWAP);
}

/* Both come back to the caller. */
static void cache_remove(struct core_map_entry *page)
{
    cache.stuck -= page->swap.dirty;
    slot_of(page)->pfn = 0;
    slot_release(page->swap.slot);
    frame_set_kind(page, FRAME_ANON);
}

/* Let a frame go that only the cache holds, if its content is in the slot or nobody's. => true if it went */
static bool settle(struct core_map_entry *page)
{
    if (counting || page->swap.writing || frame_refs(page) != 1 || (page->swap.dirty && slot_of(page)->holders > 1))
        return false;
    cache_remove(page);
    frame_put(page);
    return true;
}

/* Whether no info holds the slot: those who map the frame need it no more. => swap_lock held */
static bool may_part(const struct core_map_entry *page)
{
    return in_cache(page) && !counting && !page->swap.writing && slot_of(page)->holders == 1;
}

/*
 * Frame and slot part; the cache's reference goes. Others hold the frame, as a rule: who took it for one without a slot gives his
 * reference up without our lock, and may just have done so.
 *
 * => swap_lock held
 */
static void part(struct core_map_entry *page)
{
    cache_remove(page);
    frame_put(page);
}

/* ---- Holders ---- */

void swap_slot_get(uint32_t number)
{
    spin_lock(&swap_lock);
    slot_find(number)->holders++;
    spin_unlock(&swap_lock);
}

void swap_slot_put(uint32_t number)
{
    spin_lock(&swap_lock);
    struct swap_slot *slot = slot_find(number);
    uint32_t pfn = slot ? slot->pfn : 0;
    slot_release(number);
    if (pfn && slot->holders == 1)
        settle(&core_map[pfn]);
    spin_unlock(&swap_lock);
}

uint32_t swap_slot_holders(uint32_t number)
{
    spin_lock(&swap_lock);
    const struct swap_slot *slot = slot_find(number);
    uint32_t holders = slot->holders - (slot->pfn != 0);
    spin_unlock(&swap_lock);
    return holders;
}

void swap_frame_put(struct core_map_entry *page)
{
    spin_lock(&swap_lock);
    if (!in_cache(page)) { // it has left meanwhile
        spin_unlock(&swap_lock);
        frame_put(page);
        return;
    }
    uint32_t old = atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel);
    if (old < 2)
        panic("frame %#lx: the swap cache's reference given back at %p", page2pa(page), __builtin_return_address(0));
    settle(page);
    spin_unlock(&swap_lock);
}

/* ---- Out ---- */

uint32_t swap_out_page(struct core_map_entry *page, bool *write)
{
    uint32_t slot = 0;

    *write = false;
    spin_lock(&swap_lock);
    if (in_cache(page) && !may_leave(page) && may_part(page))
        part(page); // it may leave for another area
    if (in_cache(page)) {
        slot = may_leave(page) ? page->swap.slot : 0;
        *write = slot && page->swap.dirty && !page->swap.writing;
        if (*write)
            set_stuck(page, false);
    } else if ((slot = slot_take())) {
        frame_get(page);
        cache_add(page, slot, true);
        *write = true;
    }
    if (slot)
        slot_find(slot)->holders++;
    spin_unlock(&swap_lock);
    return slot;
}

static void end_write(struct core_map_entry *page, bool written)
{
    spin_lock(&swap_lock);
    if (written)
        page->swap.dirty = page->swap.writing = false;
    else
        set_stuck(page, true);
    settle(page);
    spin_unlock(&swap_lock);
}

/*
 * What a request to write says of its area. That what failed before fails `again` says nothing new. The first errors are told one by one, later ones
 * when their number doubles.
 */
static void note_write(struct swap_area *area, uint32_t page, int error, bool again)
{
    spin_lock(&swap_lock);
    area->failures = error ? area->failures + !again : 0;
    area->errors += error != 0;
    uint32_t errors = area->errors;
    area->rest_until_ns = 0;
    if (area->failures >= FAILURES_MAX)
        area->rest_until_ns = clock_ns() + (REST_NS << MIN(area->failures - FAILURES_MAX, (uint32_t)REST_DOUBLED_MAX));
    spin_unlock(&swap_lock);
    if (error && (errors <= FAILURES_MAX || (errors & (errors - 1)) == 0))
        printk(LOG_ERROR "Write-error on swap-device (%s, page %u, error %d)\n", area->ops->name(area->device), page, -error);
}

static bool device_write(struct swap_area *area, uint32_t first, void *const *contents, unsigned count, bool again)
{
    int error = area->ops->write(area->device, slot_page(first), contents, count);

    if (error || unlikely(area->failures))
        note_write(area, slot_page(first), error, again);
    if (!error)
        vm_count_n(VM_PSWPOUT, count);
    for (unsigned i = 0; !error && i < count; i++)
        event_frame(EVENT_SWAP_OUT, page2pfn(kva2page(contents[i])), first + i);
    return !error;
}

static bool is_worth_a_try(struct swap_area *area)
{
    spin_lock(&swap_lock);
    bool well = area_is_well(area);
    spin_unlock(&swap_lock);
    return well;
}

uint32_t swap_device_write(uint32_t first, void *const *contents, unsigned count, bool again)
{
    struct swap_area *area = slot_area(first);
    uint32_t written = 0;

    if (device_write(area, first, contents, count, again))
        return (1u << count) - 1;
    for (unsigned i = 0; count > 1 && i < count && is_worth_a_try(area); i++)
        written |= (uint32_t)device_write(area, first + i, &contents[i], 1, again) << i;
    return written;
}

/* Write pages whose slots follow each other. => how many could not be */
static unsigned write_run(struct core_map_entry *const *pages, unsigned count, bool again)
{
    void *contents[SWAP_CLUSTER];
    unsigned failed = 0;

    for (unsigned i = 0; i < count; i++)
        contents[i] = page2kva(pages[i]);
    uint32_t written = swap_device_write(pages[0]->swap.slot, contents, count, again);
    for (unsigned i = 0; i < count; i++) {
        end_write(pages[i], written >> i & 1);
        failed += !(written >> i & 1);
    }
    return failed;
}

static unsigned write_pages(struct core_map_entry *const *pages, unsigned count, bool again)
{
    unsigned failed = 0;

    for (unsigned first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && end - first < SWAP_CLUSTER; end++)
            if (pages[end]->swap.slot != pages[end - 1]->swap.slot + 1)
                break;
        failed += write_run(&pages[first], end - first, again);
    }
    return failed;
}

unsigned swap_write(struct core_map_entry *const *pages, unsigned count)
{
    return write_pages(pages, count, false);
}

/* ---- In ---- */

/* => swap_lock held */
static struct core_map_entry *find_locked(uint32_t number)
{
    struct swap_slot *slot = slot_find(number);
    struct core_map_entry *page = slot && slot->pfn ? &core_map[slot->pfn] : NULL;

    if (page)
        frame_get(page);
    return page;
}

struct core_map_entry *swap_find(uint32_t number)
{
    spin_lock(&swap_lock);
    struct core_map_entry *page = find_locked(number);
    if (page && page->swap.ahead) {
        cache.hit = true;
        page->swap.ahead = false;
    }
    spin_unlock(&swap_lock);
    return page;
}

/* Whether a slot is one to be read along. => swap_lock held */
static bool worth_reading(uint32_t number)
{
    const struct swap_slot *slot = slot_find(number);

    return slot && !slot->pfn;
}

/* How many are to be read together: more where the last ones were of use, or this one follows them. => swap_lock held */
static unsigned window(uint32_t number)
{
    cache.read_around = cache.hit || number == cache.next ? MIN(cache.read_around * 2, (unsigned)READ_AROUND_MAX) : MAX(cache.read_around / 2, 1u);
    cache.hit = false;
    return cache.read_around;
}

/* Slots that are read together: pages[i] is for slot first + i. */
struct swap_reading {
    uint32_t first;
    unsigned count;
    struct core_map_entry *pages[READ_AROUND_MAX];
};

/* Choose what to read around a slot, and hold it. => 0, -EAGAIN */
static int reading_begin(struct swap_reading *reading, uint32_t number)
{
    spin_lock(&swap_lock);
    if (!slot_find(number)) {
        spin_unlock(&swap_lock);
        return -EAGAIN;
    }
    unsigned size = window(number);
    uint32_t first = number - number % size, end = first + size;
    for (reading->first = number; reading->first > first && worth_reading(reading->first - 1);)
        reading->first--;
    for (first = number + 1; first < end && worth_reading(first);)
        first++;
    reading->count = first - reading->first;
    cache.next = first;
    for (unsigned i = 0; i < reading->count; i++)
        slot_find(reading->first + i)->holders++;
    spin_unlock(&swap_lock);
    return 0;
}

/* Hold only the slots of [first, first + count) any longer. */
static void reading_narrow(struct swap_reading *reading, uint32_t first, unsigned count)
{
    for (uint32_t number = reading->first; number < reading->first + reading->count; number++)
        if (number < first || number >= first + count)
            swap_slot_put(number);
    reading->first = first;
    reading->count = count;
}

/* A frame for each, or for the one slot only. => 0 or -ENOMEM */
static int reading_take_frames(struct swap_reading *reading, uint32_t number)
{
    unsigned taken = 0;

    while (taken < reading->count && (reading->pages[taken] = frame_alloc(FRAME_ANON)))
        taken++;
    if (taken == reading->count)
        return 0;
    struct core_map_entry *page = taken ? reading->pages[0] : NULL;
    while (taken > 1)
        frame_put(reading->pages[--taken]);
    reading_narrow(reading, number, page ? 1 : 0);
    reading->pages[0] = page;
    return page ? 0 : -ENOMEM;
}

/* Put one page that was read into the cache, unless somebody was faster or nobody wants it any more. => swap_lock held */
static void reading_insert(struct core_map_entry *page, uint32_t number)
{
    struct swap_slot *slot = slot_find(number);

    if (slot->pfn || slot->holders == 1) {
        slot_release(number);
        frame_put(page);
    } else {
        cache_add(page, number, false);
        page->swap.ahead = true;
    }
}

int swap_device_read(uint32_t first, void *const *contents, unsigned count)
{
    struct swap_area *area = slot_area(first);
    int error = area->ops->read(area->device, slot_page(first), contents, count);

    if (!error)
        vm_count_n(VM_PSWPIN, count);
    for (unsigned i = 0; !error && i < count; i++)
        event_frame(EVENT_SWAP_IN, page2pfn(kva2page(contents[i])), first + i);
    return error;
}

/* => the frames stay, whether it fails or not */
static int read_in(const struct swap_reading *reading)
{
    void *contents[READ_AROUND_MAX];

    for (unsigned i = 0; i < reading->count; i++)
        contents[i] = page2kva(reading->pages[i]);
    return swap_device_read(reading->first, contents, reading->count);
}

/* Give up the neighbours. */
static void reading_alone(struct swap_reading *reading, uint32_t number)
{
    struct core_map_entry *page = reading->pages[number - reading->first];

    for (unsigned i = 0; i < reading->count; i++)
        if (reading->pages[i] != page)
            frame_put(reading->pages[i]);
    reading_narrow(reading, number, 1);
    reading->pages[0] = page;
}

static void reading_drop(struct swap_reading *reading)
{
    frame_put(reading->pages[0]);
    reading_narrow(reading, 0, 0);
}

/* => 0; -EAGAIN, -ENOMEM, -EIO and nothing is held */
static int reading_do(struct swap_reading *reading, uint32_t number)
{
    int error = reading_begin(reading, number);

    if (!error)
        error = reading_take_frames(reading, number);
    if (error)
        return error;
    error = read_in(reading);
    if (error && reading->count > 1) { // a neighbour may be what cannot be read
        reading_alone(reading, number);
        error = read_in(reading);
    }
    if (error)
        reading_drop(reading);
    return error;
}

/* => the gate is held */
static int read_slot(uint32_t number, struct core_map_entry **page)
{
    struct swap_reading reading;
    int error = reading_do(&reading, number);

    if (error)
        return error;
    spin_lock(&swap_lock);
    for (unsigned i = 0; i < reading.count; i++)
        reading_insert(reading.pages[i], reading.first + i);
    *page = find_locked(number);
    if (*page)
        (*page)->swap.ahead = false;
    spin_unlock(&swap_lock);
    return *page ? 0 : -EAGAIN;
}

int swap_read(uint32_t number, struct core_map_entry **page)
{
    rwlock_read_lock(&gate);
    int error = read_slot(number, page);
    rwlock_read_unlock(&gate);
    return error;
}

bool swap_page_has_slot(struct core_map_entry *page, uint32_t slot)
{
    spin_lock(&swap_lock);
    bool has = in_cache(page) && page->swap.slot == slot;
    spin_unlock(&swap_lock);
    return has;
}

/* ---- Parting ---- */

bool swap_may_take_over(struct core_map_entry *page)
{
    spin_lock(&swap_lock);
    bool may = may_part(page) && frame_refs(page) == 2;
    spin_unlock(&swap_lock);
    return may;
}

bool swap_take_over(struct core_map_entry *page)
{
    spin_lock(&swap_lock);
    bool sole = may_part(page) && frame_refs(page) == 2;
    if (sole)
        part(page);
    spin_unlock(&swap_lock);
    return sole;
}

void swap_bring_in(struct core_map_entry *page, bool take)
{
    spin_lock(&swap_lock);
    bool keep = swap_slots_used() * 2 <= swap_slots_total() && !page->swap.dirty && !slot_area(page->swap.slot)->closed;
    slot_release(page->swap.slot); // the info's
    if ((take || !keep) && may_part(page))
        part(page);
    spin_unlock(&swap_lock);
}

void swap_part_all(int area)
{
    for (pfn_t pfn = 1; pfn < core_map_frames && swap_cached() > 0; pfn++) {
        struct core_map_entry *page = &core_map[pfn];
        if (!in_cache(page))
            continue;
        spin_lock(&swap_lock);
        if (in_cache(page) && swap_slot_in(page->swap.slot, area) && !settle(page) && may_part(page))
            part(page);
        spin_unlock(&swap_lock);
    }
}

/* ---- Less of it ---- */

uint64_t swap_cached(void)
{
    return frames_by_kind(FRAME_SWAP);
}

/* Whether it is time to try once more what could not be written. */
static bool retry_is_due(void)
{
    spin_lock(&swap_lock);
    bool due = cache.stuck > 0 && --cache.calls == 0;
    if (due)
        cache.calls = cache.calls_next = MIN(cache.calls_next * 2, RETRY_CALLS_MAX);
    spin_unlock(&swap_lock);
    return due;
}

/* => whether the frame of a page that is stuck is to be written, by the caller; swap_lock held */
static bool try_again(struct core_map_entry *page)
{
    if (counting || !page->swap.dirty || page->swap.writing || frame_refs(page) != 1 || !area_is_open(slot_area(page->swap.slot)))
        return false;
    set_stuck(page, false);
    return true;
}

/* => how many went */
static unsigned write_again(struct core_map_entry *const *pages, unsigned count)
{
    unsigned gone = count - write_pages(pages, count, true);

    if (gone) {
        spin_lock(&swap_lock);
        cache.calls = cache.calls_next = 1;
        spin_unlock(&swap_lock);
    }
    return gone;
}

unsigned swap_shrink_cache(unsigned target)
{
    struct core_map_entry *again[SWAP_CLUSTER];
    unsigned freed = 0, count = 0;
    bool retry = retry_is_due();

    for (pfn_t left = core_map_frames; left > 0 && freed < target && swap_cached() > 0; left--) {
        struct core_map_entry *page = &core_map[cache.hand = cache.hand + 1 < core_map_frames ? cache.hand + 1 : 1];
        if (!in_cache(page) || frame_refs(page) != 1)
            continue;
        spin_lock(&swap_lock);
        if (in_cache(page) && settle(page))
            freed++;
        else if (retry && in_cache(page) && count < SWAP_CLUSTER && try_again(page))
            again[count++] = page;
        spin_unlock(&swap_lock);
    }
    return freed + write_again(again, count);
}

/* ---- For verify ---- */

void swap_pause(bool paused)
{
    if (paused)
        rwlock_write_lock(&gate);
    spin_lock(&swap_lock);
    counting = paused;
    spin_unlock(&swap_lock);
    if (!paused)
        rwlock_write_unlock(&gate);
}

bool swap_verify_holder(uint32_t number, bool restore)
{
    struct swap_slot *slot = slot_place(number);

    if (slot)
        slot->holders += restore ? 1 : -1;
    return slot;
}

/* What verify is told of each slot. */
struct verification {
    void (*visit)(uint32_t slot, int32_t missing, struct core_map_entry *page, void *arg);
    void *arg;
};

static void verify_slot(uint32_t number, struct swap_slot *slot, void *arg)
{
    const struct verification *verification = arg;
    struct core_map_entry *page = slot->pfn && slot->pfn != SLOT_OF_FILE ? &core_map[slot->pfn] : NULL;

    verification->visit(number, (int32_t)slot->holders - (page != NULL), page, verification->arg);
}

/* A page cache holds a slot. */
static void take_off(uint32_t number, void *arg)
{
    const struct verification *verification = arg;

    if (!swap_verify_holder(number, false))
        verification->visit(number, -1, NULL, verification->arg);
}

static void give_back(uint32_t number, void *arg)
{
    (void)arg;
    (void)swap_verify_holder(number, true);
}

void swap_verify_slots(void (*visit)(uint32_t slot, int32_t missing, struct core_map_entry *page, void *arg), void *arg)
{
    struct verification verification = {visit, arg};

    /* What page caches hold is counted, compared and restored under one hold of the lock: no lock of a space keeps it as it is. */
    spin_lock(&swap_lock);
    page_caches_for_each_slot(take_off, &verification);
    slots_for_each(verify_slot, &verification);
    page_caches_for_each_slot(give_back, NULL);
    spin_unlock(&swap_lock);
}
