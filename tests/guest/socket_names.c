// SPDX-License-Identifier: MIT
/*
 * socket_names.c - sockets with names: paths, abstract ones, those that the kernel gives; listen, connect, accept.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address;
static socklen_t length;

static struct sockaddr *at(const char *name)
{
    size_t size = strlen(name) + 1;

    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name, size);
    length = offsetof(struct sockaddr_un, sun_path) + size;
    return (struct sockaddr *)&address;
}

/* A name in no file system, of this process alone. */
static struct sockaddr *abstract(const char *name)
{
    char text[64];
    int size = snprintf(text, sizeof text, "gaur-%d-%s", getpid(), name);

    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + 1, text, size);
    length = offsetof(struct sockaddr_un, sun_path) + 1 + size;
    return (struct sockaddr *)&address;
}

/* The length is known only when the address has been made. */
static int bind_to(int fd, struct sockaddr *to)
{
    return bind(fd, to, length);
}

static int connect_to(int fd, struct sockaddr *to)
{
    return connect(fd, to, length);
}

static ssize_t send_to(int fd, const char *bytes, size_t size, struct sockaddr *to)
{
    return sendto(fd, bytes, size, 0, to, length);
}

static bool path_is_made_by_bind_and_stays(void)
{
    struct sockaddr_un got;
    socklen_t size = sizeof got;
    struct stat stat;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    umask(022);
    CHECK(bind_to(fd, at("sock")) == 0);
    CHECK(lstat("sock", &stat) == 0 && S_ISSOCK(stat.st_mode));
    CHECK_EQ(stat.st_mode & 0777, 0755);
    CHECK(getsockname(fd, (struct sockaddr *)&got, &size) == 0);
    CHECK_EQ(size, 2 + 5);
    CHECK(strcmp(got.sun_path, "sock") == 0);
    CHECK_FAILS(bind_to(fd, at("other")), EINVAL);
    CHECK_FAILS(access("other", F_OK), ENOENT);
    CHECK_FAILS(open("sock", O_RDWR), ENXIO);
    close(fd);
    CHECK(access("sock", F_OK) == 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_FAILS(bind_to(fd, at("sock")), EADDRINUSE);
    CHECK_FAILS(connect_to(fd, at("sock")), ECONNREFUSED);
    CHECK_FAILS(connect_to(fd, at("nothing")), ENOENT);
    CHECK_FAILS(bind_to(fd, at("none/sock")), ENOENT);
    CHECK(file_put("plain", "x", 1, 0600));
    CHECK_FAILS(connect_to(fd, at("plain")), ECONNREFUSED);
    CHECK_FAILS(bind(fd, (struct sockaddr *)&address, 200), EINVAL);
    CHECK_FAILS(bind(fd, (struct sockaddr *)&address, 1), EINVAL);
    address.sun_family = AF_INET;
    CHECK_FAILS(bind_to(fd, (struct sockaddr *)&address), EINVAL);
    CHECK_FAILS(bind(fd, (struct sockaddr *)8, length), EFAULT);
    unlink("sock");
    close(fd);
    return true;
}

static bool listener_accepts_who_connects(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), server, value;
    struct sockaddr_un got;
    socklen_t size = sizeof got;
    char in[8] = {0};

    CHECK(bind_to(listener, at("door")) == 0);
    CHECK_FAILS(connect_to(client, at("door")), ECONNREFUSED);
    CHECK(listen(listener, 2) == 0);
    value = 0, size = sizeof value;
    CHECK(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1);
    struct pollfd ask = {.fd = listener, .events = POLLIN | POLLOUT};
    CHECK_EQ(poll(&ask, 1, 0), 0);
    CHECK(connect_to(client, at("door")) == 0);
    CHECK_EQ(write(client, "early", 5), 5);
    CHECK_EQ(poll(&ask, 1, 0), 1);
    CHECK_EQ(ask.revents, POLLIN);
    size = sizeof got;
    CHECK((server = accept4(listener, (struct sockaddr *)&got, &size, SOCK_CLOEXEC)) >= 0);
    CHECK_EQ(size, 2);
    CHECK_EQ(fcntl(server, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(read(server, in, 8), 5);
    size = sizeof got;
    CHECK(getpeername(client, (struct sockaddr *)&got, &size) == 0 && strcmp(got.sun_path, "door") == 0);
    size = sizeof got;
    CHECK(getsockname(server, (struct sockaddr *)&got, &size) == 0 && strcmp(got.sun_path, "door") == 0);
    CHECK_FAILS(connect_to(client, at("door")), EISCONN);
    CHECK_FAILS(send_to(client, "x", 1, at("door")), EISCONN);
    struct ucred cred;
    size = sizeof cred;
    CHECK(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0);
    CHECK(cred.pid == getpid() && cred.uid == geteuid() && cred.gid == getegid());
    close(server);
    CHECK_EQ(read(client, in, 8), 0);
    close(client);
    close(listener);
    unlink("door");
    return true;
}

static bool full_listener_keeps_clients_waiting(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), clients[2], late, server;
    pid_t pid;

    CHECK(bind_to(listener, abstract("full")) == 0 && listen(listener, 1) == 0);
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK(connect_to(clients[i], (struct sockaddr *)&address) == 0);
    }
    late = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect_to(late, (struct sockaddr *)&address), EAGAIN);
    fcntl(late, F_SETFL, 0);
    pid = fork();
    if (pid == 0)
        _exit(connect_to(late, (struct sockaddr *)&address) == 0 ? 0 : 1);
    CHECK(child_in_state(pid, 'S'));
    CHECK((server = accept(listener, NULL, NULL)) >= 0);
    CHECK(exited_with(child_wait(pid), 0));
    close(server);
    close(late);
    close(clients[0]);
    close(clients[1]);
    close(listener);
    return true;
}

/* A listener serves one after the other, and so do those that have nothing to do with it. */
static bool end_of_a_connection_leaves_all_names(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);

    CHECK(bind_to(other, abstract("other")) == 0);
    CHECK(bind_to(listener, at("shop")) == 0 && listen(listener, 1) == 0);
    for (int i = 0; i < 3; i++) {
        int client = socket(AF_UNIX, SOCK_STREAM, 0), server;

        CHECK_EQ(connect_to(client, at("shop")), 0);
        CHECK((server = accept(listener, NULL, NULL)) >= 0);
        CHECK_FAILS(bind_to(server, abstract("second")), EINVAL);
        close(server);
        close(client);
        client = socket(AF_UNIX, SOCK_DGRAM, 0);
        CHECK_EQ(send_to(client, "x", 1, abstract("other")), 1);
        CHECK_FAILS(bind_to(client, abstract("other")), EADDRINUSE);
        close(client);
    }
    close(other);
    close(listener);
    unlink("shop");
    return true;
}

static bool closing_the_listener_resets_who_was_not_accepted(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;

    CHECK(bind_to(listener, abstract("gone")) == 0 && listen(listener, 1) == 0);
    CHECK(connect_to(client, (struct sockaddr *)&address) == 0);
    close(listener);
    CHECK_FAILS(recv(client, &byte, 1, 0), ECONNRESET);
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    close(client);
    return true;
}

static bool abstract_names_go_with_their_socket(void)
{
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un got;
    socklen_t size = sizeof got;

    CHECK(bind_to(one, abstract("a")) == 0);
    CHECK(getsockname(one, (struct sockaddr *)&got, &size) == 0);
    CHECK_EQ(size, length);
    CHECK(memcmp(&got, &address, length) == 0);
    CHECK_FAILS(bind_to(two, (struct sockaddr *)&address), EADDRINUSE);
    CHECK(bind_to(stream, (struct sockaddr *)&address) == 0);
    close(one);
    CHECK(bind_to(two, (struct sockaddr *)&address) == 0);
    close(two);
    close(stream);
    CHECK((two = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
    CHECK_FAILS(connect_to(two, (struct sockaddr *)&address), ECONNREFUSED);
    close(two);
    return true;
}

static bool kernel_gives_a_name_to_who_asks_for_any(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX}, got;
    socklen_t size = sizeof got;

    CHECK(bind(fd, (struct sockaddr *)&any, sizeof any.sun_family) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&got, &size) == 0);
    CHECK_EQ(size, 8);
    CHECK_EQ(got.sun_path[0], 0);
    close(fd);
    return true;
}

static bool datagrams_tell_who_sent_them(void)
{
    int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un got;
    socklen_t size = sizeof got;
    char in[8];

    CHECK(bind_to(receiver, at("to")) == 0);
    CHECK_EQ(send_to(sender, "nobody", 6, at("to")), 6);
    CHECK_EQ(recvfrom(receiver, in, 8, 0, (struct sockaddr *)&got, &size), 6);
    CHECK_EQ(size, 0);
    CHECK(bind_to(sender, at("from")) == 0);
    CHECK_EQ(send_to(sender, "me", 2, at("to")), 2);
    size = sizeof got;
    CHECK_EQ(recvfrom(receiver, in, 8, 0, (struct sockaddr *)&got, &size), 2);
    CHECK_EQ(size, 2 + 5);
    CHECK(strcmp(got.sun_path, "from") == 0);
    CHECK_FAILS(connect_to(stream, at("to")), EPROTOTYPE);
    CHECK_FAILS(send_to(sender, "x", 1, at("none")), ENOENT);
    CHECK(connect_to(receiver, at("from")) == 0);
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK_FAILS(send_to(other, "x", 1, at("to")), EPERM);
    address.sun_family = AF_UNSPEC;
    CHECK(connect(receiver, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK_EQ(send_to(other, "x", 1, at("to")), 1);
    close(other);
    close(receiver);
    close(sender);
    close(stream);
    unlink("to");
    unlink("from");
    return true;
}

static bool queue_of_a_datagram_socket_has_an_end(void)
{
    int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char in[1];
    int sent = 0;

    CHECK(bind_to(receiver, abstract("queue")) == 0);
    CHECK(connect_to(sender, (struct sockaddr *)&address) == 0);
    while (sent < 100000 && send(sender, "x", 1, 0) == 1)
        sent++;
    CHECK_EQ(errno, EAGAIN);
    struct pollfd ask = {.fd = sender, .events = POLLOUT};
    CHECK_EQ(poll(&ask, 1, 0), 0);
    while (recv(receiver, in, 1, MSG_DONTWAIT) == 1)
        sent--;
    CHECK_EQ(sent, 0);
    CHECK_EQ(poll(&ask, 1, 0), 1);
    close(sender);
    close(receiver);
    return true;
}

static bool without_the_right_to_write_nobody_connects(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK(bind_to(listener, at("private")) == 0 && listen(listener, 1) == 0);
    CHECK(chmod("private", 0600) == 0 && chmod(".", 0755) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setgid(12345) != 0 || setuid(12345) != 0)
            _exit(0);
        _exit(connect_to(fd, at("private")) == -1 && errno == EACCES ? 0 : 1);
    }
    CHECK(exited_with(child_wait(pid), 0));
    close(fd);
    close(listener);
    unlink("private");
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return 1;
    TEST(path_is_made_by_bind_and_stays);
    TEST(listener_accepts_who_connects);
    TEST(full_listener_keeps_clients_waiting);
    TEST(end_of_a_connection_leaves_all_names);
    TEST(closing_the_listener_resets_who_was_not_accepted);
    TEST(abstract_names_go_with_their_socket);
    TEST(kernel_gives_a_name_to_who_asks_for_any);
    TEST(datagrams_tell_who_sent_them);
    TEST(queue_of_a_datagram_socket_has_an_end);
    TEST(without_the_right_to_write_nobody_connects);
    return tap_done();
}
