// SPDX-License-Identifier: MIT
#include "swap_device.h"

#include <string.h>

#include "lib/errno.h"
#include "support.h"

struct swap_device swap_device, second_device;

static bool is_bad(const struct swap_device *self, uint32_t first, unsigned count)
{
    return self->bad_page && self->bad_page - first < count;
}

static int device_read(void *device, uint32_t first, void *const *pages, unsigned count)
{
    struct swap_device *self = device;

    assert_true(first > 0 && first + count <= DEVICE_PAGES);
    self->reads++;
    if (self->read_error || is_bad(self, first, count))
        return self->read_error ? self->read_error : -EIO;
    self->pages_read += count;
    for (unsigned i = 0; i < count; i++)
        memcpy(pages[i], self->content[first + i], PAGE_SIZE);
    return 0;
}

static int device_write(void *device, uint32_t first, void *const *pages, unsigned count)
{
    struct swap_device *self = device;

    assert_true(first > 0 && first + count <= DEVICE_PAGES);
    self->writes++;
    if (self->during_write)
        self->during_write();
    if (self->write_error || is_bad(self, first, count))
        return self->write_error ? self->write_error : -EIO;
    self->pages_written += count;
    for (unsigned i = 0; i < count; i++)
        memcpy(self->content[first + i], pages[i], PAGE_SIZE);
    return 0;
}

static const char *device_name(void *device)
{
    (void)device;
    return "memory";
}

static void add(struct swap_device *device, unsigned pages, const uint32_t *bad, unsigned bad_count)
{
    static const struct swap_ops ops = {.read = device_read, .write = device_write, .name = device_name};

    int priority = device->priority;
    memset(device, 0, offsetof(struct swap_device, priority));
    assert_int_equal(swap_add(&ops, device, pages, &priority, bad, bad_count), 0);
}

void swap_device_add(unsigned pages, const uint32_t *bad, unsigned bad_count)
{
    add(&swap_device, pages, bad, bad_count);
}

void swap_device_add_second(unsigned pages)
{
    add(&second_device, pages, NULL, 0);
}

static void give_up(struct swap_device *device)
{
    int area = swap_close(device);

    assert_true(area >= 0);
    assert_int_equal(swap_remove(area), 0);
}

void swap_device_remove(void)
{
    give_up(&swap_device);
}

void swap_device_remove_second(void)
{
    give_up(&second_device);
}
