// SPDX-License-Identifier: MIT
/*
 * pty.c - pseudo-terminals: how they come and go, and the device that the terminal's line discipline writes to.
 */
#include "dev/pty.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fcntl.h>
#include <linux/major.h>
#include <linux/poll.h>
#include <linux/stat.h>

#include "dev/pty_private.h"
#include "dev/tty_private.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define NUMBERS (1u << 20)              // minors of terminals

static struct pty *pty_of(const struct tty *tty)
{
    return tty_private(tty);
}

static size_t pty_transmit(struct tty *tty, const uint8_t *data, size_t size)
{
    struct pty *pty = pty_of(tty);
    uint32_t head = pty->head, at = head % RING_SIZE;
    size_t n = MIN(size, RING_SIZE - pty_written(pty));
    size_t first = MIN(n, RING_SIZE - at);

    if (tty->hung_up)
        return size; // nobody will read it
    if (n == 0)
        return 0;
    memcpy(pty->ring + at, data, first);
    memcpy(pty->ring, data + first, n - first);
    pty->head = head + (uint32_t)n;
    wake_all_for(&pty->readable, POLLIN | POLLRDNORM);
    return n;
}

static bool pty_has_room(struct tty *tty)
{
    return pty_written(pty_of(tty)) < RING_SIZE;
}

static void pty_resume(struct tty *tty)
{
    wake_all_for(&pty_of(tty)->writable, POLLOUT | POLLWRNORM);
}

// Of two opposite events the later one counts.
static void pty_tell(struct tty *tty, uint8_t events)
{
    struct pty *pty = pty_of(tty);
    uint8_t over = 0;

    if (!pty->packet || events == 0)
        return;
    if (events & (TIOCPKT_START | TIOCPKT_STOP))
        over |= TIOCPKT_START | TIOCPKT_STOP;
    if (events & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP))
        over |= TIOCPKT_DOSTOP | TIOCPKT_NOSTOP;
    pty->events &= (uint8_t)~over;
    pty->events |= events;
    wake_all_for(&pty->readable, POLLIN | POLLRDNORM | POLLPRI);
}

static int pty_opening(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    if (pty->locked)
        return -EIO;
    pty->closed = false;
    return 0;
}

static void pty_closed(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    pty->closed = true;
    wake_all_for(&pty->readable, POLLIN | POLLRDNORM | POLLHUP);
    wake_all_for(&pty->writable, POLLHUP);
}

static void pty_free(struct pty *pty)
{
    devpts_give_number(&pty->place);
    kfree(pty->ring);
    slab_free(pty);
}

static void pty_release(struct tty *tty)
{
    pty_free(pty_of(tty));
}

static const struct tty_device pty_device = {
    .control_modes = B38400 | CS8 | CREAD,
    .speed = 38400,
    .always_8_bits = true,
    .transmit = pty_transmit,
    .has_room = pty_has_room,
    .resume = pty_resume,
    .tell = pty_tell,
    .opening = pty_opening,
    .closed = pty_closed,
    .release = pty_release,
};

// With the lowest free number of the instance. => 0, -ENOMEM, -ENOSPC
static int pty_alloc(struct super_block *sb, struct pty **out)
{
    struct pty *pty = slab_zalloc(sizeof *pty);
    int error = -ENOMEM;

    if (pty == NULL)
        return -ENOMEM;
    pty->ring = kalloc();
    if (pty->ring != NULL)
        error = devpts_take_number(sb, &pty->place);
    if (error != 0) {
        if (pty->ring != NULL)
            kfree(pty->ring);
        slab_free(pty);
        return error;
    }
    pty->locked = true;
    wait_queue_init(&pty->readable);
    wait_queue_init(&pty->writable);
    mutex_init(&pty->read_lock, "master's reader", RANK_TTY_SLEEP);
    mutex_init(&pty->write_lock, "master's writer", RANK_TTY_SLEEP);
    *out = pty;
    return 0;
}

// A pseudo-terminal with its node; the reference to the terminal is the caller's. => 0, -ENOMEM, -ENOSPC
static int pty_create(struct super_block *sb, struct pty **out)
{
    struct pty *pty;
    int error = pty_alloc(sb, &pty);

    if (error != 0)
        return error;
    pty->tty = tty_create(&pty_device, pty, device_make(UNIX98_PTY_SLAVE_MAJOR, pty->place.number));
    if (pty->tty == NULL) {
        pty_free(pty);
        return -ENOMEM;
    }
    error = devpts_add_node(&pty->place, pty->tty, tty_hooks->credentials());
    if (error != 0) {
        tty_put(pty->tty);
        return error;
    }
    *out = pty;
    return 0;
}

int pty_master_open(struct file *file)
{
    struct pty *pty;
    struct path root;
    int error = devpts_find(&file->path, &root);

    if (error != 0)
        return error;
    error = pty_create(root.dentry->sb, &pty);
    path_put(&root);
    if (error == 0)
        file->private = pty;
    return error;
}

void pty_master_release(struct file *file)
{
    struct pty *pty = file->private;

    devpts_remove_node(&pty->place);
    tty_hang_up(pty->tty);
    tty_put(pty->tty);
}

static struct file_ops terminal_ops;

int pty_open_peer(struct file *master, unsigned flags, struct file **out)
{
    struct pty *pty = master->private;
    struct path path;
    int error = devpts_find(&master->path, &path);

    if (error != 0)
        return -ENODEV;
    if (path.dentry->sb != pty->place.sb) {
        path_put(&path);
        return -ENODEV;
    }
    dentry_put(path.dentry);
    dentry_get(pty->place.node);
    path.dentry = pty->place.node;
    error = file_create(&path, &terminal_ops, flags & ~(unsigned)(O_CREAT | O_EXCL | O_TRUNC), NULL, out);
    if (error != 0)
        path_put(&path);
    return error;
}

// Device numbers alone name no terminal, as each instance has its own: a node elsewhere leads nowhere.
static int pty_terminal_open(struct file *file)
{
    struct tty *tty = devpts_tty(file_inode(file));

    return tty != NULL ? tty_open(file, tty) : -EIO;
}

static struct char_device ptmx = {
    .name = "/dev/ptmx",
    .major = TTYAUX_MAJOR,
    .first_minor = PTMX_MINOR,
    .minors = 1,
    .ops = &pty_master_ops,
};

static struct char_device terminals = {
    .name = "pts",
    .major = UNIX98_PTY_SLAVE_MAJOR,
    .first_minor = 0,
    .minors = NUMBERS,
    .ops = &terminal_ops,
};

void pty_init(void)
{
    terminal_ops = tty_file_ops;
    terminal_ops.open = pty_terminal_open;
    char_device_register(&ptmx);
    char_device_register(&terminals);
    devpts_init();
    devfs_create_node("ptmx", S_IFCHR | 0666, device_make(TTYAUX_MAJOR, PTMX_MINOR));
}
