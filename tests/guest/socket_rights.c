// SPDX-License-Identifier: MIT
/*
 * socket_rights.c - descriptors and credentials that go with a message; and none is lost when nobody fetches them.
 */
#include "gaur.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 253 };

static union {
    char bytes[CMSG_SPACE((MOST + 2) * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
} control;

static char data[8];
static struct iovec part = {data, 1};
static struct msghdr message;

static struct msghdr *with_control(size_t size)
{
    message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = size};
    return &message;
}

static ssize_t send_fds(int to, const int *fds, int count)
{
    struct cmsghdr *head;

    with_control(CMSG_SPACE(count * sizeof(int)));
    memset(control.bytes, 0, CMSG_SPACE(count * sizeof(int)));
    head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    return syscall(SYS_sendmsg, to, &message, 0); // musl's own copies the control messages, but not so many
}

/* How many came; the first of them in *fd. */
static int receive_fds(int from, int *fd, int flags)
{
    struct cmsghdr *head;

    if (recvmsg(from, with_control(sizeof control.bytes), flags) < 0)
        return -1;
    head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return 0;
    memcpy(fd, CMSG_DATA(head), sizeof *fd);
    return (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

static bool descriptor_reaches_another_process(void)
{
    int pair[2], ends[2], fd = -1;
    char in[4];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (receive_fds(pair[1], &fd, MSG_CMSG_CLOEXEC) != 1 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
            _exit(1);
        _exit(write(fd, "hi", 2) == 2 ? 0 : 2);
    }
    CHECK(pipe(ends) == 0);
    CHECK_EQ(send_fds(pair[0], &ends[1], 1), 1);
    close(ends[1]);
    CHECK_EQ(read(ends[0], in, 4), 2);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(read(ends[0], in, 4), 0);
    close(ends[0]);
    close(pair[0]);
    close(pair[1]);
    return true;
}

static bool as_many_as_linux_allows_and_no_more(void)
{
    int pair[2], fds[MOST + 1], fd;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    for (int i = 0; i <= MOST; i++)
        fds[i] = pair[0];
    CHECK_FAILS(send_fds(pair[0], fds, MOST + 1), EINVAL);
    CHECK_EQ(send_fds(pair[0], fds, MOST), 1);
    CHECK_EQ(receive_fds(pair[1], &fd, 0), MOST);
    for (int i = 0; i < MOST; i++)
        close(fd + i);
    fds[1] = 9999;
    CHECK_FAILS(send_fds(pair[0], fds, 2), EBADF);
    close(pair[0]);
    close(pair[1]);
    return true;
}

static bool what_does_not_fit_is_told_and_closed(void)
{
    int pair[2], fds[3];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    fds[0] = fds[1] = fds[2] = pair[0];
    CHECK_EQ(send_fds(pair[0], fds, 3), 1);
    CHECK_EQ(recvmsg(pair[1], with_control(CMSG_SPACE(sizeof(int))), 0), 1);
    CHECK(message.msg_flags & MSG_CTRUNC);
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), 2 * sizeof(int));
    close(fds[0]);
    close(fds[1]); // room for one is room for two, rounded up
    CHECK_EQ(send_fds(pair[0], &pair[0], 1), 1);
    CHECK_EQ(recvmsg(pair[1], with_control(0), 0), 1);
    CHECK(message.msg_flags & MSG_CTRUNC);
    CHECK_EQ(send_fds(pair[0], &pair[0], 1), 1);
    CHECK_EQ(read(pair[1], data, 8), 1);
    close(pair[0]);
    close(pair[1]);
    return true;
}

static bool stream_stops_behind_a_message_with_descriptors(void)
{
    int pair[2], fd = -1;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(write(pair[0], "a", 1), 1);
    CHECK_EQ(send_fds(pair[0], &pair[0], 1), 1);
    CHECK_EQ(write(pair[0], "c", 1), 1);
    part.iov_len = 8;
    CHECK_EQ(recvmsg(pair[1], with_control(sizeof control.bytes), 0), 2);
    part.iov_len = 1;
    CHECK(CMSG_FIRSTHDR(&message) != NULL);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    close(fd);
    CHECK_EQ(read(pair[1], data, 8), 1);
    close(pair[0]);
    close(pair[1]);
    return true;
}

static bool peeking_gives_copies_of_descriptors(void)
{
    int pair[2], fd = -1, again = -1;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK_EQ(send_fds(pair[0], &pair[0], 1), 1);
    CHECK_EQ(receive_fds(pair[1], &fd, MSG_PEEK), 1);
    CHECK_EQ(receive_fds(pair[1], &again, 0), 1);
    CHECK(fd != again);
    close(fd);
    close(again);
    close(pair[0]);
    close(pair[1]);
    return true;
}

static bool credentials_come_when_asked_for(void)
{
    int pair[2], on = 1;
    struct ucred cred = {0};
    struct cmsghdr *head;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    CHECK_EQ(write(pair[0], "x", 1), 1);
    CHECK_EQ(recvmsg(pair[1], with_control(sizeof control.bytes), 0), 1);
    head = CMSG_FIRSTHDR(&message);
    CHECK(head != NULL && head->cmsg_type == SCM_CREDENTIALS);
    CHECK_EQ(head->cmsg_len, CMSG_LEN(sizeof cred));
    memcpy(&cred, CMSG_DATA(head), sizeof cred);
    CHECK(cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid());
    close(pair[0]);
    close(pair[1]);
    return true;
}

static ssize_t claim_to_be(int to, struct ucred *cred, size_t size)
{
    struct cmsghdr *head;

    with_control(CMSG_SPACE(sizeof *cred));
    memset(control.bytes, 0, CMSG_SPACE(sizeof *cred));
    head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_CREDENTIALS;
    head->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(head), cred, sizeof *cred);
    return syscall(SYS_sendmsg, to, &message, 0);
}

static bool false_credentials_are_refused(void)
{
    int pair[2];
    struct ucred cred = {getpid(), getuid(), getgid()};

    if (setgid(12345) != 0 || setuid(12345) != 0)
        SKIP("needs the superuser");
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    cred = (struct ucred){getpid(), 12345, 12345};
    CHECK_EQ(claim_to_be(pair[0], &cred, sizeof cred), 1);
    CHECK_FAILS(claim_to_be(pair[0], &cred, sizeof cred - 1), EINVAL);
    cred.uid = 0;
    CHECK_FAILS(claim_to_be(pair[0], &cred, sizeof cred), EPERM);
    cred.uid = 12345;
    cred.pid = 1;
    CHECK_FAILS(claim_to_be(pair[0], &cred, sizeof cred), EPERM);
    return true;
}

static bool false_credentials(void)
{
    CHECK_CHILD(false_credentials_are_refused);
    return true;
}

static bool bad_control_messages_are_refused(void)
{
    int pair[2];
    struct cmsghdr *head;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    with_control(CMSG_SPACE(4));
    head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = 1000};
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), EINVAL);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = 3};
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), EINVAL);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = 77, .cmsg_len = CMSG_LEN(4)};
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), EINVAL);
    message.msg_control = (void *)8;
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), EFAULT);
    message.msg_controllen = 1 << 24;
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), ENOBUFS);
    message.msg_controllen = 0;
    message.msg_iovlen = 2000;
    CHECK_FAILS(syscall(SYS_sendmsg, pair[0], &message, 0), EMSGSIZE);
    close(pair[0]);
    close(pair[1]);
    return true;
}

/* The other end of a pipe tells when the last descriptor of this one has gone. */
static bool has_hung_up(int fd)
{
    char byte;

    for (int i = 0; i < 200; i++) {
        if (read(fd, &byte, 1) == 0)
            return true;
        sleep_ms(5);
    }
    return false;
}

/* A pipe's writing end in messages that only each other could receive. */
static bool unreachable_descriptors_are_closed(void)
{
    int a[2], b[2], ends[2], spare[2];

    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, b) == 0);
    CHECK_EQ(send_fds(a[0], &ends[1], 1), 1);
    CHECK_EQ(send_fds(a[0], (int[]){a[1], b[1]}, 2), 1); // in its own queue
    CHECK_EQ(send_fds(b[0], &a[1], 1), 1);
    close(ends[1]);
    close(a[0]);
    close(a[1]);
    close(b[0]);
    CHECK_FAILS(read(ends[0], data, 1), EAGAIN); // b[1] reaches them all
    close(b[1]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, spare) == 0);
    close(spare[0]);
    close(spare[1]);
    CHECK(has_hung_up(ends[0]));
    close(ends[0]);
    return true;
}

static bool messages_within_messages_nest_deeply(void)
{
    enum { DEPTH = 2000 };
    int ends[2], pair[2], inner;

    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    inner = ends[1];
    for (int i = 0; i < DEPTH; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
        if (send_fds(pair[0], &inner, 1) != 1) { // Linux stops at some depth
            CHECK_EQ(errno, ETOOMANYREFS);
            close(pair[0]);
            close(pair[1]);
            break;
        }
        close(pair[0]);
        close(inner);
        inner = pair[1];
    }
    CHECK_FAILS(read(ends[0], data, 1), EAGAIN);
    close(inner);
    CHECK(has_hung_up(ends[0]));
    close(ends[0]);
    return true;
}

static bool passing(void)
{
    struct frames before;

    own_memory_touch();
    unreachable_descriptors_are_closed();
    caches_drop();
    CHECK(!on_gaur() || frames_settle(&before));
    CHECK(unreachable_descriptors_are_closed());
    CHECK(messages_within_messages_nest_deeply());
    CHECK(!on_gaur() || frames_are_back(&before));
    return true;
}

int main(void)
{
    TEST(descriptor_reaches_another_process);
    TEST(as_many_as_linux_allows_and_no_more);
    TEST(what_does_not_fit_is_told_and_closed);
    TEST(stream_stops_behind_a_message_with_descriptors);
    TEST(peeking_gives_copies_of_descriptors);
    TEST(credentials_come_when_asked_for);
    TEST(false_credentials);
    TEST(bad_control_messages_are_refused);
    TEST(unreachable_descriptors_are_closed);
    TEST(messages_within_messages_nest_deeply);
    tap_run("what_is_in_flight_leaks_no_frame", passing);
    return tap_done();
}
