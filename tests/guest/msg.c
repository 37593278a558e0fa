// SPDX-License-Identifier: MIT
/*
 * msg.c - System V message queues: order and types, who waits and what wakes them, room, who may what.
 */
#include "gaur.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STRANGER 12345
#define ROOM     16384 // bytes that a queue takes

static struct {
    long type;
    char text[8193];
} message;

static struct msqid_ds state;
static int queue = -1;

static bool begin(void)
{
    queue = msgget(IPC_PRIVATE, 0600);
    return queue >= 0;
}

static bool end(void)
{
    return msgctl(queue, IPC_RMID, NULL) == 0;
}

static int put(long type, const char *text, int flags)
{
    message.type = type;
    strcpy(message.text, text);
    return msgsnd(queue, &message, strlen(text), flags);
}

/* Whether the next such message is `text`, of type `type`. */
static bool comes(long wanted, int flags, long type, const char *text)
{
    memset(&message, 'x', sizeof message);
    long size = msgrcv(queue, &message, sizeof message.text, wanted, flags | IPC_NOWAIT);

    return size == (long)strlen(text) && message.type == type && memcmp(message.text, text, strlen(text)) == 0 &&
           message.text[size] == 'x';
}

static bool messages_come_in_order_or_by_type(void)
{
    CHECK(begin());
    CHECK(put(3, "three", 0) == 0 && put(1, "one", 0) == 0 && put(2, "two", 0) == 0 && put(1, "", 0) == 0);
    CHECK(comes(2, 0, 2, "two"));
    CHECK(comes(-2, 0, 1, "one"));      // the lowest type, and of it the first
    CHECK(comes(3, MSG_EXCEPT, 1, ""));
    CHECK(put(5, "five", 0) == 0 && comes(0, 0, 3, "three"));
    CHECK_FAILS(msgrcv(queue, &message, 100, 4, IPC_NOWAIT), ENOMSG);
    CHECK_FAILS(msgrcv(queue, &message, 100, -4, IPC_NOWAIT), ENOMSG);
    CHECK(comes(-5, 0, 5, "five"));
    CHECK_FAILS(msgrcv(queue, &message, 100, 0, IPC_NOWAIT), ENOMSG);
    return end();
}

static bool a_long_message_is_refused_or_cut(void)
{
    CHECK(begin() && put(1, "0123456789", 0) == 0);
    CHECK_FAILS(msgrcv(queue, &message, 9, 0, 0), E2BIG);
    memset(&message, 'x', sizeof message);
    CHECK(msgrcv(queue, &message, 4, 0, MSG_NOERROR) == 4);
    CHECK(memcmp(message.text, "0123xx", 6) == 0);
    CHECK_FAILS(msgrcv(queue, &message, 100, 0, IPC_NOWAIT), ENOMSG);
    return end();
}

static bool the_largest_message_comes_whole(void)
{
    CHECK(begin());
    for (int i = 0; i < 8192; i++)
        message.text[i] = (char)(i % 251);
    message.type = 0x123456789abcdef;
    CHECK_FAILS(msgsnd(queue, &message, 8193, 0), EINVAL);
    CHECK(msgsnd(queue, &message, 8192, 0) == 0);
    memset(&message, 'x', sizeof message);
    CHECK(msgrcv(queue, &message, 8193, 0, 0) == 8192 && message.type == 0x123456789abcdef);
    for (int i = 0; i < 8192; i++)
        CHECK(message.text[i] == (char)(i % 251));
    return end();
}

static bool the_state_is_told(void)
{
    time_t before = time(NULL) - 1;

    CHECK(begin());
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    CHECK(state.msg_qnum == 0 && state.msg_qbytes == ROOM && state.msg_stime == 0 && state.msg_lspid == 0);
    CHECK(state.msg_ctime >= before && (state.msg_perm.mode & 0777) == 0600);
    CHECK(put(1, "hello", 0) == 0 && put(1, "you", 0) == 0 && comes(0, 0, 1, "hello"));
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    CHECK(state.msg_qnum == 1 && state.msg_cbytes == 3 && state.msg_lspid == getpid() && state.msg_lrpid == getpid());
    CHECK(state.msg_stime >= before && state.msg_rtime >= before);
    return end();
}

/* ---- Who waits ---- */

/* Nothing tells who waits: give them time, more than once. */
static void let_it_wait(pid_t child)
{
    child_in_state(child, 'S');
    sleep_ms(20);
    child_in_state(child, 'S');
}

static bool receive_seven(void)
{
    return msgrcv(queue, &message, 100, 7, 0) == 5 && strncmp(message.text, "seven", 5) == 0 && message.type == 7;
}

static bool a_receiver_waits_for_its_message(void)
{
    CHECK(begin());
    pid_t child = child_start(receive_seven);
    let_it_wait(child);
    CHECK(put(6, "six", 0) == 0 && put(7, "seven", 0) == 0);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(msgctl(queue, IPC_STAT, &state) == 0 && state.msg_qnum == 1 && state.msg_lrpid == child);
    CHECK(comes(0, 0, 6, "six"));
    return end();
}

static bool receive_too_little(void)
{
    CHECK_FAILS(msgrcv(queue, &message, 2, 7, 0), E2BIG);
    return true;
}

static bool a_receiver_without_room_is_told_and_the_message_stays(void)
{
    CHECK(begin());
    pid_t child = child_start(receive_too_little);
    let_it_wait(child);
    CHECK(put(7, "seven", 0) == 0);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(comes(0, 0, 7, "seven"));
    return end();
}

static bool send_more(void)
{
    return msgsnd(queue, &message, 8192, 0) == 0;
}

static bool a_sender_waits_for_room(void)
{
    CHECK(begin());
    message.type = 1;
    CHECK(msgsnd(queue, &message, 8192, 0) == 0 && msgsnd(queue, &message, 8192, 0) == 0);
    CHECK_FAILS(msgsnd(queue, &message, 1, IPC_NOWAIT), EAGAIN);
    CHECK(msgsnd(queue, &message, 0, IPC_NOWAIT) == 0);
    pid_t child = child_start(send_more);
    let_it_wait(child);
    CHECK(msgrcv(queue, &message, 8192, 0, 0) == 8192);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(msgctl(queue, IPC_STAT, &state) == 0 && state.msg_qnum == 3 && state.msg_cbytes == ROOM);
    return end();
}

static bool receive_from_what_is_removed(void)
{
    CHECK_FAILS(msgrcv(queue, &message, 100, 9, 0), EIDRM);
    return true;
}

static bool send_to_what_is_removed(void)
{
    CHECK_FAILS(msgsnd(queue, &message, 8192, 0), EIDRM);
    return true;
}

static bool removal_wakes_all_who_wait(void)
{
    CHECK(begin());
    message.type = 1;
    CHECK(msgsnd(queue, &message, 8192, 0) == 0 && msgsnd(queue, &message, 8192, 0) == 0);
    pid_t receiver = child_start(receive_from_what_is_removed), sender = child_start(send_to_what_is_removed);
    let_it_wait(receiver);
    let_it_wait(sender);
    CHECK(end());
    CHECK(exited_with(child_wait(receiver), 0) && exited_with(child_wait(sender), 0));
    CHECK_FAILS(put(1, "x", 0), EINVAL);
    return true;
}

static void nothing(int signo)
{
    (void)signo;
}

static bool receive_and_be_interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &action, NULL);
    CHECK_FAILS(msgrcv(queue, &message, 100, 0, 0), EINTR);
    return true;
}

static bool a_signal_interrupts_whatever_its_handler_wants(void)
{
    CHECK(begin());
    pid_t child = child_start(receive_and_be_interrupted);
    let_it_wait(child);
    CHECK(child_signal(child, SIGUSR1));
    CHECK(exited_with(child_wait(child), 0));
    CHECK(put(1, "stays", 0) == 0 && comes(0, 0, 1, "stays"));
    return end();
}

/* ---- Mistakes, rights, limits ---- */

static bool mistakes_are_told_as_on_linux(void)
{
    CHECK(begin());
    message.type = 0;
    CHECK_FAILS(msgsnd(queue, &message, 1, 0), EINVAL);
    message.type = -1;
    CHECK_FAILS(msgsnd(queue, &message, 1, 0), EINVAL);
    message.type = 1;
    CHECK_FAILS(msgsnd(queue, &message, -1, 0), EINVAL);
    CHECK_FAILS(msgsnd(-1, &message, 1, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_msgsnd, queue, 8, 1, 0), EFAULT);
    CHECK_FAILS(msgrcv(-1, &message, 1, 0, IPC_NOWAIT), EINVAL);
    CHECK_FAILS(msgrcv(queue, &message, -1, 0, IPC_NOWAIT), EINVAL);
    CHECK_FAILS(msgrcv(queue + 1, &message, 1, 0, IPC_NOWAIT), EINVAL);
    CHECK_FAILS(msgrcv(queue, &message, 1, 0, 040000 /* MSG_COPY */), EINVAL);
    CHECK_FAILS(msgctl(queue, 99, &state), EINVAL);
    CHECK_FAILS(msgctl(-1, IPC_STAT, &state), EINVAL);
    CHECK_FAILS(syscall(SYS_msgctl, queue, IPC_STAT, 8), EFAULT);
    CHECK(put(1, "lost", 0) == 0);
    CHECK_FAILS(syscall(SYS_msgrcv, queue, 8, 10, 0, 0), EFAULT);
    return end();
}

static bool a_key_finds_the_queue(void)
{
    key_t key = 0x47000000 + getpid();

    CHECK_FAILS(msgget(key, 0600), ENOENT);
    queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(queue >= 0);
    CHECK(msgget(key, 0) == queue && msgget(key, IPC_CREAT | 0600) == queue);
    CHECK_FAILS(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK(end());
    CHECK_FAILS(msgget(key, 0), ENOENT);
    return true;
}

static bool as_stranger(void)
{
    if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
        SKIP("cannot become another user");
    CHECK_FAILS(put(1, "x", 0), EACCES);
    CHECK(comes(0, 0, 1, "for all"));
    CHECK_FAILS(end() ? 0 : -1, EPERM);
    queue = msgget(IPC_PRIVATE, 0600);
    CHECK(queue >= 0 && msgctl(queue, IPC_STAT, &state) == 0);
    state.msg_qbytes = ROOM + 1;
    CHECK_FAILS(msgctl(queue, IPC_SET, &state), EPERM);
    state.msg_qbytes = 10;
    CHECK(msgctl(queue, IPC_SET, &state) == 0);
    CHECK_FAILS(put(1, "12345678901", IPC_NOWAIT), EAGAIN);
    CHECK(put(1, "1234567890", IPC_NOWAIT) == 0);
    return end();
}

static bool rights_are_those_of_the_mode(void)
{
    queue = msgget(IPC_PRIVATE, 0644);
    CHECK(queue >= 0 && put(1, "for all", 0) == 0);
    CHECK_CHILD(as_stranger);
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    state.msg_perm.mode = 0600;
    state.msg_qbytes = 100;
    CHECK(msgctl(queue, IPC_SET, &state) == 0);
    CHECK(msgctl(queue, IPC_STAT, &state) == 0 && (state.msg_perm.mode & 0777) == 0600 && state.msg_qbytes == 100);
    return end();
}

static bool limits_and_sums_are_told(void)
{
    struct msginfo limits, sums;
    char text[100];

    CHECK(begin() && put(1, "hello", 0) == 0);
    CHECK(msgctl(0, IPC_INFO, (void *)&limits) >= 0);
    CHECK(limits.msgmax == 8192 && limits.msgmnb == ROOM && limits.msgmni == 32000);
    CHECK(msgctl(0, MSG_INFO, (void *)&sums) >= 0);
    CHECK(sums.msgpool >= 1 && sums.msgmap >= 1 && sums.msgtql >= 5);
    CHECK(file_get("/proc/sys/kernel/msgmax", text, sizeof text) > 0 && strcmp(text, "8192\n") == 0);
    CHECK(file_get("/proc/sys/kernel/msgmnb", text, sizeof text) > 0 && strcmp(text, "16384\n") == 0);
    CHECK(file_get("/proc/sys/kernel/msgmni", text, sizeof text) > 0 && strcmp(text, "32000\n") == 0);
    return end();
}

static bool proc_lists_the_queue(void)
{
    static char text[64 * 1024];
    char line[300];

    CHECK(begin() && put(1, "hello", 0) == 0);
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    CHECK(file_get("/proc/sysvipc/msg", text, sizeof text) > 0);
    CHECK(strncmp(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      "
                        "stime      rtime      ctime\n", 120) == 0);
    snprintf(line, sizeof line, "\n%10d %10d  %4o  %10d %10d %5u %5u %5u %5u %5u %5u %10lu %10u %10lu\n", 0, queue, 0600, 5, 1, getpid(),
             0, getuid(), getgid(), getuid(), getgid(), (long)state.msg_stime, 0, (long)state.msg_ctime);
    CHECK(strstr(text, line) != NULL);
    return end();
}

int main(void)
{
    TEST(messages_come_in_order_or_by_type);
    TEST(a_long_message_is_refused_or_cut);
    TEST(the_largest_message_comes_whole);
    TEST(the_state_is_told);
    TEST(a_receiver_waits_for_its_message);
    TEST(a_receiver_without_room_is_told_and_the_message_stays);
    TEST(a_sender_waits_for_room);
    TEST(removal_wakes_all_who_wait);
    TEST(a_signal_interrupts_whatever_its_handler_wants);
    TEST(mistakes_are_told_as_on_linux);
    TEST(a_key_finds_the_queue);
    TEST(rights_are_those_of_the_mode);
    TEST(limits_and_sums_are_told);
    TEST(proc_lists_the_queue);
    return tap_done();
}
