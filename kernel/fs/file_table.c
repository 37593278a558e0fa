// SPDX-License-Identifier: MIT
/*
 * file_table.c - descriptors.
 *
 * Theory      Descriptors come in chunks of 64: one word says which are taken, one which close on exec, and there are 64 pointers,
 *             or, as long as they do, the first few of these. A number that is taken but has no file is reserved by a call under way.
 *             The few pointers to chunks lie in the table itself, until more are needed: then in one frame.
 * Locking     One spinlock per table. Files are put outside it, since that may sleep.
 */
#include "fs/file_table.h"

#include <stdatomic.h>

#include "fs/file_lock.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

#define CHUNK_FILES 64u
#define FEW_FILES 13u // most programs have fewer; their chunk takes 128 bytes
#define INLINE_CHUNKS 4u
#define FRAME_CHUNKS (PAGE_SIZE / sizeof(struct chunk *))

static_assert(FRAME_CHUNKS * CHUNK_FILES == FILE_TABLE_MAX, "as many as a frame of chunks holds");

// 64 descriptors. All fields: the table's lock.
struct chunk {
    uint64_t taken;                         // bits: reserved or in use
    uint64_t close_on_exec;
    unsigned room;                          // pointers there are: FEW_FILES or all
    struct file *files[];
};

/*
 * Fields: (l) lock  (a) atomic
 */
struct file_table {
    _Atomic uint32_t refs;                  // (a)
    struct spinlock lock;
    _Atomic bool has_locks;                 // (a) may have POSIX locks on its files
    unsigned chunk_count;                   // (l) chunks there are, from the first on
    struct chunk **chunks;                  // (l) inline_chunks, or a frame
    struct chunk *inline_chunks[INLINE_CHUNKS]; // (l)
};

struct file_table *file_table_create(void)
{
    struct file_table *table = slab_zalloc(sizeof *table);

    if (table == NULL)
        return NULL;
    table->refs = 1;
    table->chunks = table->inline_chunks;
    spin_init(&table->lock, "file table", RANK_FILE_TABLE);
    return table;
}

void file_table_get(struct file_table *table)
{
    atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
}

bool file_table_is_shared(struct file_table *table)
{
    return table->refs > 1;
}

unsigned file_table_size(struct file_table *table)
{
    return table->chunk_count * CHUNK_FILES;
}

void file_table_has_locks(struct file_table *table)
{
    table->has_locks = true;
}

// A descriptor of `file` is gone. May sleep.
static void closed(struct file_table *table, struct file *file)
{
    if (unlikely(table->has_locks))
        file_locks_release(file_inode(file), table);
    file_put(file);
}

static uint64_t bit_of(unsigned fd)
{
    return UINT64_C(1) << fd % CHUNK_FILES;
}

static unsigned highest_of(uint64_t bits)
{
    return 63 - (unsigned)__builtin_clzll(bits);
}

// The chunk that has a pointer for a number, or NULL. => lock held
static struct chunk *chunk_of(struct file_table *table, unsigned fd)
{
    unsigned index = fd / CHUNK_FILES;

    if (index >= table->chunk_count || fd % CHUNK_FILES >= table->chunks[index]->room)
        return NULL;
    return table->chunks[index];
}

static struct file **slot_of(struct file_table *table, int fd)
{
    struct chunk *chunk = chunk_of(table, (unsigned)fd);

    return chunk != NULL ? &chunk->files[(unsigned)fd % CHUNK_FILES] : NULL;
}

// An empty chunk with a pointer for number `fd`. NULL: no memory
static struct chunk *chunk_create(unsigned fd)
{
    unsigned room = fd % CHUNK_FILES < FEW_FILES ? FEW_FILES : CHUNK_FILES;
    struct chunk *chunk = slab_zalloc(sizeof *chunk + room * sizeof chunk->files[0]);

    if (chunk != NULL)
        chunk->room = room;
    return chunk;
}

// Have room in a chunk for number `fd`. => lock held; 0, -ENOMEM
static int chunk_reach(struct chunk **chunk, unsigned fd)
{
    struct chunk *old = *chunk, *larger;

    if (fd % CHUNK_FILES < old->room)
        return 0;
    larger = chunk_create(fd);
    if (larger == NULL)
        return -ENOMEM;
    larger->taken = old->taken;
    larger->close_on_exec = old->close_on_exec;
    memcpy(larger->files, old->files, old->room * sizeof old->files[0]);
    *chunk = larger;
    slab_free(old);
    return 0;
}

// Move the pointers to chunks to a frame. => lock held; 0, -ENOMEM
static int chunks_to_frame(struct file_table *table)
{
    struct chunk **frame = kalloc();

    if (frame == NULL)
        return -ENOMEM;
    memcpy(frame, table->inline_chunks, sizeof table->inline_chunks);
    table->chunks = frame;
    return 0;
}

// Have chunks up to the one of `fd`, and room there. => lock held; 0, -ENOMEM, -EMFILE
static int table_reach(struct file_table *table, unsigned fd)
{
    unsigned last = fd / CHUNK_FILES;

    if (fd >= FILE_TABLE_MAX)
        return -EMFILE;
    while (table->chunk_count <= last) {
        struct chunk *chunk;

        if (table->chunk_count == INLINE_CHUNKS && table->chunks == table->inline_chunks &&
            chunks_to_frame(table) != 0)
            return -ENOMEM;
        chunk = chunk_create(table->chunk_count == last ? fd : CHUNK_FILES - 1); // those below the last are full, mostly
        if (chunk == NULL)
            return -ENOMEM;
        table->chunks[table->chunk_count++] = chunk;
    }
    return chunk_reach(&table->chunks[last], fd);
}

// The lowest number from `fd` on that is not taken; it may lie beyond the last chunk. => lock held
static unsigned lowest_free(struct file_table *table, unsigned fd)
{
    unsigned skipped = fd % CHUNK_FILES;

    for (unsigned index = fd / CHUNK_FILES; index < table->chunk_count; index++, skipped = 0) {
        uint64_t free = ~table->chunks[index]->taken >> skipped << skipped;

        if (free != 0)
            return index * CHUNK_FILES + (unsigned)__builtin_ctzll(free);
        fd = (index + 1) * CHUNK_FILES;
    }
    return fd;
}

static void take(struct file_table *table, unsigned fd, bool close_on_exec)
{
    struct chunk *chunk = chunk_of(table, fd);

    chunk->taken |= bit_of(fd);
    if (close_on_exec)
        chunk->close_on_exec |= bit_of(fd);
    else
        chunk->close_on_exec &= ~bit_of(fd);
}

int fd_alloc(struct file_table *table, int first, uint64_t limit, bool close_on_exec)
{
    unsigned fd;
    int error = -EMFILE;

    if (first < 0 || (uint64_t)first >= limit)
        return first == 0 ? -EMFILE : -EINVAL;
    spin_lock(&table->lock);
    fd = lowest_free(table, (unsigned)first);
    if (fd < limit)
        error = table_reach(table, fd);
    if (error == 0)
        take(table, fd, close_on_exec);
    spin_unlock(&table->lock);
    return error != 0 ? error : (int)fd;
}

void fd_install(struct file_table *table, int fd, struct file *file)
{
    spin_lock(&table->lock);
    *slot_of(table, fd) = file;
    spin_unlock(&table->lock);
}

// Make a number free. => lock held; its file, whose reference is the caller's, or NULL
static struct file *release(struct file_table *table, unsigned fd)
{
    struct chunk *chunk = chunk_of(table, fd);
    struct file *file = chunk->files[fd % CHUNK_FILES];

    chunk->files[fd % CHUNK_FILES] = NULL;
    chunk->taken &= ~bit_of(fd);
    chunk->close_on_exec &= ~bit_of(fd);
    return file;
}

void fd_cancel(struct file_table *table, int fd)
{
    spin_lock(&table->lock);
    (void)release(table, (unsigned)fd);
    spin_unlock(&table->lock);
}

struct file *fd_get(struct file_table *table, int fd)
{
    struct file *file = NULL, **slot;

    spin_lock(&table->lock);
    slot = slot_of(table, fd);
    if (slot != NULL && *slot != NULL) {
        file = *slot;
        file_get(file);
    }
    spin_unlock(&table->lock);
    return file;
}

int fd_close(struct file_table *table, int fd)
{
    struct file *file = NULL, **slot;

    spin_lock(&table->lock);
    slot = slot_of(table, fd);
    if (slot != NULL && *slot != NULL)
        file = release(table, (unsigned)fd);
    spin_unlock(&table->lock);
    if (file == NULL)
        return -EBADF;
    closed(table, file);
    return 0;
}

__cold int fd_next(struct file_table *table, int from)
{
    unsigned fd = from < 0 ? 0 : (unsigned)from, end;
    int found = -1;

    spin_lock(&table->lock);
    end = file_table_size(table);
    for (; fd < end && found < 0; fd++) {
        struct file **slot = slot_of(table, (int)fd);
        if (slot != NULL && *slot != NULL)
            found = (int)fd;
    }
    spin_unlock(&table->lock);
    return found;
}

__cold void fd_close_range(struct file_table *table, unsigned first, unsigned last, bool only_mark)
{
    for (int fd = first > INT32_MAX ? -1 : fd_next(table, (int)first); fd >= 0 && (unsigned)fd <= last;
         fd = fd_next(table, fd + 1)) {
        if (only_mark)
            (void)!fd_set_close_on_exec(table, fd, true);
        else
            (void)!fd_close(table, fd);
    }
}

// dup2's work. => lock held; the file that `to` named in *old, to put
static int dup_locked(struct file_table *table, int from, int to, bool close_on_exec, struct file **old)
{
    struct file **source = slot_of(table, from), **target;
    int error;

    if (source == NULL || *source == NULL)
        return -EBADF;
    error = table_reach(table, (unsigned)to);
    if (error != 0)
        return error == -EMFILE ? -EBADF : error;
    source = slot_of(table, from);
    target = slot_of(table, to);
    if (*target == NULL && (chunk_of(table, (unsigned)to)->taken & bit_of((unsigned)to)))
        return -EBUSY;
    file_get(*source);
    *old = *target;
    *target = *source;
    take(table, (unsigned)to, close_on_exec);
    return to;
}

int fd_dup_to(struct file_table *table, int from, int to, uint64_t limit, bool close_on_exec)
{
    struct file *old = NULL;
    int result;

    if (to < 0 || (uint64_t)to >= limit)
        return -EBADF;
    spin_lock(&table->lock);
    result = dup_locked(table, from, to, close_on_exec, &old);
    spin_unlock(&table->lock);
    if (old != NULL)
        closed(table, old);
    return result;
}

__cold int fd_close_on_exec(struct file_table *table, int fd)
{
    struct file **slot;
    int result = -EBADF;

    spin_lock(&table->lock);
    slot = slot_of(table, fd);
    if (slot != NULL && *slot != NULL)
        result = (chunk_of(table, (unsigned)fd)->close_on_exec & bit_of((unsigned)fd)) != 0;
    spin_unlock(&table->lock);
    return result;
}

__cold int fd_set_close_on_exec(struct file_table *table, int fd, bool on)
{
    struct file **slot;
    int result = -EBADF;

    spin_lock(&table->lock);
    slot = slot_of(table, fd);
    if (slot != NULL && *slot != NULL) {
        take(table, (unsigned)fd, on);
        result = 0;
    }
    spin_unlock(&table->lock);
    return result;
}

// The numbers of chunk `index` that are in use with all bits of `mask`.
static uint64_t chunk_bits(struct file_table *table, unsigned index, bool only_close_on_exec)
{
    uint64_t bits = 0;

    spin_lock(&table->lock);
    if (index < table->chunk_count)
        bits = only_close_on_exec ? table->chunks[index]->close_on_exec : table->chunks[index]->taken;
    spin_unlock(&table->lock);
    return bits;
}

static void close_all(struct file_table *table, bool only_close_on_exec)
{
    for (unsigned index = 0; index < table->chunk_count; index++) {
        uint64_t bits = chunk_bits(table, index, only_close_on_exec);

        for (; bits != 0; bits &= bits - 1)
            (void)!fd_close(table, (int)(index * CHUNK_FILES + (unsigned)__builtin_ctzll(bits)));
    }
}

void file_table_close_exec(struct file_table *table)
{
    close_all(table, true);
}

static void table_free(struct file_table *table)
{
    for (unsigned index = 0; index < table->chunk_count; index++)
        slab_free(table->chunks[index]);
    if (table->chunks != table->inline_chunks)
        kfree(table->chunks);
    slab_free(table);
}

void file_table_put(struct file_table *table)
{
    if (atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
        return;
    close_all(table, false);
    table_free(table);
}

// The files of one chunk, each with a reference more; reserved numbers stay behind. => 0, -ENOMEM
static int chunk_copy(struct chunk **copy, const struct chunk *from)
{
    struct chunk *to;
    int error = from->taken != 0 ? chunk_reach(copy, highest_of(from->taken)) : 0;

    if (error != 0)
        return error;
    to = *copy;
    for (uint64_t bits = from->taken; bits != 0; bits &= bits - 1) {
        unsigned i = (unsigned)__builtin_ctzll(bits);
        struct file *file = from->files[i];

        if (file == NULL)
            continue;
        file_get(file);
        to->files[i] = file;
        to->taken |= bit_of(i);
    }
    to->close_on_exec = from->close_on_exec & to->taken;
    return 0;
}

// The numbers up to the highest that is taken: what a copy needs.
static unsigned numbers_in_use(const struct file_table *table)
{
    unsigned count = table->chunk_count;

    while (count > 0 && table->chunks[count - 1]->taken == 0)
        count--;
    return count > 0 ? (count - 1) * CHUNK_FILES + highest_of(table->chunks[count - 1]->taken) + 1 : 0;
}

struct file_table *file_table_copy(struct file_table *table)
{
    struct file_table *copy = file_table_create();
    unsigned count;
    int error = 0;

    if (copy == NULL)
        return NULL;
    spin_lock(&table->lock);
    count = numbers_in_use(table);
    if (count > 0)
        error = table_reach(copy, count - 1);
    for (unsigned index = 0; index < copy->chunk_count && error == 0; index++)
        error = chunk_copy(&copy->chunks[index], table->chunks[index]);
    spin_unlock(&table->lock);
    if (error == 0)
        return copy;
    file_table_put(copy);
    return NULL;
}
