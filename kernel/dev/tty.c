// SPDX-License-Identifier: MIT
/*
 * tty.c - terminals: their making, and the file operations in front of input, output and control.
 */
#include "dev/tty.h"

#include <linux/fcntl.h>
#include <linux/major.h>
#include <linux/poll.h>
#include <linux/stat.h>

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

// As a serial console begins on Linux.
static const struct termios2 first_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
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
    .c_ispeed = 115200,
    .c_ospeed = 115200,
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
    tty->device = device;
    tty->private = private;
    tty->number = number;
    tty->termios = first_termios;
    return tty;
}

void *tty_private(struct tty *tty)
{
    return tty->private;
}

uint32_t tty_number(const struct tty *tty)
{
    return tty->number;
}

int tty_foreground_group(struct tty *tty)
{
    return tty->foreground;
}

static int64_t tty_read(struct file *file, struct io *io)
{
    int error = tty_check_read(file->private);

    return error != 0 ? error : tty_read_chars(file->private, io, file_is_nonblocking(file));
}

static int64_t tty_write(struct file *file, struct io *io)
{
    int error = tty_check_write(file->private);

    return error != 0 ? error : tty_write_chars(file->private, io, file_is_nonblocking(file));
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
    if (!tty->stopped)
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

const struct file_ops tty_file_ops = {
    .stream = true,
    .read = tty_read,
    .write = tty_write,
    .ioctl = tty_ioctl,
    .poll = tty_poll,
};

// /dev/tty is whatever terminal the caller's session has.
static int own_terminal_open(struct file *file)
{
    file->private = tty_hooks != NULL ? tty_hooks->current_terminal() : NULL;
    return file->private != NULL ? 0 : -ENXIO;
}

static const struct file_ops own_terminal_ops = {
    .stream = true,
    .open = own_terminal_open,
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
