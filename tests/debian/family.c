// SPDX-License-Identifier: MIT
/*
 * family.c - a process of which every column of ps, pstree and lsof is known: two more threads, a child that has ended and
 * is not waited for, signals blocked, ignored and caught, a nice value, files open in several ways.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void caught(int sig)
{
    (void)sig;
}

static void set_signals(void)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigaddset(&one, SIGTERM);
    sigprocmask(SIG_BLOCK, &one, NULL);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGHUP, caught);
    raise(SIGUSR1);
}

static int open_files(void)
{
    int ends[2];

    return open("/tmp/written", O_CREAT | O_WRONLY | O_APPEND, 0644) < 0 || open("/tmp/both", O_CREAT | O_RDWR, 0600) < 0 ||
           write(4, "12345", 5) != 5 || open("/tmp", O_RDONLY) < 0 || pipe(ends) < 0 ||
           open("/dev/null", O_RDWR) < 0 || open("/tmp/gone", O_CREAT | O_RDWR, 0600) < 0 || unlink("/tmp/gone") < 0;
}

/* By number, since the C library keeps two for itself: whoever starts this may ignore some. */
static void signals_by_default(void)
{
    static const unsigned long by_default[4]; // the kernel's struct sigaction

    for (int signo = 1; signo <= 64; signo++)
        syscall(SYS_rt_sigaction, signo, by_default, NULL, sizeof(unsigned long));
}

int main(void)
{
    struct sched_param none = {0};
    pthread_t thread;

    if (chdir("/tmp") || open_files())
        return 1;
    signals_by_default();
    set_signals();
    setpriority(PRIO_PROCESS, 0, 5);
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, sleep_for_ever, NULL);
    sched_setscheduler(0, SCHED_BATCH, &none);
    mlock(&none, 1);
    if (fork() == 0)
        _exit(3);
    usleep(100000); // it has ended
    if (fork() == 0) { // a program of its own user, stopped
        if (setgid(65534) || setuid(65534))
            _exit(1);
        prctl(PR_SET_NAME, "odd (name) x");
        raise(SIGSTOP);
    }
    usleep(100000);
    if (write(1, "ready\n", 6) == 6)
        sleep_for_ever(NULL);
    return 1;
}
