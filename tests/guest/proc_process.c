// SPDX-License-Identifier: MIT
/*
 * proc_process.c - /proc/PID says of a process and of its threads what they have done and how they stand.
 */
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char text[65536];

/* A file of a process, or of one of its threads (tid not 0), into `text`. => its length, or -1 */
static ssize_t read_file(pid_t pid, pid_t tid, const char *name)
{
    char path[96];

    if (tid)
        snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
    else
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return file_get(path, text, sizeof text);
}

/* What stands behind `name` in status, in `text` until the next file is read. => "" if it is not there */
static const char *status_of(pid_t pid, pid_t tid, const char *name)
{
    size_t length = strlen(name);

    if (read_file(pid, tid, "status") < 0)
        return "";
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strncmp(line, name, length) && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return "";
}

static unsigned long long mask_of(pid_t pid, pid_t tid, const char *name)
{
    return strtoull(status_of(pid, tid, name), NULL, 16);
}

static long number_of(pid_t pid, pid_t tid, const char *name)
{
    const char *value = status_of(pid, tid, name);

    return *value ? strtol(value, NULL, 10) : -1;
}

/* Field `number` of stat, as proc(5) counts them from 1; 3 is the state, as a letter's code. -1: not there */
static long long stat_field(pid_t pid, pid_t tid, int number)
{
    char *word;

    if (read_file(pid, tid, "stat") < 0 || !(word = strrchr(text, ')')))
        return -1;
    word = strtok(word + 1, " \n");
    for (int field = 3; word && field < number; field++)
        word = strtok(NULL, " \n");
    if (!word)
        return -1;
    return number == 3 ? *word : (long long)strtoull(word, NULL, 10);
}

enum { STATE = 3, FLAGS = 9, MINFLT = 10, CMINFLT = 11, UTIME = 14, STIME, CUTIME, CSTIME, PRIORITY = 18, NICE, THREADS,
       STARTTIME = 22, VSIZE, RSS, SIGNAL = 31, BLOCKED, IGNORED, CAUGHT, EXIT_SIGNAL = 38, PROCESSOR, POLICY = 41,
       EXIT_CODE = 52 };

static void burn_ticks(long ticks)
{
    struct rusage usage;
    long long used;

    do {
        getrusage(RUSAGE_SELF, &usage);
        used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 100LL +
               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 10000;
    } while (used < ticks);
}

/* ---- stat ---- */

static bool times_and_faults_are_counted(void)
{
    pid_t self = getpid();
    long long faults = stat_field(self, 0, MINFLT);
    char *pages = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED);
    madvise(pages, 32 * PAGE, MADV_NOHUGEPAGE);
    for (int i = 32; i-- > 0;) // not in order, or one fault may fill several
        pages[i * PAGE] = 1;
    CHECK(stat_field(self, 0, MINFLT) >= faults + 32);
    munmap(pages, 32 * PAGE);
    burn_ticks(20);
    CHECK(stat_field(self, 0, UTIME) + stat_field(self, 0, STIME) >= 19);
    return true;
}

static bool times_of_children_are_added_when_they_are_waited_for(void)
{
    pid_t self = getpid(), pid = fork();

    if (pid == 0) {
        burn_ticks(15);
        _exit(0);
    }
    siginfo_t info;
    CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
    long long before = stat_field(self, 0, CUTIME) + stat_field(self, 0, CSTIME);
    long long faults = stat_field(self, 0, CMINFLT);
    child_wait(pid);
    CHECK(stat_field(self, 0, CUTIME) + stat_field(self, 0, CSTIME) >= before + 13);
    CHECK(stat_field(self, 0, CMINFLT) > faults);
    return true;
}

static bool start_time_is_between_boot_and_now(void)
{
    struct timespec now;
    pid_t pid = child_pausing();

    clock_gettime(CLOCK_BOOTTIME, &now);
    long long child = stat_field(pid, 0, STARTTIME), self = stat_field(getpid(), 0, STARTTIME);
    child_end(pid);
    CHECK(child >= self && self > 0);
    CHECK(child <= now.tv_sec * 100 + now.tv_nsec / 10000000 + 1);
    return true;
}

static bool nice_policy_and_processor_are_told(void)
{
    struct sched_param none = {0};
    int status, from = getpriority(PRIO_PROCESS, 0), to = from < 12 ? from + 7 : 19; // who runs the tests may be nice
    pid_t pid = fork();

    if (pid == 0) {
        pid = getpid();
        bool right = stat_field(pid, 0, NICE) == from && stat_field(pid, 0, PRIORITY) == 20 + from &&
                     stat_field(pid, 0, POLICY) == 0;
        setpriority(PRIO_PROCESS, 0, to);
        // The C library does not do it.
        right &= syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none) == 0;
        right &= stat_field(pid, 0, NICE) == to && stat_field(pid, 0, PRIORITY) == 20 + to && stat_field(pid, 0, POLICY) == 3;
        right &= stat_field(pid, 0, PROCESSOR) < sysconf(_SC_NPROCESSORS_CONF);
        _exit(!right);
    }
    status = child_wait(pid);
    CHECK(exited_with(status, 0));
    return true;
}

static bool program_that_has_only_forked_is_marked(void)
{
    pid_t pid = child_pausing();
    long long child = stat_field(pid, 0, FLAGS), self = stat_field(getpid(), 0, FLAGS);

    child_end(pid);
    CHECK(child & 0x40);
    CHECK(!(self & 0x40));
    return true;
}

static bool zombie_keeps_its_times_and_its_end(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(7);
    CHECK(child_in_state(pid, 'Z'));
    long long code = stat_field(pid, 0, EXIT_CODE), size = stat_field(pid, 0, VSIZE), threads = stat_field(pid, 0, THREADS);
    bool memory = *status_of(pid, 0, "VmSize");
    ssize_t command = read_file(pid, 0, "cmdline"), maps = read_file(pid, 0, "maps");
    const char *state = status_of(pid, 0, "State");
    bool told = !strcmp(state, "Z (zombie)");
    long long tells = stat_field(pid, 0, EXIT_SIGNAL);
    child_wait(pid);
    CHECK_EQ(code, 7 << 8);
    CHECK_EQ(size, 0);
    CHECK_EQ(threads, 1);
    CHECK(!memory && command == 0 && maps == 0 && told);
    CHECK_EQ(tells, SIGCHLD);
    return true;
}

/* ---- Signals ---- */

static void handle(int sig)
{
    (void)sig;
}

static bool signals_are_told(void)
{
    pid_t self = getpid();
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGHUP, handle);
    syscall(SYS_tgkill, self, syscall(SYS_gettid), SIGUSR1);
    for (int i = 0; i < 3; i++)
        sigqueue(self, SIGRTMIN, (union sigval){.sival_int = i});
    CHECK_EQ(mask_of(self, 0, "SigPnd"), 1ULL << (SIGUSR1 - 1));
    CHECK_EQ(mask_of(self, 0, "ShdPnd"), 1ULL << (SIGRTMIN - 1));
    CHECK(mask_of(self, 0, "SigBlk") == (1ULL << (SIGUSR1 - 1) | 1ULL << (SIGRTMIN - 1)));
    CHECK(mask_of(self, 0, "SigIgn") & 1ULL << (SIGUSR2 - 1));
    CHECK(mask_of(self, 0, "SigCgt") & 1ULL << (SIGHUP - 1));
    CHECK(number_of(self, 0, "SigQ") >= 3);
    CHECK_EQ(stat_field(self, 0, SIGNAL), 1 << (SIGUSR1 - 1));
    CHECK(stat_field(self, 0, BLOCKED) & 1 << (SIGUSR1 - 1));
    CHECK(stat_field(self, 0, IGNORED) & 1 << (SIGUSR2 - 1));
    CHECK(stat_field(self, 0, CAUGHT) & 1 << (SIGHUP - 1));
    struct timespec none = {0};
    while (sigtimedwait(&set, NULL, &none) > 0)
        ;
    CHECK_EQ(mask_of(self, 0, "SigPnd"), 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    return true;
}

/* ---- Memory ---- */

static bool locked_memory_is_told(void)
{
    pid_t self = getpid();
    char *pages = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char want[32];

    CHECK(pages != MAP_FAILED);
    CHECK_EQ(number_of(self, 0, "VmLck"), 0);
    CHECK_EQ(mlock(pages + PAGE, 3 * PAGE), 0);
    CHECK_EQ(number_of(self, 0, "VmLck"), 12);
    CHECK(read_file(self, 0, "smaps") > 0);
    snprintf(want, sizeof want, "%lx-", (unsigned long)pages + PAGE);
    char *region = strstr(text, want), *locked = region ? strstr(region, "Locked:") : NULL;
    char *flags = locked ? strstr(locked, "VmFlags:") : NULL;
    CHECK(locked && strtol(locked + 7, NULL, 10) == 12);
    CHECK(flags && memmem(flags, strcspn(flags, "\n"), " lo ", 4));
    CHECK_EQ(munlock(pages, 5 * PAGE), 0);
    CHECK_EQ(number_of(self, 0, "VmLck"), 0);
    munmap(pages, 5 * PAGE);
    return true;
}

static bool sizes_agree_with_each_other(void)
{
    pid_t pid = child_pausing();
    unsigned long size, resident, shared, code, data;

    child_in_state(pid, 'S');
    CHECK(read_file(pid, 0, "statm") > 0);
    CHECK_EQ(sscanf(text, "%lu %lu %lu %lu 0 %lu 0", &size, &resident, &shared, &code, &data), 5);
    long vm_size = number_of(pid, 0, "VmSize"), exe = number_of(pid, 0, "VmExe"), lib = number_of(pid, 0, "VmLib");
    long stack = number_of(pid, 0, "VmStk"), own_data = number_of(pid, 0, "VmData");
    long long bytes = stat_field(pid, 0, VSIZE);
    child_end(pid);
    CHECK_EQ(vm_size, size * 4);
    CHECK_EQ(bytes, size * PAGE);
    CHECK(shared <= resident && resident <= size);
    CHECK(exe == (long)code * 4 && exe > 0 && lib >= 0 && lib < 64);
    CHECK_EQ(stack + own_data, data * 4);
    return true;
}

#define PEAK_BYTES (8UL << 20)

static bool touch_much(void)
{
    char *pages = mmap(NULL, PEAK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    for (size_t i = 0; pages != MAP_FAILED && i < PEAK_BYTES; i += PAGE)
        pages[i] = 1;
    return pages != MAP_FAILED;
}

static bool peaks_are_kept(void)
{
    struct rusage before, after;
    pid_t self = getpid();
    char *pages = mmap(NULL, PEAK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    CHECK(pages != MAP_FAILED);
    CHECK(number_of(self, 0, "VmHWM") >= (long)(PEAK_BYTES / 1024));
    CHECK(number_of(self, 0, "VmPeak") >= (long)(PEAK_BYTES / 1024));
    getrusage(RUSAGE_SELF, &before);
    munmap(pages, PEAK_BYTES);
    getrusage(RUSAGE_SELF, &after);
    CHECK(before.ru_maxrss >= (long)(PEAK_BYTES / 1024) && after.ru_maxrss >= before.ru_maxrss);
    CHECK(number_of(self, 0, "VmHWM") >= (long)(PEAK_BYTES / 1024));
    CHECK(number_of(self, 0, "VmPeak") > number_of(self, 0, "VmSize"));
    CHECK(number_of(self, 0, "VmRSS") < number_of(self, 0, "VmHWM"));
    return true;
}

static bool end_of_a_program_tells_its_peak(void)
{
    struct rusage usage;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execl(self_path, self_path, "touch", NULL);
        _exit(1);
    }
    CHECK_EQ(wait4(pid, &status, 0, &usage), pid);
    CHECK(exited_with(status, 0));
    CHECK(usage.ru_maxrss >= (long)(PEAK_BYTES / 1024));
    getrusage(RUSAGE_CHILDREN, &usage);
    CHECK(usage.ru_maxrss >= (long)(PEAK_BYTES / 1024));
    return true;
}

/* ---- Threads ---- */

struct named {
    pid_t tid;
    volatile bool named; // set by the thread; it ends once this is cleared
};

static void *name_itself(void *argument)
{
    struct named *self = argument;
    char name[32] = "";

    self->tid = syscall(SYS_gettid);
    prctl(PR_SET_NAME, "a long name for a thread");
    prctl(PR_GET_NAME, name);
    self->named = strcmp(name, "a long name for") == 0;
    while (self->named)
        sleep_ms(5);
    return NULL;
}

static bool threads_have_names_of_their_own(void)
{
    struct named it = { .named = false };
    pthread_t thread;
    pid_t self = getpid();
    char path[64];

    CHECK_EQ(pthread_create(&thread, NULL, name_itself, &it), 0);
    for (int i = 0; i < 2000 && !it.named; i++)
        sleep_ms(5);
    CHECK(it.named);
    pid_t tid = it.tid;
    CHECK(read_file(self, tid, "comm") > 0 && strcmp(text, "a long name for\n") == 0);
    CHECK(read_file(self, 0, "comm") > 0 && strcmp(text, "proc_process\n") == 0);
    CHECK(strcmp(status_of(self, tid, "Name"), "a long name for") == 0);
    CHECK(stat_field(self, tid, STARTTIME) >= stat_field(self, 0, STARTTIME));
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)tid);
    int fd = open(path, O_WRONLY);
    CHECK_EQ(write(fd, "other", 5), 5);
    close(fd);
    CHECK(read_file(self, tid, "comm") > 0 && strcmp(text, "other\n") == 0);
    CHECK(read_file(self, 0, "stat") > 0 && strstr(text, "(proc_process)"));
    it.named = false;
    pthread_join(thread, NULL);
    pid_t pid = child_pausing();
    fd = proc_open(pid, "comm", O_WRONLY);
    CHECK_FAILS(write(fd, "x", 1), EINVAL);
    close(fd);
    child_end(pid);
    return true;
}

struct worker {
    pthread_t thread;
    pid_t tid;
    volatile bool started, stop;
    bool burns;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, worker->burns ? SIGUSR1 : SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    worker->tid = syscall(SYS_gettid);
    worker->started = true;
    while (!worker->stop) {
        if (!worker->burns)
            sleep_ms(10);
    }
    return NULL;
}

static bool start_worker(struct worker *worker, bool burns)
{
    worker->burns = burns;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0)
        return false;
    while (!worker->started)
        sleep_ms(1);
    return true;
}

static bool stop_worker(struct worker *worker)
{
    worker->stop = true;
    return pthread_join(worker->thread, NULL) == 0;
}

static bool threads_tell_their_own_times_and_signals(void)
{
    struct worker busy = {0}, lazy = {0};
    pid_t self = getpid();
    long long own = 0, patience = now_ms() + 60000;

    CHECK(start_worker(&busy, true) && start_worker(&lazy, false));
    while (own < 30 && now_ms() < patience) {
        own = stat_field(self, busy.tid, UTIME) + stat_field(self, busy.tid, STIME);
        sleep_ms(5);
    }
    long long others = stat_field(self, lazy.tid, UTIME) + stat_field(self, lazy.tid, STIME);
    long long all = stat_field(self, 0, UTIME) + stat_field(self, 0, STIME);
    unsigned long long blocked = mask_of(self, busy.tid, "SigBlk"), also = mask_of(self, lazy.tid, "SigBlk");
    long long runs = stat_field(self, busy.tid, STATE);
    long threads = number_of(self, 0, "Threads"), id = number_of(self, lazy.tid, "Pid"), group = number_of(self, lazy.tid, "Tgid");
    long switches = number_of(self, lazy.tid, "voluntary_ctxt_switches");
    long long exits = stat_field(self, lazy.tid, EXIT_SIGNAL);
    CHECK(stop_worker(&busy) && stop_worker(&lazy));
    CHECK(own >= 30 && others < own && all >= own);
    CHECK_EQ(blocked, 1ULL << (SIGUSR1 - 1));
    CHECK_EQ(also, 1ULL << (SIGUSR2 - 1));
    CHECK_EQ(runs, 'R');
    CHECK_EQ(threads, 3);
    CHECK(id == lazy.tid && group == self);
    CHECK(switches >= 2);
    CHECK_EQ(exits, -1);
    int looks = 0; // joining may be faster than the kernel's last step
    while (looks < 400 && read_file(self, lazy.tid, "stat") >= 0) {
        looks++;
        sleep_ms(5);
    }
    CHECK(looks < 400);
    return true;
}

/* ---- Where it sleeps ---- */

/* Wait until wchan tells where `pid` sleeps: one that was interrupted on its way to sleep has the state S, but no place yet.
   => length of wchan, now in `text`; after two seconds whatever it is then */
static ssize_t wchan_of_sleeper(pid_t pid)
{
    ssize_t length = read_file(pid, 0, "wchan");

    for (int try = 0; try < 200 && length == 1; try++) {
        sleep_ms(10);
        length = read_file(pid, 0, "wchan");
    }
    return length;
}

static bool stack_and_wchan_name_where_a_process_sleeps(void)
{
    char function[128], wanted[160];
    pid_t pid = child_pausing();

    child_in_state(pid, 'S');
    ssize_t length = wchan_of_sleeper(pid);
    snprintf(function, sizeof function, "%.*s", (int)sizeof function - 1, text);
    ssize_t depth = read_file(pid, 0, "stack");
    child_end(pid);
    CHECK(length > 1 && !strchr(function, '\n'));
    if (depth < 0)
        SKIP("the stack is for the superuser");
    CHECK(depth > 0 && !strncmp(text, "[<0>] ", 6) && text[depth - 1] == '\n');
    snprintf(wanted, sizeof wanted, "[<0>] %s+0x", function);
    CHECK(strstr(text, wanted));
    CHECK_EQ(read_file(getpid(), 0, "wchan"), 1);
    CHECK(strcmp(text, "0") == 0);
    return true;
}

static bool descriptors_tell_how_they_are_open(void)
{
    static const struct {
        int flags;
        mode_t rights;
    } ways[] = {{O_RDONLY, 0500}, {O_WRONLY, 0300}, {O_RDWR, 0700}};
    struct stat stat;
    char path[64];

    for (int i = 0; i < 3; i++) {
        int fd = open("/dev/null", ways[i].flags | O_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        CHECK_EQ(lstat(path, &stat), 0);
        CHECK_EQ(stat.st_mode, S_IFLNK | ways[i].rights);
        snprintf(path, sizeof path, "fdinfo/%d", fd);
        CHECK(read_file(getpid(), 0, path) > 0);
        CHECK(strncmp(text, "pos:\t0\nflags:\t0", 15) == 0 && (strtol(text + 14, NULL, 8) & ~0100000) == (ways[i].flags | O_CLOEXEC));
        close(fd);
    }
    return true;
}

static bool directory_of_a_process_takes_signals_for_it(void)
{
    pid_t pid = child_pausing();
    int directory = proc_open(pid, "", O_RDONLY | O_DIRECTORY);

    CHECK_EQ(syscall(SYS_pidfd_send_signal, directory, SIGTERM, NULL, 0), 0);
    CHECK(killed_by(child_wait(pid), SIGTERM));
    CHECK_FAILS(syscall(SYS_pidfd_send_signal, directory, SIGTERM, NULL, 0), ESRCH);
    close(directory);
    directory = open("/proc", O_RDONLY | O_DIRECTORY);
    CHECK_FAILS(syscall(SYS_pidfd_send_signal, directory, 0, NULL, 0), EBADF);
    close(directory);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return !touch_much();
    self_from(argv[0]);
    TEST(times_and_faults_are_counted);
    TEST(times_of_children_are_added_when_they_are_waited_for);
    TEST(start_time_is_between_boot_and_now);
    TEST(nice_policy_and_processor_are_told);
    TEST(program_that_has_only_forked_is_marked);
    TEST(zombie_keeps_its_times_and_its_end);
    TEST(signals_are_told);
    TEST(locked_memory_is_told);
    TEST(sizes_agree_with_each_other);
    TEST(peaks_are_kept);
    TEST(end_of_a_program_tells_its_peak);
    TEST(threads_have_names_of_their_own);
    TEST(threads_tell_their_own_times_and_signals);
    TEST(stack_and_wchan_name_where_a_process_sleeps);
    TEST(descriptors_tell_how_they_are_open);
    TEST(directory_of_a_process_takes_signals_for_it);
    return tap_done();
}
