// SPDX-License-Identifier: MIT
/*
 * soak.c - random mixtures of everything at once, for as long as one likes, with an eye on the kernel.
 *
 *   soak [--linux] [--seconds N] [--seed S] [--workers N] [--patience N] [--hold N] [MIXTURE...]
 *
 * Several workers each do one round of a random mixture after the other (soak.h); each round checks itself. Meanwhile
 * /proc/gaur/verify is read again and again. The time is cut into spans: after each, all workers have ended, caches are
 * dropped, and the number of frames of each kind must be what it was before the first. A round that does not end within
 * --patience seconds has lost a wake-up, or hangs in the kernel: all processes are told, and --hold gives a debugger the time
 * to look. The last line is the result; the exit status is 0 only if it is "clean".
 *
 * The choices repeat with the seed; what happens at the same time does not.
 */
#include "gaur.h"
#include "worker.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPAN_SECONDS = 20, TELL_SECONDS = 5, LOOK_MS = 20, WARM_UP_ROUNDS = 3, END_SECONDS = 120 };

static struct {
    long seconds, workers, patience, hold;
    uint64_t seed;
    bool linux_only;        // no /proc/gaur to look into
} options = {.seconds = 60, .workers = 8, .patience = 120};

static struct board {
    volatile bool stop;
    struct slot slots[WORKERS_MAX];
} *board;

static struct frames at_first;
static unsigned verified, spans;
static long long began;

static void say(const char *format, ...)
{
    va_list arguments;

    printf("soak: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* ---- Telling ---- */

static unsigned long rounds_of(unsigned mixture)
{
    unsigned long sum = 0;

    for (long i = 0; i < options.workers; i++)
        sum += board->slots[i].done[mixture];
    return sum;
}

static unsigned long all_rounds(void)
{
    unsigned long sum = 0;

    for (unsigned m = 0; mixtures[m]; m++)
        sum += rounds_of(m);
    return sum;
}

static void tell_progress(void)
{
    char text[400] = "";
    size_t length = 0;

    for (unsigned m = 0; mixtures[m] && length < sizeof text - 40; m++) {
        if (wanted >> m & 1)
            length += snprintf(text + length, sizeof text - length, ", %s %lu", mixtures[m]->name, rounds_of(m));
    }
    say("%lld of %ld s: %lu rounds%s", (now_ms() - began) / 1000, options.seconds, all_rounds(), text);
}

static void tell_process(const char *pid)
{
    static char text[512];
    char path[64], wchan[64];

    snprintf(path, sizeof path, "/proc/%.12s/wchan", pid);
    if (file_get(path, wchan, sizeof wchan) < 0)
        wchan[0] = 0;
    snprintf(path, sizeof path, "/proc/%.12s/stat", pid);
    if (file_get(path, text, sizeof text) > 0)
        say("process %.80s %.40s", text, wchan);
}

/* Whoever is there may be the one that is waited for. A debugger gets the time to look. */
static void tell_processes(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    while (proc && (entry = readdir(proc))) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            tell_process(entry->d_name);
    }
    if (proc)
        closedir(proc);
    sleep_ms(options.hold * 1000);
}

/* ---- Workers ---- */

static void start_worker(struct slot *slot, struct random random, bool warming)
{
    slot->started = now_ms();
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        _exit(warming ? warm_up(slot, random, WARM_UP_ROUNDS) : work(slot, random, &board->stop));
    }
    if (pid < 0)
        say("fork: %s", strerror(errno));
    slot->pid = pid;    // by the parent alone: the child writes to the same memory
}

/* Worker or orphan: take in whoever has ended. false if it was a worker that should not have, or not so. */
static bool reap(void)
{
    pid_t pid;
    int status;
    bool good = true;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (long i = 0; i < options.workers; i++) {
            struct slot *slot = &board->slots[i];
            if (slot->pid != pid)
                continue;
            slot->pid = 0;
            if (status != 0) {
                say("worker %d has ended with wait status 0x%x, in a round of %s with seed %llu", (int)pid, status,
                    mixtures[slot->mixture]->name, (unsigned long long)slot->seed);
                good = false;
            }
        }
    }
    return good;
}

/* Whether each worker's round has begun a while ago at most. */
static bool all_move(void)
{
    for (long i = 0; i < options.workers; i++) {
        const struct slot *slot = &board->slots[i];
        if (slot->pid > 0 && now_ms() - slot->started > options.patience * 1000) {
            say("stuck: a round of %s of process %d takes more than %ld s; its seed is %llu",
                mixtures[slot->mixture]->name, (int)slot->pid, options.patience, (unsigned long long)slot->seed);
            tell_processes();
            return false;
        }
    }
    return true;
}

static bool any_works(void)
{
    for (long i = 0; i < options.workers; i++) {
        if (board->slots[i].pid > 0)
            return true;
    }
    return false;
}

static bool verify_now(void)
{
    verified++;
    return options.linux_only || verify_is_ok();
}

/* Until the end of the span, then until all have finished their rounds. */
static bool watch(long long end)
{
    long long next = now_ms() + TELL_SECONDS * 1000;

    while (any_works()) {
        sleep_ms(LOOK_MS);
        if (!reap() || !all_move())
            return false;
        if (now_ms() >= end)
            board->stop = true;
        if (now_ms() < next)
            continue;
        next = now_ms() + TELL_SECONDS * 1000;
        tell_progress();
        if (!verify_now())
            return false;
    }
    return true;
}

/* Orphans of the killed end in their own time, and are ours to take in. */
static bool all_have_ended(void)
{
    for (long long end = now_ms() + options.patience * 1000; now_ms() < end; sleep_ms(LOOK_MS)) {
        reap();
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
            return true;
    }
    say("stuck: the workers have ended, but not all that they started");
    tell_processes();
    return false;
}

static bool is_clean(void)
{
    spans++;
    return all_have_ended() && (options.linux_only || (frames_are_not_lost(&at_first) && verify_now()));
}

static bool span(struct random *random, long seconds)
{
    board->stop = false;
    for (long i = 0; i < options.workers; i++)
        start_worker(&board->slots[i], random_split(random), false);
    return watch(now_ms() + seconds * 1000) && is_clean();
}

static bool first_look(struct random *random)
{
    own_memory_touch();
    start_worker(&board->slots[0], random_split(random), true);
    if (!watch(now_ms() + END_SECONDS * 1000LL) || !all_have_ended())
        return false;
    return options.linux_only || (frames_settle(&at_first) && verify_now());
}

/* The last span is not much shorter than the others. */
static bool soak(void)
{
    struct random random = {options.seed};
    long left = options.seconds;

    if (!first_look(&random))
        return false;
    began = now_ms();
    while (left > 0) {
        long spans_left = (left + SPAN_SECONDS - 1) / SPAN_SECONDS, length = left / spans_left;
        if (!span(&random, length))
            return false;
        left -= length;
    }
    return true;
}

/* ---- Options ---- */

static bool number_option(const char *name, const char *text)
{
    static const struct { const char *name; long *value; } numbers[] = {
        {"--seconds", &options.seconds}, {"--workers", &options.workers}, {"--patience", &options.patience},
        {"--hold", &options.hold},
    };
    char *end;

    if (!text || !*text)
        return false;
    uint64_t value = strtoull(text, &end, 10);
    if (*end)
        return false;
    if (!strcmp(name, "--seed")) {
        options.seed = value;
        return true;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!strcmp(name, numbers[i].name)) {
            *numbers[i].value = value;
            return value <= 1 << 30;
        }
    }
    return false;
}

static bool take_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int mixture = mixture_named(argv[i]);
        if (mixture >= 0)
            wanted |= 1U << mixture;
        else if (!strcmp(argv[i], "--linux"))
            options.linux_only = true;
        else if (!number_option(argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    if (!wanted)
        wanted = ~0U;
    return options.workers >= 1 && options.workers <= WORKERS_MAX && options.patience >= 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: soak [--linux] [--seconds N] [--seed S] [--workers N] [--patience N] [--hold N] "
                    "[MIXTURE...]\nmixtures:");
    for (unsigned i = 0; mixtures[i]; i++)
        fprintf(stderr, " %s", mixtures[i]->name);
    fprintf(stderr, "\n");
    return 2;
}

static void end_all(void)
{
    board->stop = true;
    for (long i = 0; i < options.workers; i++) {
        if (board->slots[i].pid > 0)
            kill(-board->slots[i].pid, SIGKILL);
    }
}

/* Children are to die of signals that who started us may have ignored (nohup). */
static void reset_signals(void)
{
    for (int signo = 1; signo < 32; signo++)
        signal(signo, SIG_DFL); // fails for two that cannot be ignored
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec_child"))
        return exec_child(argc, argv);
    reset_signals();
    options.seed = now_ms() ^ (uint64_t)time(NULL) << 20;
    if (!take_options(argc, argv))
        return usage();
    if (!options.linux_only && !on_gaur()) {
        fprintf(stderr, "soak: there is no /proc/gaur here; on Linux say --linux\n");
        return 2;
    }
    self_from(argv[0]);
    board = shared_map(sizeof *board);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    say("seed %llu, %ld workers, %ld s", (unsigned long long)options.seed, options.workers, options.seconds);
    bool clean = board && soak();
    if (!clean)
        end_all();
    say("%s: %lu rounds in %u spans, %u times verified, seed %llu", clean ? "clean" : "FAILED", all_rounds(), spans,
        verified, (unsigned long long)options.seed);
    return clean ? 0 : 1;
}
