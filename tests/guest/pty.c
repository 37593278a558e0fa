// SPDX-License-Identifier: MIT
/*
 * pty.c - pairs: their names, locks and nodes, packet mode, and what nonsense they are asked.
 */
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct terminal t;

static bool the_library_makes_and_names_pairs(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    char *name, other[64];
    struct stat status;

    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    name = ptsname(master);
    CHECK(name != NULL && strncmp(name, "/dev/pts/", 9) == 0);
    slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0 && isatty(slave) && isatty(master));
    CHECK_EQ(ttyname_r(slave, other, sizeof other), 0);
    CHECK(strcmp(name, other) == 0);
    CHECK_EQ(fstat(slave, &status), 0);
    CHECK(S_ISCHR(status.st_mode) && major(status.st_rdev) == 136 && (int)minor(status.st_rdev) == atoi(name + 9));
    CHECK_EQ(fstat(master, &status), 0);
    CHECK(S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2));
    close(slave);
    close(master);
    return true;
}

static bool openpty_gives_settings_and_size(void)
{
    struct winsize size = {.ws_row = 33, .ws_col = 77}, seen;
    struct termios raw = {.c_cflag = CS8 | CREAD | B38400}, got;
    int master, slave;

    cfmakeraw(&raw);
    CHECK_EQ(openpty(&master, &slave, NULL, &raw, &size), 0);
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &seen), 0);
    CHECK(seen.ws_row == 33 && seen.ws_col == 77);
    CHECK_EQ(tcgetattr(slave, &got), 0);
    CHECK_EQ(got.c_lflag & (ICANON | ECHO | ISIG), 0);
    CHECK(put(slave, "\n") && comes(master, "\n"));
    close(slave);
    close(master);
    return true;
}

static bool a_locked_terminal_cannot_be_opened(void)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), locked = 0, number, off = 0, on = 1, slave;
    char name[32];

    CHECK(master >= 0);
    CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    CHECK(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked == 1);
    CHECK_FAILS(open(name, O_RDWR | O_NOCTTY), EIO);
    CHECK_FAILS(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
    CHECK_EQ(ioctl(master, TIOCSPTLCK, &off), 0);
    CHECK(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked == 0);
    slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    CHECK_EQ(ioctl(master, TIOCSPTLCK, &on), 0);
    CHECK_FAILS(open(name, O_RDWR | O_NOCTTY), EIO);
    close(slave);
    close(master);
    return true;
}

static bool a_master_opens_its_peer_without_a_name(void)
{
    int peer;
    char name[64];

    CHECK(terminal_open(&t));
    peer = ioctl(t.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(peer >= 0);
    CHECK_EQ(fcntl(peer, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(ttyname_r(peer, name, sizeof name), 0);
    CHECK(strcmp(name, t.name) == 0);
    CHECK(put(t.master, "hi\n") && comes(peer, "hi\n"));
    CHECK_FAILS(ioctl(t.slave, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
    close(peer);
    terminal_close(&t);
    return true;
}

static bool own_node(void)
{
    struct stat status;

    CHECK(setgid(1234) == 0 && setuid(4321) == 0);
    CHECK(terminal_open(&t));
    CHECK_EQ(stat(t.name, &status), 0);
    CHECK_EQ(status.st_uid, 4321);
    CHECK((status.st_mode & 07600) == 0600);
    CHECK_EQ(chmod(t.name, 0666), 0);
    CHECK(stat(t.name, &status) == 0 && (status.st_mode & 0777) == 0666);
    CHECK_FAILS(unlink(t.name), EACCES);
    return true;
}

static bool a_node_belongs_to_who_opened_the_master(void)
{
    struct stat status;

    if (geteuid() != 0)
        SKIP("needs to be root");
    if (stat("/dev/ptmx", &status) != 0 || !(status.st_mode & 2))
        SKIP("not everybody may open /dev/ptmx");
    CHECK_CHILD(own_node);
    return true;
}

static bool other_opens_what_is_not_theirs(void)
{
    CHECK(setgid(1234) == 0 && setuid(4321) == 0);
    CHECK_FAILS(open(t.name, O_RDWR | O_NOCTTY), EACCES);
    return true;
}

static bool others_may_not_open_it(void)
{
    if (geteuid() != 0)
        SKIP("needs to be root");
    CHECK(terminal_open(&t));
    CHECK_CHILD(other_opens_what_is_not_theirs);
    CHECK_FAILS(unlink(t.name), EPERM);
    CHECK_FAILS(mkdir("/dev/pts/folder", 0700), EPERM);
    terminal_close(&t);
    return true;
}

static bool settings_of_the_master_are_the_terminals(void)
{
    struct termios one, other;

    CHECK(terminal_open(&t));
    CHECK_EQ(tcgetattr(t.master, &one), 0);
    CHECK_EQ(one.c_iflag, ICRNL | IXON);
    CHECK_EQ(one.c_oflag, OPOST | ONLCR);
    CHECK_EQ(one.c_cflag, B38400 | CS8 | CREAD);
    CHECK_EQ(one.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    one.c_lflag &= ~ECHO;
    one.c_cflag = CS5 | PARENB | B9600;
    CHECK_EQ(tcsetattr(t.master, TCSANOW, &one), 0);
    CHECK_EQ(tcgetattr(t.slave, &other), 0);
    CHECK_EQ(other.c_lflag & ECHO, 0);
    CHECK_EQ(other.c_cflag, B9600 | CS8 | CREAD);
    terminal_close(&t);
    return true;
}

static bool packet_mode_tells_what_happens(void)
{
    int on = 1, off = 0, is = -1;
    struct termios settings;

    CHECK(terminal_open(&t));
    CHECK_EQ(ioctl(t.master, TIOCPKT, &on), 0);
    CHECK(ioctl(t.master, TIOCGPKT, &is) == 0 && is == 1);
    CHECK(write(t.slave, "data", 4) == 4 && polls(t.master, POLLIN) && polls_not(t.master, POLLPRI));
    char bytes[16];
    CHECK_EQ(read(t.master, bytes, sizeof bytes), 5);
    CHECK(memcmp(bytes, "\0data", 5) == 0);

    CHECK_EQ(tcflush(t.slave, TCIOFLUSH), 0);
    CHECK(polls(t.master, POLLPRI | POLLIN));
    CHECK_EQ(read(t.master, bytes, sizeof bytes), 1);
    CHECK_EQ(bytes[0], TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
    CHECK(polls_not(t.master, POLLPRI | POLLIN));

    CHECK(tcflow(t.slave, TCOOFF) == 0 && read(t.master, bytes, sizeof bytes) == 1);
    CHECK_EQ(bytes[0], TIOCPKT_STOP);
    CHECK(tcflow(t.slave, TCOON) == 0 && read(t.master, bytes, sizeof bytes) == 1);
    CHECK_EQ(bytes[0], TIOCPKT_START);
    CHECK(tcflow(t.slave, TCOOFF) == 0 && tcflow(t.slave, TCOON) == 0 && read(t.master, bytes, sizeof bytes) == 1);
    CHECK_EQ(bytes[0], TIOCPKT_START);

    CHECK(change(t.slave, (struct change){.input_off = IXON}) && read(t.master, bytes, sizeof bytes) == 1);
    CHECK_EQ(bytes[0], TIOCPKT_NOSTOP);
    CHECK(change(t.slave, (struct change){.input_on = IXON}) && read(t.master, bytes, sizeof bytes) == 1);
    CHECK_EQ(bytes[0], TIOCPKT_DOSTOP);
    CHECK(tcgetattr(t.slave, &settings) == 0 && tcsetattr(t.slave, TCSANOW, &settings) == 0);
    CHECK(polls_not(t.master, POLLPRI));

    CHECK_EQ(ioctl(t.master, TIOCPKT, &off), 0);
    CHECK(put(t.slave, "plain") && comes(t.master, "plain"));
    terminal_close(&t);
    return true;
}

static bool epoll_hears_of_both_ends(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int set = epoll_create1(0);

    CHECK(terminal_open(&t));
    event.data.fd = t.master;
    CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, t.master, &event), 0);
    event.data.fd = t.slave;
    CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, t.slave, &event), 0);
    CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
    CHECK(change(t.slave, (struct change){.local_off = ECHO}));
    while (epoll_wait(set, &event, 1, 20) > 0)
        ; // that may have woken somebody
    CHECK(put(t.master, "x\n"));
    CHECK(epoll_wait(set, &event, 1, 20000) == 1 && event.data.fd == t.slave && (event.events & EPOLLIN));
    CHECK(comes(t.slave, "x\n"));
    while (epoll_wait(set, &event, 1, 20) > 0)
        ;
    CHECK(put(t.slave, "y"));
    CHECK(epoll_wait(set, &event, 1, 20000) == 1 && event.data.fd == t.master && (event.events & EPOLLIN));
    while (epoll_wait(set, &event, 1, 20) > 0)
        ;
    close(t.slave);
    CHECK(epoll_wait(set, &event, 1, 20000) == 1 && event.data.fd == t.master && (event.events & EPOLLHUP));
    close(t.master);
    close(set);
    return true;
}

static bool queues_of_a_master_are_its_own(void)
{
    int count = -1;

    CHECK(terminal_open(&t));
    CHECK(put(t.slave, "old") && has_bytes(t.master, 3));
    CHECK(ioctl(t.master, TIOCOUTQ, &count) == 0 && count == 0);
    CHECK(ioctl(t.slave, TIOCOUTQ, &count) == 0 && count == 0);
    CHECK_EQ(tcflush(t.master, TCIFLUSH), 0);
    CHECK(has_bytes(t.master, 0));
    CHECK(put(t.slave, "new") && comes(t.master, "new"));
    CHECK_FAILS(tcflush(t.master, 3), EINVAL);
    CHECK_FAILS(tcflow(t.master, 4), EINVAL);
    terminal_close(&t);
    return true;
}

static bool nonsense_is_refused(void)
{
    static const unsigned long with_pointer[] = {TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, TIOCPKT, TIOCGPKT, TIOCSWINSZ,
        TIOCGWINSZ, TCGETS, TCSETS, FIONREAD, TIOCOUTQ, TIOCGPGRP, TIOCGETD, TIOCSETD, TIOCGDEV};
    void *volatile nowhere = (void *)8;
    int bad = 17;

    CHECK(terminal_open(&t));
    for (size_t i = 0; i < sizeof with_pointer / sizeof *with_pointer; i++) {
        CHECK_FAILS(ioctl(t.master, with_pointer[i], nowhere), EFAULT);
        if (i >= 5 && with_pointer[i] != TIOCGPGRP)
            CHECK_FAILS(ioctl(t.slave, with_pointer[i], nowhere), EFAULT);
    }
    for (size_t i = 0; i < 5; i++)
        CHECK_FAILS(ioctl(t.slave, with_pointer[i], &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.slave, TIOCGPGRP, &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.slave, TIOCGSID, &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.master, TIOCGSID, &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.slave, TIOCNOTTY), ENOTTY);
    CHECK_FAILS(ioctl(t.master, TIOCNOTTY), ENOTTY);
    CHECK_FAILS(ioctl(t.slave, TIOCSETD, &bad), EINVAL);
    CHECK_FAILS(ioctl(t.slave, 0x12345678, &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.master, 0x12345678, &bad), ENOTTY);
    CHECK_FAILS(ioctl(t.master, TIOCSIG, 9), EINVAL);
    CHECK_FAILS(lseek(t.master, 0, SEEK_SET), ESPIPE);
    CHECK_FAILS(write(t.slave, nowhere, 1), EFAULT);
    CHECK_FAILS(write(t.master, nowhere, 1), EFAULT);
    CHECK(put(t.slave, "x") && polls(t.master, POLLIN));
    CHECK_FAILS(read(t.master, nowhere, PAGE), EFAULT);
    terminal_close(&t);
    return true;
}

static bool asks_every_number(void)
{
    char unused[256];

    CHECK(terminal_open(&t));
    fcntl(t.master, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(t.slave, F_SETFL, O_RDWR | O_NONBLOCK);
    for (unsigned number = 0x5400; number < 0x5480; number++) {
        if (number == TIOCCONS || number == TIOCSTI || number == TIOCVHANGUP || number == TCSBRK || number == TCSBRKP)
            continue;
        memset(unused, 0, sizeof unused);
        ioctl(t.slave, number, 3);
        ioctl(t.master, number, 3);
        ioctl(t.slave, number, unused);
        ioctl(t.master, number, unused);
    }
    terminal_close(&t);
    return true;
}

static bool every_number_is_survived(void)
{
    CHECK_CHILD(asks_every_number); // not by a leader of a session, who could get a terminal, and lose it
    CHECK(terminal_open(&t));
    CHECK(put(t.master, "ok\n") && comes(t.slave, "ok\n"));
    terminal_close(&t);
    return true;
}

static const char limit_path[] = "/proc/sys/kernel/pty/max";

static bool limit_set(const char *text)
{
    int fd = open(limit_path, O_WRONLY);
    bool good = fd >= 0 && put(fd, text);

    close(fd);
    return good;
}

static bool there_are_as_many_as_the_limit_says(void)
{
    char before[32], now[32];

    NEEDS_GAUR(); // Linux's limit is everybody's
    CHECK(terminal_open(&t));
    CHECK(file_get(limit_path, before, sizeof before) > 0 && atoi(before) >= 16);
    CHECK(file_get("/proc/sys/kernel/pty/nr", now, sizeof now) > 0);
    CHECK(atoi(now) >= 1);
    CHECK(limit_set(now));
    CHECK_FAILS(open("/dev/ptmx", O_RDWR | O_NOCTTY), ENOSPC);
    CHECK(limit_set(before));
    terminal_close(&t);
    CHECK(terminal_open(&t));
    terminal_close(&t);
    return true;
}

static bool in_its_own_instance(void)
{
    struct statfs kind;
    struct stat status;
    int master, number = -1;

    CHECK_EQ(statfs("other", &kind), 0);
    CHECK_EQ(kind.f_type, 0x1cd1);
    master = open("other/ptmx", O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    CHECK(ioctl(master, TIOCGPTN, &number) == 0 && number == 0);
    CHECK_EQ(stat("other/0", &status), 0);
    CHECK(status.st_uid == 7 && status.st_gid == 8 && (status.st_mode & 07777) == 0640);
    CHECK_FAILS(open("other/ptmx", O_RDWR | O_NOCTTY), ENOSPC); // max=1
    close(master);
    CHECK_FAILS(stat("other/0", &status), ENOENT);
    return true;
}

static bool every_mount_is_an_instance_of_its_own(void)
{
    struct stat status;

    CHECK(scratch_enter());
    CHECK_EQ(mkdir("other", 0755), 0);
    if (mount("devpts", "other", "devpts", 0, "newinstance,uid=7,gid=8,mode=640,ptmxmode=666,max=1") != 0) {
        CHECK(errno == EPERM || errno == EACCES);
        SKIP("may not mount");
    }
    CHECK(in_its_own_instance());
    CHECK_EQ(umount("other"), 0);
    CHECK_FAILS(mount("devpts", "other", "devpts", 0, "mode=9"), EINVAL);
    CHECK_FAILS(mount("devpts", "other", "devpts", 0, "nonsense"), EINVAL);
    CHECK_EQ(mknod("ptmx", S_IFCHR | 0666, makedev(5, 2)), 0);
    CHECK_FAILS(open("ptmx", O_RDWR | O_NOCTTY), ENOENT);
    CHECK_EQ(mkdir("pts", 0755), 0);
    CHECK_FAILS(open("ptmx", O_RDWR | O_NOCTTY), ENODEV);
    CHECK_EQ(mknod("pts/0", S_IFCHR | 0666, makedev(136, 0)), 0);
    CHECK_FAILS(open("pts/0", O_RDWR | O_NOCTTY), EIO);
    CHECK_EQ(stat("/dev/pts", &status), 0);
    return true;
}

int main(void)
{
    TEST(the_library_makes_and_names_pairs);
    TEST(openpty_gives_settings_and_size);
    TEST(a_locked_terminal_cannot_be_opened);
    TEST(a_master_opens_its_peer_without_a_name);
    TEST(a_node_belongs_to_who_opened_the_master);
    TEST(others_may_not_open_it);
    TEST(settings_of_the_master_are_the_terminals);
    TEST(packet_mode_tells_what_happens);
    TEST(epoll_hears_of_both_ends);
    TEST(queues_of_a_master_are_its_own);
    TEST(nonsense_is_refused);
    TEST(every_number_is_survived);
    TEST(there_are_as_many_as_the_limit_says);
    TEST(every_mount_is_an_instance_of_its_own);
    return tap_done();
}
