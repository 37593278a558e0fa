// SPDX-License-Identifier: MIT
/*
 * control_message.c - what goes beside the bytes of a message (cmsg(3)): descriptors and credentials.
 */
#include <linux/fcntl.h>

#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sys/descriptor.h"
#include "sys/socket.h"

#define CONTROL_ALIGN 8u

/* Linux's struct cmsghdr. */
struct control_header {
    uint64_t length;            // of this header and the data
    int level, type;
};

/* The file of each number in user memory. => 0, -EINVAL (too many), -EBADF, -EFAULT, -ENOMEM */
static int read_descriptors(struct file_bundle **files, vaddr_t numbers, uint64_t count)
{
    if (!count)
        return 0;
    if (!*files)
        *files = file_bundle_create();
    if (!*files)
        return -ENOMEM;
    if (count > SCM_MAX_FD - (*files)->count)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        struct file *file;
        uint32_t fd;

        if (get_user_u32(&fd, numbers + i * sizeof(fd)))
            return -EFAULT;
        file = (int)fd < 0 ? NULL : descriptor_any(fd);
        if (!file)
            return -EBADF;
        (*files)->files[(*files)->count++] = file;
    }
    return 0;
}

static bool is_one_of(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
    return id == real || id == effective || id == saved;
}

/* May the running process call itself that? => 0, -EPERM, -ESRCH */
static int check_credentials(const struct ucred *claimed)
{
    const struct credentials *own = current_credentials();
    struct process *process;

    if (!credentials_is_root(own)) {
        if (claimed->pid != current_process()->id ||
            !is_one_of(claimed->uid, own->uid, own->euid, own->suid) ||
            !is_one_of(claimed->gid, own->gid, own->egid, own->sgid))
            return -EPERM;
    }
    process = process_find_by_tid(claimed->pid);
    if (!process)
        return -ESRCH;
    process_put(process);
    return 0;
}

static int read_one(struct control_in *in, const struct control_header *header, vaddr_t data)
{
    uint64_t size = header->length - sizeof(*header);

    switch (header->type) {
    case SCM_RIGHTS:
        return read_descriptors(&in->files, data, size / sizeof(int));
    case SCM_CREDENTIALS:
        if (size != sizeof(in->credentials))
            return -EINVAL;
        if (copy_from_user(&in->credentials, data, sizeof(in->credentials)))
            return -EFAULT;
        in->has_credentials = true;
        return check_credentials(&in->credentials);
    default:
        return -EINVAL;
    }
}

int control_read(struct control_in *in, vaddr_t control, uint64_t size)
{
    uint64_t at = 0;

    *in = (struct control_in){0};
    while (size - at >= sizeof(struct control_header)) {
        struct control_header header;
        int error;

        if (copy_from_user(&header, control + at, sizeof(header)))
            return -EFAULT;
        if (header.length < sizeof(header) || header.length > size - at)
            return -EINVAL;
        error = header.level == SOL_SOCKET ? read_one(in, &header, control + at + sizeof(header)) : 0;
        if (error)
            return error;
        at += MIN(ALIGN_UP(header.length, CONTROL_ALIGN), size - at);
    }
    return 0;
}

/* Where the next control message goes. */
struct control_out {
    vaddr_t at;
    uint64_t left;
    unsigned flags;             // MSG_CTRUNC
};

/* A header over data that is in place. */
static void put_header(struct control_out *out, int type, uint64_t data_size)
{
    struct control_header header = {sizeof(header) + data_size, SOL_SOCKET, type};
    uint64_t step = MIN(ALIGN_UP(header.length, CONTROL_ALIGN), out->left);

    if (copy_to_user(out->at, &header, sizeof(header)))
        return;
    out->at += step;
    out->left -= step;
}

static void put_credentials(struct control_out *out, const struct ucred *credentials)
{
    uint64_t size = sizeof(*credentials);

    if (out->left < sizeof(struct control_header)) {
        out->flags |= MSG_CTRUNC;
        return;
    }
    if (out->left - sizeof(struct control_header) < size) {
        out->flags |= MSG_CTRUNC;
        size = out->left - sizeof(struct control_header);
    }
    if (!copy_to_user(out->at + sizeof(struct control_header), credentials, size))
        put_header(out, SCM_CREDENTIALS, size);
}

/* One descriptor, its number told at `at`. => 0, -errno: there is none */
static int receive_descriptor(struct file *file, vaddr_t at, bool close_on_exec)
{
    int fd = descriptor_alloc(0, close_on_exec);

    if (fd < 0)
        return fd;
    if (put_user_u32(at, fd)) {
        descriptor_cancel(fd);
        return -EFAULT;
    }
    file_get(file);
    descriptor_install(fd, file);
    return 0;
}

/* As many as there is room for; the others go with the bundle. */
static void put_descriptors(struct control_out *out, const struct file_bundle *files, bool close_on_exec)
{
    uint64_t header = sizeof(struct control_header);
    uint64_t room = out->left > header ? (out->left - header) / sizeof(int) : 0;
    uint32_t count = 0;

    while (count < MIN((uint64_t)files->count, room) &&
           !receive_descriptor(files->files[count], out->at + header + count * sizeof(int), close_on_exec))
        count++;
    if (count)
        put_header(out, SCM_RIGHTS, count * sizeof(int));
    if (count < files->count)
        out->flags |= MSG_CTRUNC;
}

void control_write(struct socket_receive *receive, vaddr_t control, uint64_t size, uint64_t *used, unsigned *flags)
{
    struct control_out out = {control, control ? size : 0, 0};

    if (receive->has_credentials)
        put_credentials(&out, &receive->credentials);
    if (receive->files)
        put_descriptors(&out, receive->files, receive->flags & MSG_CMSG_CLOEXEC);
    *used = out.at - control;
    *flags |= out.flags;
}
