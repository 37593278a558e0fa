// SPDX-License-Identifier: MIT
/*
 * fail_again.c - a call on files, pipes, sockets or events that found no memory is made again, and comes to what it would have come to:
 * nothing was changed by the first attempt (sweep.h).
 */
#include "sweep.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char bytes[6 * PAGE], back[6 * PAGE];
static int ends[2], file, other, result;
static struct stat status;

static bool close_ends(void)
{
    return close(ends[0]) == 0 && close(ends[1]) == 0;
}

/* ---- Names ---- */

static const char *const path = "/tmp/fail_again";

static bool act_create_exclusively(void)
{
    file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    return file >= 0;
}

static bool remove_file(void)
{
    return close(file) == 0 && unlink(path) == 0;
}

static bool act_make_names(void)
{
    return mkdir("/tmp/fail_again.d", 0700) == 0 && symlink("a link of some length", "/tmp/fail_again.d/link") == 0 &&
           mknod("/tmp/fail_again.d/fifo", S_IFIFO | 0600, 0) == 0 &&
           rename("/tmp/fail_again.d/fifo", "/tmp/fail_again.d/moved") == 0 &&
           link("/tmp/fail_again.d/moved", "/tmp/fail_again.d/again") == 0 && unlink("/tmp/fail_again.d/moved") == 0;
}

static bool remove_names(void)
{
    return unlink("/tmp/fail_again.d/link") == 0 && unlink("/tmp/fail_again.d/again") == 0 && rmdir("/tmp/fail_again.d") == 0;
}

static bool make_folder(void)
{
    return mkdir("/tmp/fail_again.m", 0700) == 0;
}

static bool act_mount(void)
{
    return mount("none", "/tmp/fail_again.m", "tmpfs", 0, "size=1m") == 0 &&
           stat("/tmp/fail_again.m/.", &status) == 0 && umount("/tmp/fail_again.m") == 0;
}

static bool remove_folder(void)
{
    return rmdir("/tmp/fail_again.m") == 0;
}

static bool act_read_names(void)
{
    static char names[PAGE];
    int folder = open("/proc", O_RDONLY | O_DIRECTORY);
    long length = syscall(SYS_getdents64, folder, names, sizeof names);

    return close(folder) == 0 && length > 0 && readlink("/proc/self/exe", names, sizeof names) > 0 &&
           getcwd(names, sizeof names) != NULL && chdir("/tmp") == 0;
}

/* ---- Content ---- */

static bool make_file(void)
{
    memset(bytes, 'b', sizeof bytes);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    return file >= 0;
}

/* What was written before memory lacked is told, and the rest is asked for as by any program. */
static bool write_rest(int fd, long done, long size)
{
    if (done > 0 && done < size)
        done += write(fd, bytes, size - done);
    return done == size;
}

static bool act_append(void)
{
    CHECK(fcntl(file, F_SETFL, O_APPEND) == 0);
    CHECK(write_rest(file, write(file, bytes, 3 * PAGE), 3 * PAGE));
    return fstat(file, &status) == 0 && status.st_size == 3 * PAGE;
}

static bool act_vectors(void)
{
    struct iovec parts[2] = {{bytes, 2 * PAGE}, {bytes + PAGE, 3 * PAGE}};

    CHECK(write_rest(file, writev(file, parts, 2), 5 * PAGE));
    return fstat(file, &status) == 0 && status.st_size == 5 * PAGE;
}

static bool make_files(void)
{
    other = open("/tmp/fail_again.2", O_RDWR | O_CREAT, 0600);
    return make_file() && other >= 0 && write(file, bytes, 3 * PAGE) == 3 * PAGE && lseek(file, 0, SEEK_SET) == 0;
}

static bool remove_files(void)
{
    return remove_file() && close(other) == 0 && unlink("/tmp/fail_again.2") == 0;
}

static bool act_sendfile(void)
{
    long length = sendfile(other, file, NULL, 3 * PAGE);

    while (length > 0 && length < 3 * (long)PAGE)
        length += sendfile(other, file, NULL, 3 * PAGE - length);
    return length == 3 * PAGE && lseek(file, 0, SEEK_CUR) == length && lseek(other, 0, SEEK_CUR) == length &&
           fstat(other, &status) == 0 && status.st_size == length;
}

static bool act_copy_range(void)
{
    long length = copy_file_range(file, NULL, other, NULL, 3 * PAGE, 0);

    while (length > 0 && length < 3 * (long)PAGE)
        length += copy_file_range(file, NULL, other, NULL, 3 * PAGE - length, 0);
    return length == 3 * PAGE && lseek(file, 0, SEEK_CUR) == length && fstat(other, &status) == 0 && status.st_size == length;
}

/* ---- Pipes ---- */

static bool make_pipe(void)
{
    memset(bytes, 'b', sizeof bytes);
    return pipe(ends) == 0;
}

static bool act_pipe(void)
{
    CHECK(make_pipe());
    CHECK(write_rest(ends[1], write(ends[1], bytes, 2 * PAGE), 2 * PAGE));
    return read(ends[0], back, sizeof back) == 2 * PAGE && memcmp(bytes, back, 2 * PAGE) == 0;
}

static bool make_pipe_and_files(void)
{
    return make_pipe() && make_files();
}

static bool act_splice(void)
{
    long in = splice(file, NULL, ends[1], NULL, PAGE, 0), out = splice(ends[0], NULL, other, NULL, PAGE, 0);

    return in == PAGE && out == PAGE && lseek(file, 0, SEEK_CUR) == PAGE && fstat(other, &status) == 0 && status.st_size == PAGE;
}

static bool remove_pipe_and_files(void)
{
    return remove_files() && close_ends();
}

/* ---- Sockets ---- */

static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/fail_again.s"};
static int listener, client;

static bool act_socket_pair(void)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    return write(ends[0], bytes, PAGE) == PAGE && read(ends[1], back, PAGE) == PAGE;
}

static bool act_bind(void)
{
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    return listener >= 0 && bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 4) == 0;
}

static bool end_listener(void)
{
    return close(listener) == 0 && unlink(name.sun_path) == 0;
}

static bool act_connect(void)
{
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    return client >= 0 && connect(client, (struct sockaddr *)&name, sizeof name) == 0;
}

static bool make_client(void)
{
    return act_bind() && act_connect() && write(client, "x", 1) == 1;
}

static bool act_accept(void)
{
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

    return accepted >= 0 && read(accepted, back, 2) == 1 && close(accepted) == 0;
}

static bool end_client(void)
{
    return close(client) == 0 && end_listener();
}

static bool make_socket_pair(void)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0;
}

static union {
    char space[CMSG_SPACE(2 * sizeof(int))];
    struct cmsghdr align;
} control;

static struct msghdr *rights_message(void)
{
    static struct iovec part = {back, 1};
    static struct msghdr message;

    message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    return &message;
}

/* One message goes, with two descriptors, and one comes. */
static bool act_send_rights(void)
{
    struct msghdr *message = rights_message();
    struct cmsghdr *head = &control.align;
    int fds[2] = {ends[0], ends[1]};

    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds)};
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    CHECK(syscall(SYS_sendmsg, ends[0], message, 0) == 1);
    memset(&control, 0, sizeof control);
    CHECK(recvmsg(ends[1], rights_message(), 0) == 1);
    CHECK(head->cmsg_len == CMSG_LEN(sizeof fds));
    memcpy(fds, CMSG_DATA(head), sizeof fds);
    return close(fds[0]) == 0 && close(fds[1]) == 0 && recv(ends[1], back, 1, 0) == -1 && errno == EAGAIN;
}

/* ---- Events, descriptors, locks, timers ---- */

static bool watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    return fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(epoll, &event, 1, 0) >= 0 && close(fd) == 0;
}

static bool act_events(void)
{
    sigset_t none;
    int epoll = epoll_create1(0);

    sigemptyset(&none);
    return watch(epoll, eventfd(1, 0)) & watch(epoll, timerfd_create(CLOCK_MONOTONIC, 0)) & watch(epoll, signalfd(-1, &none, 0)) &
           watch(epoll, epoll_create1(0)) & watch(epoll, syscall(SYS_pidfd_open, getpid(), 0)) && close(epoll) == 0;
}

static bool act_descriptors(void)
{
    struct pollfd many[200];

    for (int i = 0; i < 200; i++)
        many[i] = (struct pollfd){.fd = 1, .events = POLLOUT};
    int high = fcntl(1, F_DUPFD, 500);
    return high == 500 && poll(many, 200, 0) == 200 && dup2(1, 800) == 800 && close(800) == 0 && close(high) == 0;
}

static bool act_locks(void)
{
    struct flock whole = {.l_type = F_WRLCK}, middle = {.l_type = F_UNLCK, .l_start = 10, .l_len = 5};

    return fcntl(file, F_SETLK, &whole) == 0 && fcntl(file, F_SETLK, &middle) == 0 && flock(file, LOCK_EX) == 0;
}

static void ignore(int signo)
{
    (void)signo;
}

static bool act_timer(void)
{
    struct itimerspec late = {.it_value = {1000, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};

    signal(SIGUSR2, ignore);
    return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &result) == 0 &&
           syscall(SYS_timer_settime, result, 0, &late, NULL) == 0 && syscall(SYS_timer_delete, result) == 0;
}

static bool act_queue_signal(void)
{
    signal(SIGRTMIN, ignore);
    return sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) == 0;
}

static bool act_memfd(void)
{
    int fd = syscall(SYS_memfd_create, "fail_again", 0);

    return fd >= 0 && ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, bytes, PAGE, PAGE) == PAGE && close(fd) == 0;
}

static const struct operation operations[] = {
    {"open_of_a_new_file", NULL, act_create_exclusively, remove_file},
    {"making_names", NULL, act_make_names, remove_names},
    {"mount", make_folder, act_mount, remove_folder},
    {"reading_names", NULL, act_read_names, NULL},
    {"appending", make_file, act_append, remove_file},
    {"writev", make_file, act_vectors, remove_file},
    {"sendfile", make_files, act_sendfile, remove_files},
    {"copy_file_range", make_files, act_copy_range, remove_files},
    {"pipe", NULL, act_pipe, close_ends},
    {"splice", make_pipe_and_files, act_splice, remove_pipe_and_files},
    {"socketpair", NULL, act_socket_pair, close_ends},
    {"bind", NULL, act_bind, end_listener},
    {"connect", act_bind, act_connect, end_client},
    {"accept", make_client, act_accept, end_client},
    {"sending_descriptors", make_socket_pair, act_send_rights, close_ends},
    {"epoll", NULL, act_events, NULL},
    {"dup", NULL, act_descriptors, NULL},
    {"locking", make_file, act_locks, remove_file},
    {"timer_create", NULL, act_timer, NULL},
    {"sigqueue", NULL, act_queue_signal, NULL},
    {"memfd", NULL, act_memfd, NULL},
};

int main(void)
{
    sweep_again_all(operations, sizeof operations / sizeof *operations);
    return tap_done();
}
