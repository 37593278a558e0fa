// SPDX-License-Identifier: MIT
/*
 * exits.c - children end in all ways, are waited for in all ways, and none is lost or told twice.
 */
#include "soak.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 16 };

/* How one child ends: by a signal, or with a status. */
struct ending {
    int signo;
    int code;
};

static int end(void *argument)
{
    const struct ending *ending = argument;

    if (ending->signo)
        raise(ending->signo);
    return ending->code;
}

static struct ending make_ending(struct random *random)
{
    static const int deadly[] = {SIGKILL, SIGTERM, SIGABRT, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM, SIGXCPU};
    struct ending ending = {.code = random_below(random, 256)};

    if (random_one_in(random, 2))
        ending.signo = deadly[random_below(random, sizeof deadly / sizeof *deadly)];
    return ending;
}

static bool ended_so(int status, struct ending ending)
{
    return ending.signo ? killed_by(status & ~0x80, ending.signo) : exited_with(status, ending.code);
}

/* By pid, in another order than they were made. */
static bool wait_for_each(struct random *random)
{
    unsigned number = 1 + random_below(random, CHILDREN_MAX), first = random_below(random, number);
    struct ending endings[CHILDREN_MAX];
    pid_t pids[CHILDREN_MAX];
    struct rusage usage;

    for (unsigned i = 0; i < number; i++) {
        endings[i] = make_ending(random);
        pids[i] = start_child(end, &endings[i]);
        CHECK(pids[i] > 0);
    }
    for (unsigned i = 0; i < number; i++) {
        unsigned which = (first + i) % number;
        int status = -1;
        CHECK(wait4(pids[which], &status, 0, &usage) == pids[which]);
        CHECK(ended_so(status, endings[which]));
        CHECK_FAILS(waitpid(pids[which], &status, 0), ECHILD);
    }
    return true;
}

/* In the order in which they end. */
static bool wait_for_any(struct random *random)
{
    unsigned number = 1 + random_below(random, CHILDREN_MAX), left = number;
    struct ending endings[CHILDREN_MAX];
    pid_t pids[CHILDREN_MAX];

    for (unsigned i = 0; i < number; i++) {
        endings[i] = make_ending(random);
        pids[i] = start_child(end, &endings[i]);
        CHECK(pids[i] > 0);
    }
    for (; left > 0; left--) {
        int status = -1;
        pid_t pid = waitpid(-1, &status, 0);
        unsigned which = 0;
        while (which < number && pids[which] != pid)
            which++;
        CHECK(which < number);
        CHECK(ended_so(status, endings[which]));
        pids[which] = 0;
    }
    return true;
}

/* A look that leaves the child waitable, then the wait itself. */
static bool look_then_wait(struct random *random)
{
    struct ending ending = make_ending(random);
    siginfo_t info = {0};
    pid_t pid = start_child(end, &ending);

    CHECK(pid > 0);
    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_status, ending.signo ? ending.signo : ending.code);
    CHECK(ended_so(child_wait(pid), ending));
    return true;
}

/* Who ignores SIGCHLD has no zombies: wait returns when the last child has ended. */
static bool ignore(struct random *random)
{
    signal(SIGCHLD, SIG_IGN);
    for (unsigned i = 1 + random_below(random, CHILDREN_MAX); i > 0; i--) {
        struct ending ending = make_ending(random);
        CHECK(start_child(end, &ending) > 0);
    }
    CHECK_FAILS(waitpid(-1, NULL, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);
    return true;
}

/* A grandchild outlives its parent, finds another one, and says so. */
static int orphan(int to, pid_t parent)
{
    while (getppid() == parent)
        usleep(500);
    return write(to, "o", 1) == 1 ? 0 : 1;
}

static int make_orphan(void *argument)
{
    pid_t self = getpid();
    int to = *(int *)argument;

    if (fork() == 0)
        _exit(orphan(to, self));
    return 7;
}

static bool orphans(struct random *random)
{
    int ends[2];
    char byte = 0;

    (void)random;
    CHECK(pipe(ends) == 0);
    CHECK(ends_with(start_child(make_orphan, &ends[1]), 7));
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    CHECK_EQ(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    return true;
}

static bool round_of_exits(struct random *random)
{
    static bool (*const kinds[])(struct random *) = {wait_for_each, wait_for_any, look_then_wait, ignore, orphans};

    return kinds[random_below(random, sizeof kinds / sizeof *kinds)](random);
}

const struct mixture exits = {"exits", round_of_exits, 3};
