// SPDX-License-Identifier: MIT
/*
 * block.h - disks: requests to read, write and flush, and who takes them to the device.
 *
 * A request is its submitter's memory until `done` is called. Requests that lie beside each other on the disk go to the
 * device as one. There is no order between requests under way: who needs one waits. A flush covers what was done when
 * it was submitted.
 */
#ifndef DEV_BLOCK_H
#define DEV_BLOCK_H

#include "fs/device_number.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sync/spinlock.h"
#include "sync/timer.h"
#include "sync/wait.h"

#define BLOCK_SECTOR       512u
#define BLOCK_SEGMENTS_MAX 16u                  // of one request; every disk takes as many
#define BLOCK_TIMEOUT_NS   UINT64_C(60000000000) // a disk that answers nothing for so long is reset; what it had fails

struct block_device;

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_OPERATIONS };

/* Memory of a request: in the kernel's map (no stack), contiguous, a multiple of the disk's blocks. */
struct block_segment {
    void *data;
    size_t size;
};

/*
 * One request.    Fields: (s) the submitter's, constant until done  (q) the block layer's until done
 *
 * done: 0, -EIO, -EOPNOTSUPP; or -EINVAL, -EROFS for what no disk is asked. It may be called before block_submit returns,
 *       and in an interrupt: it wakes, and submits nothing. The request may be gone when it returns.
 */
struct block_request {
    enum block_operation operation;             // (s)
    unsigned count;                             // (s) segments; none to flush
    const struct block_segment *segments;       // (s) they stay until done, too
    uint64_t offset;                            // (s) bytes
    void (*done)(struct block_request *request, int error); // (s)
    void *private;                              // (s) for `done`
    struct block_request *next;                 // (s) another to submit with this one, or NULL; then (q) the next of the chain

    struct block_device *device;                // (q) to which it was submitted: a disk or a partition
    uint64_t position, end;                     // (q) on the disk, bytes
    uint64_t submit_ns;                         // (q)
    int error;                                  // (q)

    /* A chain: requests that follow each other on the disk. Of its first request: */
    struct list link;                           // (q) where it waits
    struct block_request *last;                 // (q)
    unsigned chain_count;                       // (q) segments in all
    uint64_t chain_end;                         // (q) on the disk
    uint64_t start_ns;                          // (q) when the device got it
};

/*
 * What a driver does. All are called with device->lock held, which interrupts take.
 *
 * start: give the chain to the device. => false: no room, offered again when something has finished
 * kick: all that was started for now has been; tell the device
 * collect: block_finish for each chain that the device is done with. => false: it talks nonsense, and is reset
 * reset: the device forgets all chains, and touches their memory no more. => 0, or -EIO: it is gone for good
 */
struct block_ops {
    bool (*start)(struct block_device *device, struct block_request *chain);
    void (*kick)(struct block_device *device);
    bool (*collect)(struct block_device *device);
    int (*reset)(struct block_device *device);
};

struct block_counter {
    uint64_t requests, merged, sectors, ns;
};

/*
 * A disk, or a partition of one.    Fields: (c) constant once registered  (l) lock of the whole disk
 */
struct block_device {
    char name[32];                  // (c) "vda", "vda1"
    device_t number;                // (c)
    uint64_t size;                  // (c) bytes
    uint32_t block_size;            // (c) bytes that it reads or writes at least: 512 .. 4096
    unsigned max_segments;          // (c) of a chain, at least BLOCK_SEGMENTS_MAX
    bool read_only;                 // (c)
    bool has_cache;                 // (c) a flush makes a difference
    const struct block_ops *ops;    // (c) NULL for a partition
    struct block_device *whole;     // (c) the disk that a partition is of; NULL for a disk
    uint64_t start;                 // (c) of a partition
    struct list link;               // (c) all devices, in the order of their registration

    struct spinlock lock;
    struct list waiting;            // (l) chains that the device has not taken, oldest first
    struct list running;            // (l) chains that it has, oldest first
    struct list finished;           // (l) chains to be told
    bool dead;                      // (l) reset has failed: everything does
    bool armed;                     // (l) the timer will look
    uint32_t errors;                // (l) told in the log
    struct timer timer;             // looks whether anything comes back
    struct wait_queue finishers;    // who waits in block_read, block_write, block_flush

    bool claimed;                   // (l) somebody has it for himself
    uint8_t claimed_parts;          // (l) of a disk: partitions of which that is so

    struct block_counter counters[BLOCK_OPERATIONS]; // (l)
    uint32_t in_flight;             // (l) requests
    uint64_t busy_since_ns, busy_ns;// (l) with requests in flight
};

/*
 * Make a disk known. => name to max_segments, read_only, has_cache, ops and number set; it stays for ever
 */
void block_register(struct block_device *device);

/* For a partition: size and start within `whole`, and number set; named after it. */
void block_register_partition(struct block_device *partition, struct block_device *whole, unsigned index);

/*
 * Have a device for oneself: to mount it, or as swap. Who has a disk has its partitions, and the other way round.
 *
 * => false: somebody else has it; true: unclaim it once
 */
bool __must_check block_claim(struct block_device *device);
void block_unclaim(struct block_device *device);

/* The device with this number, or NULL. */
struct block_device *block_find(device_t number);

/* The one registered after `device`, the first one for NULL; NULL: there is none. */
struct block_device *block_next(const struct block_device *device);

/*
 * Begin a request, or several that are linked by `next` (then they may go as one). Any context but a driver's functions.
 */
void block_submit(struct block_device *device, struct block_request *request);

/*
 * Read, write, flush, and sleep meanwhile. `data` as in struct block_segment; offset and size in whole blocks.
 *
 * => 0, -EIO, -EROFS, -EINVAL (not whole blocks, or beyond the end), -EOPNOTSUPP
 */
int __must_check block_read(struct block_device *device, uint64_t offset, void *data, size_t size);
int __must_check block_write(struct block_device *device, uint64_t offset, const void *data, size_t size);
int __must_check block_flush(struct block_device *device);

/* Submit (with its companions) and sleep until all are done; sets done and private. => 0, or an error of one of them */
int __must_check block_submit_wait(struct block_device *device, struct block_request *request);

/* From the driver: the device interrupts. */
void block_interrupt(struct block_device *device);

/* From ops->collect: the device is done with a chain that it was given. => error 0 or -errno */
void block_finish(struct block_device *device, struct block_request *chain, int error);

/* The counters of a disk or a partition, times brought up to the present, for /proc/diskstats. */
struct block_stat {
    struct block_counter counters[BLOCK_OPERATIONS];
    uint32_t in_flight;
    uint64_t busy_ns;
};
void block_stat(struct block_device *device, struct block_stat *stat);

#endif
