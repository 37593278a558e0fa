// SPDX-License-Identifier: MIT
/*
 * pty_session.c - sessions on a pseudo-terminal: signals from its keys, job control, window sizes, hanging up.
 */
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct terminal t;

/* A child in a group of its own, in front or not, that runs `claim`. => its number */
static pid_t job_start(claim_fn claim, bool in_front)
{
    struct baton go;
    pid_t pid;

    if (!baton_make(&go))
        return -1;
    pid = fork();
    if (pid == 0) {
        baton_wait(&go);
        _exit(claim() ? 0 : 1);
    }
    setpgid(pid, pid);
    if (in_front)
        tcsetpgrp(own_terminal, pid);
    baton_pass(&go);
    baton_drop(&go);
    return pid;
}

static bool job_pauses(void)
{
    CHECK(put(own_terminal, "ready\n"));
    while (pause() != 0)
        ;
    return false; // only a signal ends it
}

static bool leader_sees_its_job_killed(void)
{
    int status;
    pid_t job;

    signal(SIGTTOU, SIG_IGN);
    job = job_start(job_pauses, true);
    CHECK_EQ(waitpid(job, &status, 0), job);
    CHECK(killed_by(status, SIGINT));
    job = job_start(job_pauses, true);
    CHECK_EQ(waitpid(job, &status, 0), job);
    CHECK(killed_by(status, SIGQUIT));
    return true;
}

static bool keys_signal_the_group_in_front_only(void)
{
    pid_t leader;

    CHECK(terminal_open(&t));
    leader = session_start(&t, leader_sees_its_job_killed);
    close(t.slave);
    CHECK(comes(t.master, "ready\r\n") && put(t.master, "\003") && comes(t.master, "^C"));
    CHECK(comes(t.master, "ready\r\n") && put(t.master, "\034"));
    CHECK(exited_with(child_wait(leader), 0));
    close(t.master);
    return true;
}

static bool leader_sees_its_job_stop_and_go_on(void)
{
    int status;
    pid_t job;

    signal(SIGTTOU, SIG_IGN);
    job = job_start(job_pauses, true);
    CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    CHECK_EQ(tcsetpgrp(own_terminal, getpid()), 0);
    CHECK(put(own_terminal, "stopped\n"));
    CHECK_EQ(tcsetpgrp(own_terminal, job), 0);
    CHECK_EQ(kill(-job, SIGCONT), 0);
    CHECK_EQ(waitpid(job, &status, WCONTINUED), job);
    CHECK(WIFCONTINUED(status));
    CHECK(put(own_terminal, "goes on\n"));
    CHECK_EQ(waitpid(job, &status, 0), job);
    CHECK(killed_by(status, SIGINT));
    return true;
}

static bool suspend_key_stops_the_job(void)
{
    pid_t leader;

    CHECK(terminal_open(&t));
    leader = session_start(&t, leader_sees_its_job_stop_and_go_on);
    close(t.slave);
    CHECK(comes(t.master, "ready\r\n") && put(t.master, "\032"));
    CHECK(comes(t.master, "^Zstopped\r\ngoes on\r\n") && put(t.master, "\003"));
    CHECK(exited_with(child_wait(leader), 0));
    close(t.master);
    return true;
}

static bool job_reads(void)
{
    char byte;

    return read(own_terminal, &byte, 1) == 1 && byte == 'x';
}

static bool job_writes(void)
{
    return put(own_terminal, "from behind\n");
}

static bool jobs_behind_stop(void)
{
    int status;
    pid_t job;
    char byte;

    signal(SIGTTOU, SIG_IGN);
    job = job_start(job_reads, false);
    CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    CHECK(put(own_terminal, "stopped\n"));
    CHECK(tcsetpgrp(own_terminal, job) == 0 && kill(job, SIGCONT) == 0);
    CHECK(exited_with(child_wait(job), 0));
    CHECK_EQ(tcsetpgrp(own_terminal, getpid()), 0);
    CHECK(read(own_terminal, &byte, 1) == 1 && byte == '\n');

    job = job_start(job_writes, false);
    CHECK(exited_with(child_wait(job), 0));
    CHECK(change(own_terminal, (struct change){.local_on = TOSTOP}));
    signal(SIGTTOU, SIG_DFL);
    job = job_start(job_writes, false);
    CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
    child_end(job);
    return true;
}

static bool jobs_behind_stop_when_they_read_or_may_not_write(void)
{
    pid_t leader;

    CHECK(terminal_open(&t));
    leader = session_start(&t, jobs_behind_stop);
    close(t.slave);
    CHECK(comes(t.master, "stopped\r\n") && put(t.master, "x\n"));
    CHECK(comes(t.master, "x\r\nfrom behind\r\n"));
    CHECK(exited_with(child_wait(leader), 0));
    close(t.master);
    return true;
}

static bool leader_waits_for_winch(void)
{
    sigset_t set;
    struct winsize size;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(put(own_terminal, "ready\n"));
    CHECK(sigwait(&set, &signal) == 0 && signal == SIGWINCH);
    CHECK_EQ(ioctl(own_terminal, TIOCGWINSZ, &size), 0);
    CHECK(size.ws_row == 50 && size.ws_col == 132 && size.ws_xpixel == 7);
    CHECK(put(own_terminal, "seen\n"));
    CHECK(sigwait(&set, &signal) == 0);
    CHECK_EQ(ioctl(own_terminal, TIOCGWINSZ, &size), 0);
    CHECK_EQ(size.ws_row, 51);
    return true;
}

static bool a_new_window_size_is_told_to_the_group_in_front(void)
{
    struct winsize size = {50, 132, 7, 8}, got;
    pid_t leader;

    CHECK(terminal_open(&t));
    CHECK(ioctl(t.slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 0 && got.ws_col == 0);
    leader = session_start(&t, leader_waits_for_winch);
    CHECK(comes(t.master, "ready\r\n"));
    CHECK_EQ(ioctl(t.master, TIOCSWINSZ, &size), 0);
    CHECK(comes(t.master, "seen\r\n"));
    CHECK_EQ(ioctl(t.master, TIOCSWINSZ, &size), 0); // the same: nothing to tell
    size.ws_row = 51;
    CHECK_EQ(ioctl(t.slave, TIOCSWINSZ, &size), 0);
    CHECK(ioctl(t.master, TIOCGWINSZ, &got) == 0 && got.ws_row == 51);
    CHECK(exited_with(child_wait(leader), 0));
    terminal_close(&t);
    return true;
}

static volatile sig_atomic_t seen_hup, seen_cont;

static void note(int signo)
{
    if (signo == SIGHUP)
        seen_hup = 1;
    else
        seen_cont = 1;
}

static bool signals_come(void)
{
    long long since = 0;

    while (!(seen_hup && seen_cont) && patient(&since))
        ;
    return seen_hup && seen_cont;
}

static bool job_is_hung_up_with_its_leader(void)
{
    signal(SIGHUP, note);
    signal(SIGCONT, note);
    CHECK(put(own_terminal, "job\n"));
    CHECK(!seen_hup);
    CHECK(signals_come());
    return true;
}

static bool leader_is_hung_up(void)
{
    char byte;
    int fd;
    pid_t job;

    signal(SIGHUP, note);
    signal(SIGCONT, note);
    signal(SIGTTOU, SIG_IGN);
    job = job_start(job_is_hung_up_with_its_leader, true);
    CHECK(signals_come());
    CHECK_EQ(read(own_terminal, &byte, 1), 0);
    CHECK_FAILS(write(own_terminal, "x", 1), EIO);
    fd = open("/dev/tty", O_RDWR);
    CHECK(fd < 0 && errno == ENXIO);
    CHECK_EQ(kill(job, 0), 0); // it lives: it learns of it when this one ends
    return true;
}

static bool closing_the_master_hangs_up_the_leader_and_then_the_job(void)
{
    pid_t leader, job;
    int status, ended = 0;

    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    CHECK(terminal_open(&t));
    leader = session_start(&t, leader_is_hung_up);
    close(t.slave);
    CHECK(comes(t.master, "job\r\n"));
    close(t.master);
    while (ended < 2 && (job = wait(&status)) > 0) {
        CHECK(exited_with(status, 0));
        ended++;
    }
    CHECK_EQ(ended, 2);
    CHECK(leader > 0);
    return true;
}

static bool job_is_hung_up_by_the_end_of_its_leader(void)
{
    signal(SIGHUP, note);
    signal(SIGCONT, note);
    CHECK(put(own_terminal, "job\n"));
    long long since = 0;
    while (!seen_hup && patient(&since))
        ;
    CHECK(seen_hup && !seen_cont);
    return put(own_terminal, "heard\n"); // the terminal itself is still there
}

static bool leader_leaves_a_job(void)
{
    signal(SIGTTOU, SIG_IGN);
    CHECK(job_start(job_is_hung_up_by_the_end_of_its_leader, true) > 0);
    CHECK(put(own_terminal, "leader\n"));
    sleep_ms(50);
    return true;
}

static bool the_end_of_a_leader_hangs_up_the_group_in_front(void)
{
    char text[64] = "";
    pid_t job;
    int status, ended = 0;

    CHECK(terminal_open(&t));
    CHECK(session_start(&t, leader_leaves_a_job) > 0);
    while (ended < 2 && (job = wait(&status)) > 0) {
        CHECK(exited_with(status, 0));
        ended++;
    }
    CHECK(polls(t.master, POLLIN) && read(t.master, text, sizeof text - 1) > 0);
    CHECK(strstr(text, "job\r\n") != NULL);
    CHECK(strstr(text, "heard\r\n") != NULL || comes(t.master, "heard\r\n"));
    terminal_close(&t);
    return true;
}

static bool member_leaves(void)
{
    CHECK_EQ(ioctl(own_terminal, TIOCNOTTY), 0);
    CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_FAILS(ioctl(own_terminal, TIOCNOTTY), ENOTTY);
    return true;
}

static bool leader_gives_up(void)
{
    int fd;
    pid_t group = 0;

    signal(SIGHUP, note);
    signal(SIGCONT, note);
    CHECK_CHILD(member_leaves);
    fd = open("/dev/tty", O_RDWR);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(!seen_hup);
    CHECK(ioctl(own_terminal, TIOCGSID, &group) == 0 && group == getpid());
    CHECK_EQ(ioctl(own_terminal, TIOCNOTTY), 0);
    CHECK(signals_come());
    CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_FAILS(tcgetpgrp(own_terminal), ENOTTY);
    fd = open(t.name, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0);
    CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
    CHECK(open(t.name, O_WRONLY) >= 0);
    CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO); // who can only write does not get it
    fd = open(t.name, O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQ(tcgetpgrp(fd), getpgrp());
    return true;
}

static bool a_terminal_can_be_given_up_and_taken_again(void)
{
    pid_t leader;

    CHECK(terminal_open(&t));
    leader = session_start(&t, leader_gives_up);
    CHECK(exited_with(child_wait(leader), 0));
    terminal_close(&t);
    return true;
}

static bool job_asks(void)
{
    CHECK_FAILS(ioctl(own_terminal, TIOCSCTTY, 0), EPERM); // does not lead
    return true;
}

static bool thief(void)
{
    pid_t group;

    CHECK_EQ(setsid(), getpid());
    CHECK_FAILS(tcgetpgrp(own_terminal), ENOTTY);
    CHECK_FAILS(tcsetpgrp(own_terminal, getpid()), ENOTTY);
    CHECK_FAILS(ioctl(own_terminal, TIOCSCTTY, 0), EPERM);
    if (geteuid() == 0) {
        CHECK_EQ(ioctl(own_terminal, TIOCSCTTY, 1), 0);
        CHECK(ioctl(own_terminal, TIOCGSID, &group) == 0 && group == getpid());
    }
    return true;
}

static bool leader_is_robbed(void)
{
    struct terminal other;

    CHECK_EQ(ioctl(own_terminal, TIOCSCTTY, 0), 0); // it is so already
    CHECK(terminal_open(&other));
    CHECK_FAILS(ioctl(other.slave, TIOCSCTTY, 0), EPERM); // one is enough
    CHECK_FAILS(tcsetpgrp(own_terminal, getppid()), EPERM);
    CHECK_FAILS(tcsetpgrp(own_terminal, 4000000), ESRCH);
    CHECK_FAILS(tcsetpgrp(own_terminal, -1), EINVAL);
    CHECK_CHILD(job_asks);
    CHECK_CHILD(thief);
    if (geteuid() == 0)
        CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
    return true;
}

static bool terminals_are_taken_by_the_rules(void)
{
    pid_t leader;

    CHECK(terminal_open(&t));
    leader = session_start(&t, leader_is_robbed);
    CHECK(exited_with(child_wait(leader), 0));
    terminal_close(&t);
    return true;
}

/* Fields 5 to 8 of /proc/self/stat. */
static bool stat_names_the_terminal(void)
{
    char text[512];
    int group, session, terminal, front;

    CHECK(file_get("/proc/self/stat", text, sizeof text) > 0);
    CHECK_EQ(sscanf(strrchr(text, ')'), ") %*c %*d %d %d %d %d", &group, &session, &terminal, &front), 4);
    CHECK_EQ(group, getpid());
    CHECK_EQ(session, getpid());
    CHECK_EQ(terminal, 136 << 8 | atoi(t.name + 9));
    CHECK_EQ(front, getpid());
    CHECK_EQ(tcgetpgrp(own_terminal), getpid());
    return true;
}

static bool proc_tells_terminal_and_group_in_front(void)
{
    pid_t leader, group = -1;

    CHECK(terminal_open(&t));
    CHECK(ioctl(t.master, TIOCGPGRP, &group) == 0 && group == 0);
    leader = session_start(&t, stat_names_the_terminal);
    CHECK(exited_with(child_wait(leader), 0));
    terminal_close(&t);
    return true;
}

static bool master_asks_for_a_signal(void)
{
    pid_t leader, session;

    CHECK(terminal_open(&t));
    leader = session_start(&t, job_pauses);
    CHECK(comes(t.master, "ready\r\n"));
    CHECK(ioctl(t.master, TIOCGSID, &session) == 0 && session == leader);
    CHECK_EQ(ioctl(t.master, TIOCSIG, SIGINT), 0);
    CHECK(killed_by(child_wait(leader), SIGINT));
    terminal_close(&t);
    return true;
}

int main(void)
{
    TEST(keys_signal_the_group_in_front_only);
    TEST(suspend_key_stops_the_job);
    TEST(jobs_behind_stop_when_they_read_or_may_not_write);
    TEST(a_new_window_size_is_told_to_the_group_in_front);
    TEST(closing_the_master_hangs_up_the_leader_and_then_the_job);
    TEST(the_end_of_a_leader_hangs_up_the_group_in_front);
    TEST(a_terminal_can_be_given_up_and_taken_again);
    TEST(terminals_are_taken_by_the_rules);
    TEST(proc_tells_terminal_and_group_in_front);
    TEST(master_asks_for_a_signal);
    return tap_done();
}
