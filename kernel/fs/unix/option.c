// SPDX-License-Identifier: MIT
/*
 * option.c - getsockopt and setsockopt at the level SOL_SOCKET.
 */
#include <linux/time_types.h>

#include "fs/unix/private.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/string.h"

#define BUFFER_MAX        212992u   // net.core.wmem_max and rmem_max
#define BUFFER_FORCED_MAX 262144u   // a message of that size can still be made (message.c)
#define SEND_LEAST        4608u
#define RECEIVE_LEAST     2304u
#define NS_PER_SECOND     1000000000u

// Options that are on or off and change nothing here, or are looked at where they matter (SO_PASSCRED).
#define SWITCHES                                                                                          \
    (1u << SO_REUSEADDR | 1u << SO_DONTROUTE | 1u << SO_BROADCAST | 1u << SO_KEEPALIVE | 1u << SO_OOBINLINE | \
     1u << SO_REUSEPORT | 1u << SO_PASSCRED | 1u << SO_NO_CHECK)

struct linger {
    int on, seconds;
};

static bool is_switch(int option)
{
    return option > 0 && option < 32 && (SWITCHES >> option & 1);
}

static void set_switch(struct socket *socket, int option, bool on)
{
    if (on)
        atomic_fetch_or(&socket->switches, 1u << option);
    else
        atomic_fetch_and(&socket->switches, ~(1u << option));
}

// The kernel counts its own needs as well as the bytes, so a program gets twice what it asks for.
static uint32_t buffer_size(int wanted, uint32_t most, uint32_t least)
{
    return MAX(MIN((uint32_t)wanted, most) * 2, least);
}

// => 0, -EDOM (no proper time), -EINVAL
static int set_timeout(_Atomic uint64_t *timeout, const void *value, uint32_t size)
{
    struct __kernel_old_timeval time;
    uint64_t ns;

    if (size < sizeof time)
        return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    if (time.tv_sec < 0) {
        *timeout = 1; // it has passed before it begins
        return 0;
    }
    if (mul_overflows((uint64_t)time.tv_sec, NS_PER_SECOND, &ns) || add_overflows(ns, (uint64_t)time.tv_usec * 1000, &ns))
        ns = 0;
    *timeout = ns;
    return 0;
}

static int set_linger(struct socket *socket, const void *value, uint32_t size)
{
    struct linger linger;
    uint64_t both;

    if (size < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    linger.on = linger.on != 0;
    memcpy(&both, &linger, sizeof both);
    socket->linger = both;
    return 0;
}

static int set_number(struct socket *socket, int option, int value, bool privileged)
{
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        if (option == SO_SNDBUFFORCE && !privileged)
            return -EPERM;
        socket->send_limit = buffer_size(value, option == SO_SNDBUF ? BUFFER_MAX : BUFFER_FORCED_MAX, SEND_LEAST);
        wake_all(&socket->changed);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        if (option == SO_RCVBUFFORCE && !privileged)
            return -EPERM;
        socket->receive_limit = buffer_size(value, option == SO_RCVBUF ? BUFFER_MAX : BUFFER_FORCED_MAX, RECEIVE_LEAST);
        return 0;
    case SO_RCVLOWAT:
        socket->low_water = value < 0 ? INT32_MAX : value == 0 ? 1 : (uint32_t)value;
        return 0;
    case SO_PRIORITY:
        if ((value < 0 || value > 6) && !privileged)
            return -EPERM;
        socket->priority = value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int socket_set_option(struct file *file, int option, const void *value, uint32_t size, bool privileged)
{
    struct socket *socket = socket_of(file);
    int number;

    if (size < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (is_switch(option)) {
        set_switch(socket, option, number != 0);
        return 0;
    }
    switch (option) {
    case SO_RCVTIMEO:
        return set_timeout(&socket->receive_timeout, value, size);
    case SO_SNDTIMEO:
        return set_timeout(&socket->send_timeout, value, size);
    case SO_LINGER:
        return set_linger(socket, value, size);
    default:
        return set_number(socket, option, number, privileged);
    }
}

static void get_timeout(uint64_t ns, void *value, uint32_t *size)
{
    struct __kernel_old_timeval time = {(int64_t)(ns / NS_PER_SECOND), (int64_t)(ns % NS_PER_SECOND / 1000)};

    memcpy(value, &time, sizeof time);
    *size = MIN(*size, (uint32_t)sizeof time);
}

static void get_peer_credentials(struct socket *socket, void *value, uint32_t *size)
{
    spin_lock(&sockets_lock);
    memcpy(value, &socket->peer_credentials, sizeof socket->peer_credentials);
    spin_unlock(&sockets_lock);
    *size = MIN(*size, (uint32_t)sizeof socket->peer_credentials);
}

static int get_number(struct socket *socket, int option, int *value)
{
    switch (option) {
    case SO_TYPE:
        *value = socket->type;
        return 0;
    case SO_DOMAIN:
        *value = AF_UNIX;
        return 0;
    case SO_PROTOCOL:
    case SO_DEBUG:
        *value = 0;
        return 0;
    case SO_ERROR:
        *value = -socket_take_error(socket);
        return 0;
    case SO_ACCEPTCONN:
        *value = socket->state == SOCKET_LISTENING;
        return 0;
    case SO_SNDBUF:
        *value = (int)socket->send_limit;
        return 0;
    case SO_RCVBUF:
        *value = (int)socket->receive_limit;
        return 0;
    case SO_RCVLOWAT:
        *value = (int)socket->low_water;
        return 0;
    case SO_SNDLOWAT:
        *value = 1;
        return 0;
    case SO_PRIORITY:
        *value = socket->priority;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int socket_get_option(struct file *file, int option, void *value, uint32_t *size)
{
    struct socket *socket = socket_of(file);
    uint64_t linger = socket->linger;
    int number, error = 0;

    switch (option) {
    case SO_RCVTIMEO:
        get_timeout(socket->receive_timeout, value, size);
        return 0;
    case SO_SNDTIMEO:
        get_timeout(socket->send_timeout, value, size);
        return 0;
    case SO_PEERCRED:
        get_peer_credentials(socket, value, size);
        return 0;
    case SO_LINGER:
        memcpy(value, &linger, sizeof linger);
        *size = MIN(*size, (uint32_t)sizeof linger);
        return 0;
    }
    if (is_switch(option))
        number = socket_switched(socket, (unsigned)option);
    else
        error = get_number(socket, option, &number);
    if (error != 0)
        return error;
    memcpy(value, &number, sizeof number);
    *size = MIN(*size, (uint32_t)sizeof number);
    return 0;
}
