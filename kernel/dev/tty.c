// SPDX-License-Identifier: MIT
/*
 * tty.c - terminals: their making, and the file operations in front of input, output and control.
 */
#include "dev/tty.h"

#include <linux/fcntl.h>
#include <linux/major.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "dev/tty_private.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

const struct tty_hooks *tty_hooks;

void tty_set_hooks(const struct tty_hooks *hooks)
{
    tty_hooks = hooks;
}

// As terminals begin on Linux; how fast is the device's.
static const struct termios2 first_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {
        [VINTR] = 'C' & 0x1f,
        [VQUIT] = '\\' & 0x1f,
        [VERASE] = 0x7f,
        [VKILL] = 'U' & 0x1f,
        [VEOF] = 'D' & 0x1f,
        [VMIN] = 1,
        [VSTART] = 'Q' & 0x1f,
        [VSTOP] = 'S' & 0x1f,
        [VSUSP] = 'Z' & 0x1f,
        [VREPRINT] = 'R' & 0x1f,
        [VDISCARD] = 'O' & 0x1f,
        [VWERASE] = 'W' & 0x1f,
        [VLNEXT] = 'V' & 0x1f,
    },
};

struct tty *tty_create(const struct tty_device *device, void *private, uint32_t number)
{
    struct tty *tty = slab_zalloc(sizeof *tty);

    if (tty == NULL)
        return NULL;
    tty->input = kalloc();
    if (tty->input == NULL) {
        slab_free(tty);
        return NULL;
    }
    spin_init(&tty->lock, "terminal", RANK_TTY);
    mutex_init(&tty->read_lock, "terminal reader", RANK_TTY_SLEEP);
    mutex_init(&tty->write_lock, "terminal writer", RANK_TTY_SLEEP);
    wait_queue_init(&tty->readable);
    wait_queue_init(&tty->writable);
    tty->refs = 1;
    tty->device = device;
    tty->private = private;
    tty->number = number;
    tty->termios = first_termios;
    tty->termios.c_cflag = device->control_modes;
    tty->termios.c_ispeed = tty->termios.c_ospeed = device->speed;
    return tty;
}

void tty_get(struct tty *tty)
{
    atomic_fetch_add_explicit(&tty->refs, 1, memory_order_relaxed);
}

void tty_put(struct tty *tty)
{
    if (atomic_fetch_sub_explicit(&tty->refs, 1, memory_order_acq_rel) != 1)
        return;
    tty->device->release(tty);
    kfree(tty->input);
    slab_free(tty);
}

void *tty_private(const struct tty *tty)
{
    return tty->private;
}

uint32_t tty_number(const struct tty *tty)
{
    return tty->number;
}

int tty_open(struct file *file, struct tty *tty)
{
    int error = 0;

    mutex_lock(&tty_sessions);
    if (tty->hung_up)
        error = -EIO;
    else if (tty->device->opening != NULL)
        error = tty->device->opening(tty);
    if (error == 0) {
        tty_get(tty);
        tty->files++;
        file->private = tty;
        tty_offer(file, tty);
    }
    mutex_unlock(&tty_sessions);
    return error;
}

static void tty_release(struct file *file)
{
    struct tty *tty = file->private;

    mutex_lock(&tty_sessions);
    if (--tty->files == 0 && tty->device->closed != NULL)
        tty->device->closed(tty);
    mutex_unlock(&tty_sessions);
    tty_put(tty);
}

static int64_t tty_read(struct file *file, struct io *io)
{
    struct tty *tty = file->private;
    int error;

    if (tty->hung_up)
        return 0;
    error = tty_check_read(tty);
    if (error != 0 || io->left == 0)
        return error;
    return tty_read_chars(tty, io, file_is_nonblocking(file));
}

static int64_t tty_write(struct file *file, struct io *io)
{
    struct tty *tty = file->private;
    int error;

    if (tty->hung_up)
        return -EIO;
    error = tty_check_write(tty);
    return error != 0 ? error : tty_write_chars(tty, io, file_is_nonblocking(file));
}

static uint32_t tty_poll(struct file *file, struct poll_table *table)
{
    struct tty *tty = file->private;
    uint32_t wanted = 1, ready = 0;

    poll_wait(table, &tty->readable);
    poll_wait(table, &tty->writable);
    if (!tty_local(tty, ICANON) && tty->termios.c_cc[VTIME] == 0 && tty->termios.c_cc[VMIN] > 1)
        wanted = tty->termios.c_cc[VMIN];
    if (tty_available(tty) >= wanted)
        ready |= POLLIN | POLLRDNORM;
    if (!tty->stopped && (tty->device->has_room == NULL || tty->device->has_room(tty)))
        ready |= POLLOUT | POLLWRNORM;
    if (tty->hung_up)
        ready |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    return ready;
}

const struct file_ops tty_file_ops = {
    .stream = true,
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .ioctl = tty_ioctl,
    .poll = tty_poll,
};

// /dev/tty is whatever terminal the caller's session has.
static int own_terminal_open(struct file *file)
{
    struct tty *tty = tty_hooks->get_terminal();
    int error;

    if (tty == NULL)
        return -ENXIO;
    error = tty_open(file, tty);
    tty_put(tty);
    return error;
}

static const struct file_ops own_terminal_ops = {
    .stream = true,
    .open = own_terminal_open,
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .ioctl = tty_ioctl,
    .poll = tty_poll,
};

static struct char_device own_terminal = {
    .name = "/dev/tty",
    .major = TTYAUX_MAJOR,
    .first_minor = 0,
    .minors = 1,
    .ops = &own_terminal_ops,
};

void tty_init(void)
{
    char_device_register(&own_terminal);
    devfs_create_node("tty", S_IFCHR | 0666, device_make(TTYAUX_MAJOR, 0));
}
