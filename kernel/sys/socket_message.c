// SPDX-License-Identifier: MIT
/*
 * socket_message.c - send and receive.
 */
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/rw.h"
#include "sys/socket.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

#define CONTROL_MAX 20480u              // net.core.optmem_max

/* Linux's struct msghdr. */
struct message_header {
    vaddr_t name;
    int name_length;
    vaddr_t segments;
    uint64_t segment_count;
    vaddr_t control;
    uint64_t control_length;
    unsigned flags;
};

/* Linux's struct mmsghdr. */
struct many_header {
    struct message_header header;
    uint32_t length;
};

static_assert(sizeof(struct message_header) == 56 && sizeof(struct many_header) == 64, "as the ABI has them");

/* The signal of a connection that cannot take any more, unless it is not wanted. */
static int64_t send_result(const struct file *file, unsigned flags, int64_t result)
{
    if (result == -EPIPE && socket_is_stream(file) && !(flags & MSG_NOSIGNAL))
        return write_result(result);
    return socket_result(file, result, true);
}

static int64_t send_message(struct file *file, struct socket_send *send)
{
    struct caller caller;
    int64_t result;

    caller_begin(&caller);
    result = send_result(file, send->flags, socket_send(file, send, &caller.socket));
    caller_end(&caller);
    return result;
}

int64_t socket_vector(struct file *file, vaddr_t segments, unsigned count, bool write)
{
    struct socket_send send = {0};
    struct socket_receive receive = {0};
    int64_t result;

    if (write) {
        result = segments_begin(&send.data, segments, count);
        return result ? result : send_result(file, 0, socket_send(file, &send, NULL));
    }
    result = segments_begin(&receive.data, segments, count);
    if (!result)
        result = socket_result(file, socket_receive(file, &receive), false);
    file_bundle_free(receive.files);
    return result;
}

/* One buffer. => 0, -EFAULT */
static int one_buffer(struct segments *data, vaddr_t buffer, uint64_t size)
{
    struct io io = io_user(buffer, MIN(size, RW_MAX), 0);

    *data = segments_of_io(&io);
    return user_range_ok(buffer, io.left) ? 0 : -EFAULT;
}

SYSCALL6(sendto, int, fd, vaddr_t, buffer, uint64_t, size, unsigned, flags, vaddr_t, address, int, length)
{
    struct socket_send send = {.flags = flags};
    struct socket_address to;
    struct file *file;
    int64_t result = one_buffer(&send.data, buffer, size);

    if (!result)
        result = socket_file(fd, &file);
    if (result)
        return result;
    if (address) {
        result = user_address(&to, address, length);
        send.to = to.length ? &to : NULL;
    }
    if (!result)
        result = send_message(file, &send);
    file_put(file);
    return result;
}

SYSCALL6(recvfrom, int, fd, vaddr_t, buffer, uint64_t, size, unsigned, flags, vaddr_t, address, vaddr_t, length)
{
    struct socket_receive receive = {.flags = flags};
    struct file *file;
    int64_t result = one_buffer(&receive.data, buffer, size);
    int error;

    if (!result)
        result = socket_file(fd, &file);
    if (result)
        return result;
    result = socket_result(file, socket_receive(file, &receive), false);
    file_bundle_free(receive.files);
    if (result >= 0 && address) {
        error = put_address(&receive.from, address, length);
        result = error ? error : result;
    }
    file_put(file);
    return result;
}

/* Read the head of a message, and see whether it makes sense. => 0, -EFAULT, -EINVAL, -EMSGSIZE, -ENOBUFS */
static int header_read(struct message_header *header, vaddr_t at, struct segments *data)
{
    if (copy_from_user(header, at, sizeof(*header)))
        return -EFAULT;
    if (!header->name)
        header->name_length = 0;
    if (header->name_length < 0)
        return -EINVAL;
    if (header->segment_count > UIO_MAXIOV)
        return -EMSGSIZE;
    return segments_begin(data, header->segments, header->segment_count);
}

static int64_t send_header(struct file *file, const struct message_header *header, struct socket_send *send)
{
    struct control_in control = {0};
    struct socket_address to;
    int64_t result = 0;

    if (header->name_length) {
        result = user_address(&to, header->name, MIN(header->name_length, (int)ADDRESS_MAX));
        send->to = &to;
    }
    if (!result && header->control_length > CONTROL_MAX)
        result = -ENOBUFS;
    if (!result && header->control_length)
        result = control_read(&control, header->control, header->control_length);
    send->files = control.files;
    send->credentials = control.has_credentials ? &control.credentials : NULL;
    if (!result)
        result = send_message(file, send);
    file_bundle_free(send->files);
    return result;
}

static int64_t send_at(struct file *file, vaddr_t at, unsigned flags)
{
    struct socket_send send = {.flags = flags};
    struct message_header header;
    int64_t result = header_read(&header, at, &send.data);

    return result ? result : send_header(file, &header, &send);
}

SYSCALL3(sendmsg, int, fd, vaddr_t, message, unsigned, flags)
{
    struct file *file;
    int64_t result = socket_file(fd, &file);

    if (result)
        return result;
    result = send_at(file, message, flags);
    file_put(file);
    return result;
}

/* Tell the sender at the place the header names. => 0, -EFAULT */
static int put_name(const struct message_header *header, vaddr_t at, const struct socket_address *from)
{
    uint32_t room = header->name_length;

    if (!header->name)
        return 0;
    if (copy_to_user(header->name, &from->un, MIN(room, from->length)))
        return -EFAULT;
    return put_user_u32(at + offsetof(struct message_header, name_length), from->length);
}

/* What is told of a message that was received: who, what came with it, flags. => 0, -EFAULT */
static int put_result(const struct message_header *header, vaddr_t at, struct socket_receive *receive)
{
    unsigned flags = receive->result_flags | (receive->flags & MSG_CMSG_CLOEXEC);
    uint64_t used;
    int error = put_name(header, at, &receive->from);

    if (error)
        return error;
    control_write(receive, header->control, header->control_length, &used, &flags);
    error = put_user_u32(at + offsetof(struct message_header, flags), flags);
    return error ? error : put_user_u64(at + offsetof(struct message_header, control_length), used);
}

static int64_t receive_at(struct file *file, vaddr_t at, unsigned flags)
{
    struct socket_receive receive = {.flags = flags};
    struct message_header header;
    int64_t result = header_read(&header, at, &receive.data);
    int error;

    if (result)
        return result;
    result = socket_result(file, socket_receive(file, &receive), false);
    if (result >= 0) {
        error = put_result(&header, at, &receive);
        result = error ? error : result;
    }
    file_bundle_free(receive.files);
    return result;
}

SYSCALL3(recvmsg, int, fd, vaddr_t, message, unsigned, flags)
{
    struct file *file;
    int64_t result = socket_file(fd, &file);

    if (result)
        return result;
    result = receive_at(file, message, flags);
    file_put(file);
    return result;
}

SYSCALL4(sendmmsg, int, fd, vaddr_t, messages, unsigned, count, unsigned, flags)
{
    struct file *file;
    unsigned done = 0;
    int64_t result = socket_file(fd, &file);

    if (result)
        return result;
    for (count = MIN(count, (unsigned)UIO_MAXIOV); done < count; done++) {
        vaddr_t at = messages + done * sizeof(struct many_header);

        result = send_at(file, at, flags);
        if (result >= 0)
            result = put_user_u32(at + offsetof(struct many_header, length), result);
        if (result < 0)
            break;
    }
    file_put(file);
    return done ? done : result;
}

/* Messages until there are enough, none is there any more (MSG_WAITFORONE), or the time is over. => how many, -errno */
static int64_t receive_many(struct file *file, vaddr_t messages, unsigned count, unsigned flags, uint64_t deadline)
{
    unsigned done = 0;
    int64_t result = 0;

    while (done < count) {
        vaddr_t at = messages + done * sizeof(struct many_header);

        result = receive_at(file, at, flags & ~MSG_WAITFORONE);
        if (result >= 0)
            result = put_user_u32(at + offsetof(struct many_header, length), result);
        if (result < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (!time_left(deadline))
            break;
    }
    return done ? done : result;
}

SYSCALL5(recvmmsg, int, fd, vaddr_t, messages, unsigned, count, unsigned, flags, vaddr_t, timeout)
{
    uint64_t ns, deadline = UINT64_MAX;
    struct file *file;
    int64_t result = 0;

    if (timeout) {
        result = user_timespec(timeout, &ns);
        deadline = result ? 0 : deadline_after(ns);
    }
    if (!result)
        result = socket_file(fd, &file);
    if (result)
        return result;
    result = receive_many(file, messages, MIN(count, (unsigned)UIO_MAXIOV), flags, deadline);
    file_put(file);
    if (result >= 0 && timeout)
        put_time_left(timeout, deadline);
    return result;
}
