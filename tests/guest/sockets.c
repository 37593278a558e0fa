// SPDX-License-Identifier: MIT
/*
 * sockets.c - local sockets: connections, datagrams, packets; who gets which error, and when.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int pair[2];

static bool make(int type)
{
    signal(SIGPIPE, SIG_IGN);
    return socketpair(AF_UNIX, type, 0, pair) == 0;
}

static void drop(void)
{
    close(pair[0]);
    close(pair[1]);
}

static short events_of(int fd)
{
    struct pollfd ask = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    return poll(&ask, 1, 0) < 0 ? -1 : ask.revents;
}

static bool stream_carries_bytes_both_ways(void)
{
    char in[16] = {0};
    int waiting;

    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "abc", 3), 3);
    CHECK_EQ(send(pair[0], "def", 3, 0), 3);
    CHECK(ioctl(pair[1], FIONREAD, &waiting) == 0);
    CHECK_EQ(waiting, 6);
    CHECK_EQ(read(pair[1], in, 2), 2);
    CHECK_EQ(recv(pair[1], in + 2, 14, 0), 4);
    CHECK(memcmp(in, "abcdef", 6) == 0);
    CHECK_EQ(write(pair[1], "back", 4), 4);
    CHECK_EQ(read(pair[0], in, 16), 4);
    CHECK_FAILS(recv(pair[0], in, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_FAILS(lseek(pair[0], 0, SEEK_SET), ESPIPE);
    CHECK_FAILS(pread(pair[0], in, 1, 0), ESPIPE);
    drop();
    return true;
}

static bool a_megabyte_arrives_whole_and_in_order(void)
{
    enum { TOTAL = 1 << 20 };
    static unsigned char out[10007], in[7001];
    size_t got = 0;
    pid_t pid;

    CHECK(make(SOCK_STREAM));
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        for (size_t sent = 0; sent < TOTAL;) {
            size_t size = TOTAL - sent < sizeof out ? TOTAL - sent : sizeof out;
            for (size_t i = 0; i < size; i++)
                out[i] = (sent + i) % 251;
            ssize_t done = write(pair[1], out, size);
            if (done <= 0)
                _exit(1);
            sent += done;
        }
        _exit(0);
    }
    close(pair[1]);
    for (ssize_t done; (done = read(pair[0], in, sizeof in)) > 0; got += done)
        for (ssize_t i = 0; i < done; i++)
            CHECK_EQ(in[i], (got + i) % 251);
    CHECK_EQ(got, TOTAL);
    CHECK(exited_with(child_wait(pid), 0));
    close(pair[0]);
    return true;
}

static bool datagrams_and_packets_keep_their_bounds(void)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    char in[8];

    for (int i = 0; i < 2; i++) {
        struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
        CHECK(make(types[i]));
        CHECK_EQ(send(pair[0], "one", 3, 0), 3);
        CHECK_EQ(send(pair[0], "", 0, 0), 0);
        CHECK_EQ(writev(pair[0], parts, 2), 5);
        CHECK_EQ(recv(pair[1], in, sizeof in, 0), 3);
        CHECK_EQ(recv(pair[1], in, sizeof in, 0), 0);
        CHECK_EQ(recv(pair[1], in, 2, MSG_PEEK), 2);
        CHECK_EQ(recv(pair[1], in, 2, MSG_PEEK | MSG_TRUNC), 5);
        struct iovec small = {in, 2};
        struct msghdr message = {.msg_iov = &small, .msg_iovlen = 1};
        CHECK_EQ(recvmsg(pair[1], &message, 0), 2);
        CHECK(message.msg_flags & MSG_TRUNC);
        CHECK_FAILS(recv(pair[1], in, 1, MSG_DONTWAIT), EAGAIN);
        drop();
    }
    return true;
}

static bool large_datagram_arrives_and_too_large_fails(void)
{
    static char out[100000], in[100000];
    static char huge[1 << 20];

    for (size_t i = 0; i < sizeof out; i++)
        out[i] = i * 7;
    CHECK(make(SOCK_DGRAM));
    CHECK_EQ(write(pair[0], out, sizeof out), sizeof out);
    CHECK_EQ(read(pair[1], in, sizeof in), sizeof in);
    CHECK(memcmp(in, out, sizeof in) == 0);
    CHECK_FAILS(write(pair[0], huge, sizeof huge), EMSGSIZE);
    drop();
    return true;
}

static bool peeking_takes_nothing(void)
{
    char in[8];

    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "abc", 3), 3);
    CHECK_EQ(recv(pair[1], in, 2, MSG_PEEK), 2);
    CHECK_EQ(recv(pair[1], in, 8, MSG_PEEK), 3);
    CHECK_EQ(recv(pair[1], in, 8, 0), 3);
    drop();
    return true;
}

static bool waitall_waits_for_all(void)
{
    char in[6];
    pid_t pid;

    CHECK(make(SOCK_STREAM));
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 3; i++) {
            if (write(pair[1], "xy", 2) != 2)
                _exit(1);
            sleep_ms(5);
        }
        _exit(0);
    }
    CHECK_EQ(recv(pair[0], in, 6, MSG_WAITALL), 6);
    CHECK(exited_with(child_wait(pid), 0));
    drop();
    return true;
}

static bool closing_ends_the_stream_after_its_last_byte(void)
{
    char byte;

    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "x", 1), 1);
    close(pair[0]);
    CHECK_EQ(events_of(pair[1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    CHECK_EQ(read(pair[1], &byte, 1), 1);
    CHECK_EQ(read(pair[1], &byte, 1), 0);
    CHECK_FAILS(write(pair[1], "x", 1), EPIPE);
    close(pair[1]);
    return true;
}

static bool closing_with_unread_bytes_resets(void)
{
    int error = 0;
    socklen_t size = sizeof error;
    char byte;

    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "x", 1), 1);
    close(pair[1]);
    CHECK(events_of(pair[0]) & POLLERR);
    CHECK_FAILS(read(pair[0], &byte, 1), ECONNRESET);
    CHECK_EQ(read(pair[0], &byte, 1), 0);
    close(pair[0]);
    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "x", 1), 1);
    close(pair[1]);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    CHECK_EQ(error, ECONNRESET);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    CHECK_EQ(error, 0);
    close(pair[0]);
    return true;
}

static bool write_without_a_reader(void)
{
    signal(SIGPIPE, SIG_DFL);
    close(pair[1]);
    if (send(pair[0], "x", 1, MSG_NOSIGNAL) != -1 || errno != EPIPE)
        return false;
    write(pair[0], "x", 1);
    return true;
}

static bool sigpipe_comes_unless_it_is_refused(void)
{
    CHECK(make(SOCK_STREAM));
    close(pair[1]);
    CHECK(killed_by(child_run(write_without_a_reader), SIGPIPE));
    close(pair[0]);
    return true;
}

static bool shutdown_closes_one_direction(void)
{
    char byte;

    CHECK(make(SOCK_STREAM));
    CHECK_EQ(write(pair[0], "x", 1), 1);
    CHECK(shutdown(pair[0], SHUT_WR) == 0);
    CHECK_FAILS(write(pair[0], "x", 1), EPIPE);
    CHECK_EQ(events_of(pair[1]), POLLIN | POLLOUT | POLLRDHUP);
    CHECK_EQ(read(pair[1], &byte, 1), 1);
    CHECK_EQ(read(pair[1], &byte, 1), 0);
    CHECK_EQ(write(pair[1], "y", 1), 1);
    CHECK_EQ(read(pair[0], &byte, 1), 1);
    CHECK_FAILS(shutdown(pair[0], 3), EINVAL);
    CHECK_FAILS(shutdown(pair[0], -1), EINVAL);
    CHECK(shutdown(pair[0], SHUT_RD) == 0);
    CHECK_EQ(read(pair[0], &byte, 1), 0);
    CHECK_FAILS(write(pair[1], "x", 1), EPIPE);
    drop();
    return true;
}

static bool full_stream_says_eagain_until_it_is_read(void)
{
    static char block[4096];
    size_t total = 0, got = 0;

    CHECK(make(SOCK_STREAM));
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    for (ssize_t done; (done = write(pair[0], block, sizeof block)) > 0;)
        total += done;
    CHECK_EQ(errno, EAGAIN);
    CHECK(total >= 65536 && total <= 1 << 20);
    CHECK_EQ(events_of(pair[0]), 0);
    for (ssize_t done; (done = read(pair[1], block, sizeof block)) > 0;)
        got += done;
    CHECK_EQ(got, total);
    CHECK_EQ(events_of(pair[0]), POLLOUT);
    drop();
    return true;
}

static bool timeouts_end_a_wait_with_eagain(void)
{
    struct timeval time = {0, 20000}, seen;
    socklen_t size = sizeof seen;
    char byte;

    CHECK(make(SOCK_STREAM));
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &seen, &size) == 0);
    CHECK(seen.tv_sec == 0 && seen.tv_usec == 20000);
    long long start = now_ms();
    CHECK_FAILS(recv(pair[0], &byte, 1, 0), EAGAIN);
    CHECK(now_ms() - start >= 19);
    time.tv_usec = 1000000;
    CHECK_FAILS(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), EDOM);
    drop();
    return true;
}

static void on_alarm(int signo)
{
    (void)signo;
}

static bool signals_interrupt_a_wait(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {{0, 20000}, {0, 20000}};
    char byte;

    CHECK(make(SOCK_SEQPACKET));
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK_FAILS(recv(pair[0], &byte, 1, 0), EINTR);
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    drop();
    return true;
}

static bool options_tell_what_a_socket_is(void)
{
    static const struct { int option, want; } table[] = {
        {SO_TYPE, SOCK_SEQPACKET}, {SO_DOMAIN, AF_UNIX}, {SO_PROTOCOL, 0}, {SO_ACCEPTCONN, 0}, {SO_ERROR, 0},
        {SO_RCVLOWAT, 1}, {SO_PASSCRED, 0}, {SO_REUSEADDR, 0}, {SO_KEEPALIVE, 0},
    };
    int value, on = 1, small = 1;
    socklen_t size = sizeof value;
    struct stat stat;

    CHECK(make(SOCK_SEQPACKET));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        CHECK(getsockopt(pair[0], SOL_SOCKET, table[i].option, &value, &size) == 0);
        CHECK_EQ(value, table[i].want);
        CHECK_EQ(size, 4);
    }
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_REUSEADDR, &value, &size) == 0 && value == 1);
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &size) == 0);
    CHECK_EQ(value, 4608);
    value = 50000;
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value) == 0);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &size) == 0);
    CHECK_EQ(value, 100000);
    CHECK_FAILS(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, 3), EINVAL);
    CHECK_FAILS(setsockopt(pair[0], SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
    CHECK_FAILS(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
    CHECK_FAILS(getsockopt(pair[0], 6, 1, &value, &size), EOPNOTSUPP);
    CHECK(fstat(pair[0], &stat) == 0 && S_ISSOCK(stat.st_mode));
    drop();
    return true;
}

static bool bad_arguments_get_linuxs_errors(void)
{
    int fd, null = open("/dev/null", O_RDWR);
    char byte;

    CHECK_FAILS(socket(AF_MAX, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_FAILS(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_FAILS(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
    CHECK_FAILS(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT);
    CHECK_FAILS(socket(AF_UNIX, 15, 0), EINVAL);
    CHECK_FAILS(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
    CHECK_FAILS(listen(null, 1), ENOTSOCK);
    CHECK_FAILS(send(-1, "x", 1, 0), EBADF);
    CHECK((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_FAILS(listen(fd, 1), EINVAL);
    CHECK_FAILS(accept(fd, NULL, NULL), EINVAL);
    CHECK_FAILS(accept4(fd, NULL, NULL, 1), EINVAL);
    CHECK_FAILS(recv(fd, &byte, 1, 0), EINVAL);
    CHECK_FAILS(send(fd, "x", 1, 0), ENOTCONN);
    CHECK_FAILS(getpeername(fd, NULL, NULL), ENOTCONN);
    CHECK_EQ(events_of(fd), POLLOUT | POLLHUP);
    close(fd);
    CHECK((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) >= 0);
    CHECK_FAILS(recv(fd, &byte, 1, 0), ENOTCONN);
    CHECK_FAILS(send(fd, "x", 1, 0), ENOTCONN);
    close(fd);
    CHECK((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
    CHECK_FAILS(send(fd, "x", 1, 0), ENOTCONN);
    CHECK_FAILS(listen(fd, 1), EOPNOTSUPP);
    CHECK_FAILS(accept(fd, NULL, NULL), EOPNOTSUPP);
    CHECK_FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_FAILS(recv(fd, &byte, 1, MSG_OOB), EOPNOTSUPP);
    close(fd);
    close(null);
    return true;
}

static bool datagram_peer_that_went_is_refused_once(void)
{
    CHECK(make(SOCK_DGRAM));
    close(pair[1]);
    CHECK_FAILS(send(pair[0], "x", 1, 0), ECONNREFUSED);
    CHECK_FAILS(send(pair[0], "x", 1, 0), ENOTCONN);
    close(pair[0]);
    return true;
}

static bool many_messages_in_one_call(void)
{
    char in[3][4];
    struct iovec out_parts[3] = {{"a", 1}, {"bc", 2}, {"def", 3}}, in_parts[3] = {{in[0], 4}, {in[1], 4}, {in[2], 4}};
    struct mmsghdr out[3] = {0}, back[3] = {0};

    CHECK(make(SOCK_DGRAM));
    for (int i = 0; i < 3; i++) {
        out[i].msg_hdr.msg_iov = &out_parts[i];
        back[i].msg_hdr.msg_iov = &in_parts[i];
        out[i].msg_hdr.msg_iovlen = back[i].msg_hdr.msg_iovlen = 1;
    }
    CHECK_EQ(syscall(SYS_sendmmsg, pair[0], out, 2, 0), 2);
    CHECK_EQ(out[1].msg_len, 2);
    CHECK_EQ(syscall(SYS_recvmmsg, pair[1], back, 3, MSG_WAITFORONE, NULL), 2);
    CHECK(back[0].msg_len == 1 && back[1].msg_len == 2 && memcmp(in[1], "bc", 2) == 0);
    drop();
    return true;
}

static bool bad_buffers_lose_no_stream(void)
{
    char in[4];

    CHECK(make(SOCK_STREAM));
    CHECK_FAILS(write(pair[0], (void *)8, 4), EFAULT);
    CHECK_EQ(write(pair[0], "abcd", 4), 4);
    CHECK_FAILS(read(pair[1], (void *)8, 4), EFAULT);
    CHECK_EQ(read(pair[1], in, 4), 4);
    drop();
    return true;
}

int main(void)
{
    TEST(stream_carries_bytes_both_ways);
    TEST(a_megabyte_arrives_whole_and_in_order);
    TEST(datagrams_and_packets_keep_their_bounds);
    TEST(large_datagram_arrives_and_too_large_fails);
    TEST(peeking_takes_nothing);
    TEST(waitall_waits_for_all);
    TEST(closing_ends_the_stream_after_its_last_byte);
    TEST(closing_with_unread_bytes_resets);
    TEST(sigpipe_comes_unless_it_is_refused);
    TEST(shutdown_closes_one_direction);
    TEST(full_stream_says_eagain_until_it_is_read);
    TEST(timeouts_end_a_wait_with_eagain);
    TEST(signals_interrupt_a_wait);
    TEST(options_tell_what_a_socket_is);
    TEST(bad_arguments_get_linuxs_errors);
    TEST(datagram_peer_that_went_is_refused_once);
    TEST(many_messages_in_one_call);
    TEST(bad_buffers_lose_no_stream);
    return tap_done();
}
