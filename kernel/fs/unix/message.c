// SPDX-License-Identifier: MIT
/*
 * message.c - bytes on their way from socket to socket: behind the message's head if they are few, else in frames.
 */
#include "fs/file.h"
#include "fs/unix/private.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

#define INLINE_MAX (SLAB_MAX - sizeof(struct message))

static_assert(sizeof(struct file_bundle) <= PAGE_SIZE, "a bundle is a frame");

struct file_bundle *file_bundle_create(void)
{
    struct file_bundle *bundle = kalloc();

    if (bundle != NULL)
        bundle->count = 0;
    return bundle;
}

void file_bundle_free(struct file_bundle *bundle)
{
    if (bundle == NULL)
        return;
    for (uint32_t i = 0; i < bundle->count; i++)
        file_put(bundle->files[i]);
    kfree(bundle);
}

// A head with room for `size` bytes, or for as many frames as they take. => NULL: no memory
static struct message *message_alloc(uint32_t size)
{
    uint32_t frames = size <= INLINE_MAX ? 0 : (uint32_t)(ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE);
    uint32_t tail = frames != 0 ? frames * (uint32_t)sizeof(char *) : size;
    struct message *message = slab_alloc(sizeof *message + tail);

    if (message == NULL)
        return NULL;
    memset(message, 0, sizeof *message);
    list_init(&message->link);
    message->size = size;
    message->cost = (uint32_t)(sizeof *message + tail + frames * PAGE_SIZE);
    for (; message->frame_count < frames; message->frame_count++) {
        message->frames[message->frame_count] = kalloc();
        if (message->frames[message->frame_count] == NULL) {
            message_free(message);
            return NULL;
        }
    }
    return message;
}

void message_free(struct message *message)
{
    file_bundle_free(message->files);
    address_put(message->from);
    for (uint32_t i = 0; i < message->frame_count; i++)
        kfree(message->frames[i]);
    slab_free(message);
}

// Where byte `at` is, and how many follow it without a gap.
static char *message_run(const struct message *message, uint32_t at, size_t *run)
{
    if (message->frame_count == 0) {
        *run = message->size - at;
        return (char *)message->bytes + at;
    }
    *run = PAGE_SIZE - at % PAGE_SIZE;
    return message->frames[at / PAGE_SIZE] + at % PAGE_SIZE;
}

static bool message_fill(struct message *message, struct segments *data)
{
    for (uint32_t done = 0; done < message->size;) {
        size_t run, part;
        char *to = message_run(message, done, &run);

        part = MIN(run, (size_t)(message->size - done));
        if (segments_copy_in(data, to, part) < part)
            return false;
        done += (uint32_t)part;
    }
    return true;
}

int message_create(struct segments *data, uint32_t size, struct message **out)
{
    struct message *message = message_alloc(size);

    if (message == NULL)
        return -ENOMEM;
    if (!message_fill(message, data)) {
        message_free(message);
        return -EFAULT;
    }
    *out = message;
    return 0;
}

size_t message_copy_out(const struct message *message, uint32_t start, size_t size, struct segments *data)
{
    size_t done = 0;

    while (done < size) {
        size_t run, part, moved;
        const char *from = message_run(message, start + (uint32_t)done, &run);

        part = MIN(run, size - done);
        moved = segments_copy_out(data, from, part);
        done += moved;
        if (moved < part)
            break;
    }
    return done;
}
