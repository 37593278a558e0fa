// SPDX-License-Identifier: MIT
/*
 * random.c - random bytes.
 *
 * Theory      The state is a ChaCha20 key (RFC 8439). One block of its stream becomes, half and half, the next key
 *             and 32 bytes to give out; both are overwritten when used, so that what was given cannot be computed
 *             from the state later ("fast key erasure"). A longer request takes the 32 bytes as a key of its own. New
 *             entropy is added to the key now and then: the CPU's generator when it has one, the time-stamp counter,
 *             and what random_add collected. There is no pool to run dry: /dev/random never waits.
 * Locking     One spinlock around the state. random_add only exchanges atomics, so interrupts may call it.
 */
#include "dev/random.h"

#include <linux/major.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "dev/chacha.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sync/spinlock.h"

enum { RANDOM_MINOR = 8, URANDOM_MINOR = 9 };

#define RESEED_EVERY 64             // blocks between two looks at the CPU's generator
#define HALF_BLOCK 32u              // bytes

static struct spinlock lock = SPINLOCK_INIT("random key", RANK_RANDOM);
static uint32_t key[CHACHA_KEY_WORDS];          // lock
static uint8_t ready[HALF_BLOCK];               // lock; the last ready_left bytes are to give out
static unsigned ready_left;                     // lock
static unsigned blocks;                         // lock
static _Atomic uint64_t collected[4];           // by random_add
static _Atomic uint32_t next_collected;
static bool cpu_has_rdrand;                     // constant after random_init_early

// Overwrite secrets that go out of use; the compiler may not think it useless.
static void forget(void *secret, size_t size)
{
    memset(secret, 0, size);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

static bool cpu_random(uint64_t *value)
{
    bool ok = false;

    for (int i = 0; i < 10 && cpu_has_rdrand && !ok; i++)
        __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

void random_add(uint64_t value)
{
    uint32_t slot = atomic_fetch_add_explicit(&next_collected, 1, memory_order_relaxed) % 4;
    uint64_t turned = collected[slot] * 0x9e3779b97f4a7c15u + (value ^ read_tsc());

    atomic_fetch_xor_explicit(&collected[slot], turned, memory_order_relaxed);
}

// => lock held
static void stir(void)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t fresh = 0;

        if (!cpu_random(&fresh))
            fresh = read_tsc();
        fresh ^= collected[i];
        key[2 * i] ^= (uint32_t)fresh;
        key[2 * i + 1] ^= (uint32_t)(fresh >> 32);
    }
}

// A block's worth: the next key, and bytes to give out. => lock held
static void refill(void)
{
    uint32_t block[CHACHA_BLOCK_WORDS];

    if (blocks++ % RESEED_EVERY == 0)
        stir();
    else
        key[0] ^= (uint32_t)read_tsc();
    chacha20_block(key, 0, block);
    memcpy(key, block, HALF_BLOCK);
    memcpy(ready, block + CHACHA_KEY_WORDS, HALF_BLOCK);
    forget(block, sizeof block);
    ready_left = HALF_BLOCK;
}

// => size at most HALF_BLOCK
static void take_ready(void *buffer, size_t size)
{
    spin_lock(&lock);
    if (ready_left < size)
        refill();
    memcpy(buffer, ready + HALF_BLOCK - ready_left, size);
    memset(ready + HALF_BLOCK - ready_left, 0, size);
    ready_left -= (unsigned)size;
    spin_unlock(&lock);
}

static void expand(const uint32_t request_key[CHACHA_KEY_WORDS], void *buffer, size_t size)
{
    uint32_t block[CHACHA_BLOCK_WORDS];
    uint64_t counter = 0;

    for (size_t done = 0; done < size; done += sizeof block) {
        chacha20_block(request_key, counter++, block);
        memcpy((char *)buffer + done, block, MIN(sizeof block, size - done));
    }
    forget(block, sizeof block);
}

void random_bytes(void *buffer, size_t size)
{
    uint32_t request_key[CHACHA_KEY_WORDS];

    if (size <= HALF_BLOCK) {
        take_ready(buffer, size);
        return;
    }
    take_ready(request_key, sizeof request_key);
    expand(request_key, buffer, size);
    forget(request_key, sizeof request_key);
}

static int64_t random_read(struct file *file __maybe_unused, struct io *io)
{
    uint8_t bytes[CHACHA_BLOCK_WORDS * 4];
    int64_t total = 0;

    while (io->left > 0) {
        size_t wanted = MIN(io->left, sizeof bytes), moved;

        random_bytes(bytes, wanted);
        moved = io_copy_out(io, bytes, wanted);
        total += (int64_t)moved;
        if (moved < wanted)
            return total > 0 ? total : -EFAULT;
    }
    return total;
}

// Written bytes are stirred in; nobody's word is taken for how random they are.
static int64_t random_write(struct file *file __maybe_unused, struct io *io)
{
    int64_t total = 0;

    while (io->left > 0) {
        uint64_t value = 0;
        size_t moved = io_copy_in(io, &value, sizeof value);

        if (moved == 0)
            return total > 0 ? total : -EFAULT;
        random_add(value);
        total += (int64_t)moved;
    }
    return total;
}

static const struct file_ops random_ops = {.read = random_read, .write = random_write};

static struct char_device random_device = {
    .name = "mem",
    .major = MEM_MAJOR,
    .first_minor = RANDOM_MINOR,
    .minors = 2,
    .ops = &random_ops,
};

void random_init_early(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    cpu_has_rdrand = ecx >> 30 & 1;
    for (int i = 0; i < 4; i++)
        random_add(read_tsc());
}

void random_init(void)
{
    char_device_register(&random_device);
    devfs_create_node("random", S_IFCHR | 0666, device_make(MEM_MAJOR, RANDOM_MINOR));
    devfs_create_node("urandom", S_IFCHR | 0666, device_make(MEM_MAJOR, URANDOM_MINOR));
}
