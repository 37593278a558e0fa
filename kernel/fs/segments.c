// SPDX-License-Identifier: MIT
#include "fs/segments.h"

#include <linux/uio.h>

#include "arch/x86/layout.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/usercopy.h"

#define TRANSFER_MAX 0x7ffff000ul   // Linux's MAX_RW_COUNT

static int segment_read(vaddr_t list, struct iovec *segment)
{
    if (copy_from_user(segment, list, sizeof *segment) != 0)
        return -EFAULT;
    if ((int64_t)segment->iov_len < 0)
        return -EINVAL;
    return range_within((vaddr_t)segment->iov_base, segment->iov_len, USER_END) ? 0 : -EFAULT;
}

int segments_begin(struct segments *segments, vaddr_t list, unsigned count)
{
    *segments = (struct segments){.io = io_user(0, 0, 0), .next = list, .count = count};
    for (unsigned i = 0; i < count; i++) {
        struct iovec segment;
        int error = segment_read(list + i * sizeof segment, &segment);

        if (error != 0)
            return error;
        segments->left = MIN(segments->left + segment.iov_len, TRANSFER_MAX);
    }
    return 0;
}

// Go to the next buffer that is not empty. => false: there is none, or its place cannot be read (any more)
static bool segments_advance(struct segments *segments)
{
    while (segments->io.left == 0) {
        struct iovec segment;

        if (segments->count == 0 || segment_read(segments->next, &segment) != 0)
            return false;
        segments->io = io_user((vaddr_t)segment.iov_base, segment.iov_len, 0);
        segments->next += sizeof segment;
        segments->count--;
    }
    return true;
}

static size_t segments_copy(struct segments *segments, char *data, size_t n, bool in)
{
    size_t done = 0;

    n = MIN(n, segments->left);
    while (done < n && segments_advance(segments)) {
        size_t part = MIN(n - done, segments->io.left);
        size_t moved = in ? io_copy_in(&segments->io, data + done, part) : io_copy_out(&segments->io, data + done, part);

        done += moved;
        if (moved < part)
            break;
    }
    segments->left -= done;
    return done;
}

size_t segments_copy_in(struct segments *segments, void *data, size_t n)
{
    return segments_copy(segments, data, n, true);
}

size_t segments_copy_out(struct segments *segments, const void *data, size_t n)
{
    return segments_copy(segments, (char *)(uintptr_t)data, n, false);
}
