// SPDX-License-Identifier: MIT
/*
 * sem.c - System V semaphores: all steps or none, who waits and what wakes them, what the end of a process undoes, who may what.
 */
#include "gaur.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STRANGER 12345

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static struct semid_ds state;
static int set = -1;
static unsigned short values[32000];

static int value(int index)
{
    return semctl(set, index, GETVAL);
}

static int put(int index, int to)
{
    return semctl(set, index, SETVAL, (union semun){.val = to});
}

static int step(int index, int by, int flags)
{
    struct sembuf one = {(unsigned short)index, (short)by, (short)flags};

    return semop(set, &one, 1);
}

/* Each claim has a set of three. */
static bool begin(void)
{
    set = semget(IPC_PRIVATE, 3, 0600);
    return set >= 0;
}

static bool end(void)
{
    return semctl(set, 0, IPC_RMID) == 0;
}

/* Wait until so many wait for a semaphore to become more, or zero; or until it has a value. */
static bool wait_until(int index, int command, int count)
{
    for (int i = 0; i < 10000 && semctl(set, index, command) != count; i++)
        sleep_ms(1);
    return semctl(set, index, command) == count;
}

static bool values_are_set_changed_and_told(void)
{
    time_t before = time(NULL) - 1;

    CHECK(begin());
    CHECK(value(0) == 0 && value(2) == 0 && semctl(set, 0, GETPID) == 0);
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0);
    CHECK(state.sem_nsems == 3 && state.sem_otime == 0 && state.sem_ctime >= before && (state.sem_perm.mode & 0777) == 0600);
    CHECK(put(1, 7) == 0 && value(1) == 7 && semctl(set, 1, GETPID) == getpid());
    CHECK(step(1, -2, 0) == 0 && value(1) == 5);
    CHECK(step(1, 20, 0) == 0 && value(1) == 25);
    CHECK(step(0, 0, 0) == 0 && semctl(set, 0, GETPID) == getpid());
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0 && state.sem_otime >= before);
    CHECK(semctl(set, 0, GETALL, (union semun){.array = values}) == 0);
    CHECK(values[0] == 0 && values[1] == 25 && values[2] == 0);
    values[0] = 1, values[1] = 2, values[2] = 32767;
    CHECK(semctl(set, 0, SETALL, (union semun){.array = values}) == 0);
    CHECK(value(0) == 1 && value(1) == 2 && value(2) == 32767);
    return end();
}

static bool all_steps_are_done_or_none(void)
{
    struct sembuf steps[] = {{0, 2, 0}, {1, -1, IPC_NOWAIT}, {2, 1, 0}};

    CHECK(begin());
    CHECK_FAILS(semop(set, steps, 3), EAGAIN);
    CHECK(value(0) == 0 && value(1) == 0 && value(2) == 0);
    CHECK(put(1, 1) == 0 && put(2, 32767) == 0);
    CHECK_FAILS(semop(set, steps, 3), ERANGE);
    CHECK(value(0) == 0 && value(1) == 1 && value(2) == 32767);
    CHECK(put(2, 4) == 0);
    CHECK(semop(set, steps, 3) == 0);
    CHECK(value(0) == 2 && value(1) == 0 && value(2) == 5);
    struct sembuf same[] = {{0, -2, 0}, {0, 0, IPC_NOWAIT}, {0, 3, 0}}; // each sees what the ones before it did
    CHECK(semop(set, same, 3) == 0 && value(0) == 3);
    return end();
}

/* ---- Who waits ---- */

static bool wait_for_two(void)
{
    return step(0, -2, 0) == 0;
}

static bool wait_for_zero(void)
{
    return step(1, 0, 0) == 0;
}

static bool an_operation_waits_until_all_of_it_can_be_done(void)
{
    CHECK(begin() && put(1, 1) == 0);
    pid_t taker = child_start(wait_for_two), zero = child_start(wait_for_zero);
    CHECK(wait_until(0, GETNCNT, 1) && wait_until(1, GETZCNT, 1));
    CHECK(semctl(set, 0, GETZCNT) == 0 && semctl(set, 1, GETNCNT) == 0);
    CHECK(step(0, 1, 0) == 0 && value(0) == 1);
    CHECK(step(0, 1, 0) == 0);
    CHECK(exited_with(child_wait(taker), 0));
    CHECK(value(0) == 0 && semctl(set, 0, GETPID) == taker);
    CHECK(put(1, 0) == 0);
    CHECK(exited_with(child_wait(zero), 0));
    CHECK(semctl(set, 1, GETZCNT) == 0);
    return end();
}

static bool take_one(void)
{
    return step(0, -1, 0) == 0;
}

static bool who_came_first_goes_first(void)
{
    pid_t children[3];

    CHECK(begin());
    for (int i = 0; i < 3; i++) {
        children[i] = child_start(take_one);
        CHECK(wait_until(0, GETNCNT, i + 1));
    }
    for (int i = 0; i < 3; i++) {
        CHECK(step(0, 1, 0) == 0);
        CHECK(exited_with(child_wait(children[i]), 0));
    }
    return end();
}

static bool wait_and_find_it_removed(void)
{
    CHECK_FAILS(step(0, -1, 0), EIDRM);
    return true;
}

static bool removal_wakes_all_who_wait(void)
{
    CHECK(begin());
    pid_t one = child_start(wait_and_find_it_removed), other = child_start(wait_and_find_it_removed);
    CHECK(wait_until(0, GETNCNT, 2));
    CHECK(end());
    CHECK(exited_with(child_wait(one), 0) && exited_with(child_wait(other), 0));
    CHECK_FAILS(value(0), EINVAL);
    return true;
}

static void nothing(int signo)
{
    (void)signo;
}

static bool wait_and_be_interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &action, NULL);
    CHECK_FAILS(step(0, -1, 0), EINTR);
    return true;
}

static bool a_signal_interrupts_whatever_its_handler_wants(void)
{
    CHECK(begin());
    pid_t child = child_start(wait_and_be_interrupted);
    CHECK(wait_until(0, GETNCNT, 1));
    CHECK(child_signal(child, SIGUSR1));
    CHECK(exited_with(child_wait(child), 0));
    CHECK(semctl(set, 0, GETNCNT) == 0);
    CHECK(step(0, 1, 0) == 0 && value(0) == 1); // nobody takes it
    return end();
}

static bool time_runs_out(void)
{
    struct timespec soon = {0, 20000000}, at_once = {0, 0}, wrong = {0, 1000000000};
    struct sembuf take = {0, -1, 0}, give = {0, 1, 0};

    CHECK(begin());
    CHECK_FAILS(semtimedop(set, &take, 1, &soon), EAGAIN);
    CHECK_FAILS(semtimedop(set, &take, 1, &at_once), EAGAIN);
    CHECK_FAILS(semtimedop(set, &take, 1, &wrong), EINVAL);
    CHECK_FAILS(semtimedop(set, &take, 1, (void *)8), EFAULT);
    CHECK(semctl(set, 0, GETNCNT) == 0);
    CHECK(semtimedop(set, &give, 1, &soon) == 0 && semtimedop(set, &take, 1, &soon) == 0);
    return end();
}

/* ---- What is undone ---- */

static bool take_and_end(void)
{
    return step(0, -3, SEM_UNDO) == 0 && step(0, 1, SEM_UNDO) == 0 && step(1, 5, SEM_UNDO) == 0 && step(2, 5, 0) == 0;
}

static bool take_and_stay(void)
{
    if (step(0, -10, SEM_UNDO) == 0)
        pause();
    return false;
}

static bool the_end_of_a_process_undoes_what_it_asked_for(void)
{
    CHECK(begin() && put(0, 10) == 0);
    pid_t child = child_start(take_and_end);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(value(0) == 10 && value(1) == 0 && value(2) == 5);
    CHECK(semctl(set, 0, GETPID) == child);
    pid_t killed = child_start(take_and_stay);
    CHECK(wait_until(0, GETVAL, 0));
    pid_t waiting = child_start(wait_for_two);
    CHECK(wait_until(0, GETNCNT, 1));
    child_end(killed);
    CHECK(exited_with(child_wait(waiting), 0)); // the undoing serves who waits
    CHECK(value(0) == 8);
    return end();
}

static bool give_and_let_it_be_taken(void)
{
    return step(0, 4, SEM_UNDO) == 0 && step(0, -4, 0) == 0;
}

static bool take_and_see_values_set(void)
{
    return step(0, -1, SEM_UNDO) == 0 && step(1, 1, SEM_UNDO) == 0 && put(0, 5) == 0;
}

static bool undoing_stops_at_zero_and_forgets_what_was_set(void)
{
    CHECK(begin());
    CHECK_CHILD(give_and_let_it_be_taken);
    CHECK(value(0) == 0);
    CHECK(put(0, 9) == 0);
    CHECK_CHILD(take_and_see_values_set);
    CHECK(value(0) == 5 && value(1) == 0);
    return end();
}

static bool do_nothing(void)
{
    return true;
}

static void *take_in_a_thread(void *unused)
{
    return step(0, -1, SEM_UNDO) == 0 ? unused : (void *)-1;
}

static bool take_in_a_thread_and_fork(void)
{
    pthread_t thread;
    void *result;

    CHECK(pthread_create(&thread, NULL, take_in_a_thread, NULL) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == NULL);
    CHECK(value(0) == 1); // not with the thread
    CHECK_CHILD(do_nothing);
    CHECK(value(0) == 1); // nor with a child
    return true;
}

static bool undoing_is_for_the_process_and_not_for_a_thread_or_child(void)
{
    CHECK(begin() && put(0, 2) == 0);
    CHECK_CHILD(take_in_a_thread_and_fork);
    CHECK(value(0) == 2);
    return end();
}

/* ---- Mistakes, rights, limits ---- */

static bool mistakes_are_told_as_on_linux(void)
{
    struct sembuf many[501] = {{0, 0, 0}}, far = {3, 1, 0}, take = {0, -1, IPC_NOWAIT};

    CHECK(begin());
    CHECK_FAILS(semop(set, many, 0), EINVAL);
    CHECK_FAILS(semop(set, many, 501), E2BIG);
    CHECK(semop(set, many, 500) == 0);
    CHECK_FAILS(semop(set, &far, 1), EFBIG);
    CHECK_FAILS(semop(set, &take, 1), EAGAIN);
    CHECK_FAILS(semop(set, (void *)8, 1), EFAULT);
    CHECK_FAILS(semop(-1, many, 1), EINVAL);
    CHECK_FAILS(semop(set + 1, many, 1), EINVAL);
    CHECK_FAILS(put(0, 32768), ERANGE);
    CHECK_FAILS(put(0, -1), ERANGE);
    CHECK_FAILS(put(3, 0), EINVAL);
    CHECK_FAILS(value(-1), EINVAL);
    CHECK_FAILS(semctl(set, 0, 99), EINVAL);
    CHECK_FAILS(semctl(set, 0, GETALL, (union semun){.array = (void *)8}), EFAULT);
    CHECK_FAILS(semctl(set, 0, IPC_STAT, (union semun){.buf = (void *)8}), EFAULT);
    values[0] = values[1] = 0, values[2] = 32768;
    CHECK_FAILS(semctl(set, 0, SETALL, (union semun){.array = values}), ERANGE);
    CHECK_FAILS(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_FAILS(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    CHECK_FAILS(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    CHECK(put(0, 32767) == 0);
    CHECK_FAILS(step(0, 1, 0), ERANGE);
    return end();
}

static bool a_key_finds_the_set(void)
{
    key_t key = 0x47000000 + getpid();

    CHECK_FAILS(semget(key, 2, 0600), ENOENT);
    set = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
    CHECK(set >= 0);
    CHECK(semget(key, 0, 0) == set && semget(key, 2, IPC_CREAT | 0600) == set);
    CHECK_FAILS(semget(key, 3, 0), EINVAL);
    CHECK_FAILS(semget(key, 2, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK(end());
    CHECK_FAILS(semget(key, 2, 0), ENOENT);
    return true;
}

static bool as_stranger(void)
{
    if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
        SKIP("cannot become another user");
    CHECK(value(0) == 0);
    CHECK_FAILS(step(0, 1, 0), EACCES);
    CHECK_FAILS(step(3, 1, 0), EFBIG);
    CHECK_FAILS(put(0, 1), EACCES);
    CHECK_FAILS(end() ? 0 : -1, EPERM);
    return true;
}

static bool rights_are_those_of_the_mode(void)
{
    set = semget(IPC_PRIVATE, 3, 0644);
    CHECK(set >= 0);
    CHECK_CHILD(as_stranger);
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0);
    state.sem_perm.mode = 0600;
    CHECK(semctl(set, 0, IPC_SET, (union semun){.buf = &state}) == 0);
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0 && (state.sem_perm.mode & 0777) == 0600);
    return end();
}

static bool the_largest_set_works_to_its_last_semaphore(void)
{
    set = semget(IPC_PRIVATE, 32000, 0600);
    CHECK(set >= 0);
    for (int i = 0; i < 32000; i++)
        values[i] = (unsigned short)i;
    CHECK(semctl(set, 0, SETALL, (union semun){.array = values}) == 0);
    CHECK(step(31999, -31999, SEM_UNDO) == 0 && value(31999) == 0);
    memset(values, 0, sizeof values);
    CHECK(semctl(set, 0, GETALL, (union semun){.array = values}) == 0);
    CHECK(values[31998] == 31998 && values[31999] == 0 && values[1] == 1);
    return end();
}

static bool limits_and_sums_are_told(void)
{
    struct seminfo limits, sums;
    char text[100];

    CHECK(begin());
    CHECK(semctl(0, 0, IPC_INFO, (union semun){.info = &limits}) >= 0);
    CHECK(limits.semmsl == 32000 && limits.semopm == 500 && limits.semvmx == 32767 && limits.semmni == 32000);
    CHECK(semctl(0, 0, SEM_INFO, (union semun){.info = &sums}) >= 0);
    CHECK(sums.semusz >= 1 && sums.semaem >= 3);
    CHECK(file_get("/proc/sys/kernel/sem", text, sizeof text) > 0);
    CHECK(strcmp(text, "32000\t1024000000\t500\t32000\n") == 0);
    return end();
}

static bool proc_lists_the_set(void)
{
    static char text[64 * 1024];
    char line[200];

    CHECK(begin() && step(0, 1, 0) == 0);
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0);
    CHECK(file_get("/proc/sysvipc/sem", text, sizeof text) > 0);
    CHECK(strncmp(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n", 84) == 0);
    snprintf(line, sizeof line, "\n%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", 0, set, 0600, 3, getuid(), getgid(), getuid(),
             getgid(), (long)state.sem_otime, (long)state.sem_ctime);
    CHECK(strstr(text, line) != NULL);
    return end();
}

int main(void)
{
    TEST(values_are_set_changed_and_told);
    TEST(all_steps_are_done_or_none);
    TEST(an_operation_waits_until_all_of_it_can_be_done);
    TEST(who_came_first_goes_first);
    TEST(removal_wakes_all_who_wait);
    TEST(a_signal_interrupts_whatever_its_handler_wants);
    TEST(time_runs_out);
    TEST(the_end_of_a_process_undoes_what_it_asked_for);
    TEST(undoing_stops_at_zero_and_forgets_what_was_set);
    TEST(undoing_is_for_the_process_and_not_for_a_thread_or_child);
    TEST(mistakes_are_told_as_on_linux);
    TEST(a_key_finds_the_set);
    TEST(rights_are_those_of_the_mode);
    TEST(the_largest_set_works_to_its_last_semaphore);
    TEST(limits_and_sums_are_told);
    TEST(proc_lists_the_set);
    return tap_done();
}
