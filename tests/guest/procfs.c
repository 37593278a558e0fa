// SPDX-License-Identifier: MIT
/*
 * procfs.c - /proc has what ps, free and uptime read, and it agrees with what the calls say.
 */
#include "tap.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[65536];

/* The value of `name` in a file of lines `name[:] value`; -1 if it is not there. */
static long value_in(const char *path, const char *name)
{
    size_t length = strlen(name);

    if (file_get(path, text, sizeof text) < 0)
        return -1;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strncmp(line, name, length) && strchr(": \t", line[length]))
            return strtol(line + length + strspn(line + length, ": \t"), NULL, 10);
    }
    return -1;
}

static bool self_is_this_process(void)
{
    char target[32], want[32];

    snprintf(want, sizeof want, "%d", (int)getpid());
    ssize_t length = readlink("/proc/self", target, sizeof target - 1);
    CHECK(length > 0);
    target[length] = 0;
    CHECK(strcmp(target, want) == 0);
    return true;
}

static bool child_sees_itself(void)
{
    return self_is_this_process() && value_in("/proc/self/status", "PPid") == getppid();
}

static bool self_of_a_child_is_the_child(void)
{
    CHECK_CHILD(child_sees_itself);
    return true;
}

static bool status_agrees_with_the_calls(void)
{
    CHECK_EQ(value_in("/proc/self/status", "Pid"), getpid());
    CHECK_EQ(value_in("/proc/self/status", "PPid"), getppid());
    CHECK_EQ(value_in("/proc/self/status", "Uid"), getuid());
    CHECK(value_in("/proc/self/status", "VmSize") > 0);
    CHECK(value_in("/proc/self/status", "VmRSS") > 0);
    CHECK(file_get("/proc/self/status", text, sizeof text) > 0);
    CHECK(strncmp(text, "Name:\tprocfs", 12) == 0);
    CHECK(strstr(text, "\nState:\tR"));
    return true;
}

/* Numbers after the name, which may hold anything: hence the last bracket. */
static bool stat_parses(void)
{
    char state;
    int parent, group, session, fields = 0;

    CHECK(file_get("/proc/self/stat", text, sizeof text) > 0);
    CHECK_EQ(strtol(text, NULL, 10), getpid());
    char *after = strrchr(text, ')');
    CHECK(after && strstr(text, "(procfs)"));
    CHECK_EQ(sscanf(after + 1, " %c %d %d %d", &state, &parent, &group, &session), 4);
    CHECK(state == 'R' && parent == getppid() && group == getpgrp() && session == getsid(0));
    for (char *word = strtok(after + 1, " \n"); word; word = strtok(NULL, " \n"))
        fields++;
    CHECK(fields >= 50);
    return true;
}

static bool sleeping_child_is_in_state_s(void)
{
    char path[32];
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    bool asleep = child_in_state(pid, 'S');
    child_end(pid);
    CHECK(asleep);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    CHECK(access(path, F_OK) < 0);
    return true;
}

static bool processes_are_listed(void)
{
    DIR *folder = opendir("/proc");
    bool self = false, one = false;

    CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            self |= atoi(entry->d_name) == getpid();
            one |= atoi(entry->d_name) == 1;
        }
    }
    closedir(folder);
    CHECK(self && one);
    return true;
}

static bool missing_process_is_enoent(void)
{
    CHECK_FAILS(open("/proc/99999999/stat", O_RDONLY), ENOENT);
    CHECK_FAILS(open("/proc/nonsense", O_RDONLY), ENOENT);
    CHECK_FAILS(open("/proc/nonsense", O_WRONLY | O_CREAT, 0600), ENOENT);
    return true;
}

static bool cmdline_and_comm_name_the_program(void)
{
    ssize_t length = file_get("/proc/self/cmdline", text, sizeof text);

    CHECK(length > 0 && text[length - 1] == 0);
    CHECK(strstr(text, "procfs"));
    CHECK(file_get("/proc/self/comm", text, sizeof text) > 0);
    CHECK(strcmp(text, "procfs\n") == 0);
    return true;
}

static bool exe_cwd_and_root_are_links(void)
{
    char here[512], target[512];

    CHECK(getcwd(here, sizeof here));
    ssize_t length = readlink("/proc/self/cwd", target, sizeof target - 1);
    CHECK(length > 0);
    target[length] = 0;
    CHECK(strcmp(here, target) == 0);
    length = readlink("/proc/self/exe", target, sizeof target - 1);
    CHECK(length > 0);
    target[length] = 0;
    CHECK(strstr(target, "/procfs"));
    CHECK_EQ(readlink("/proc/self/root", target, sizeof target), 1);
    return true;
}

static bool open_descriptors_are_listed(void)
{
    char path[32], target[64] = {0};
    int fd = open("/dev/null", O_RDONLY);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(readlink(path, target, sizeof target - 1) > 0);
    CHECK(strcmp(target, "/dev/null") == 0);
    close(fd);
    CHECK_FAILS(readlink(path, target, sizeof target - 1), ENOENT);
    return true;
}

static bool meminfo_adds_up(void)
{
    long total = value_in("/proc/meminfo", "MemTotal"), unused = value_in("/proc/meminfo", "MemFree");

    CHECK(total > 1024 && unused > 0 && unused <= total);
    long available = value_in("/proc/meminfo", "MemAvailable");
    CHECK(available > 0 && available <= total);
    CHECK(value_in("/proc/meminfo", "Buffers") >= 0);
    CHECK(value_in("/proc/meminfo", "Cached") >= 0);
    CHECK(value_in("/proc/meminfo", "SwapTotal") >= 0);
    return true;
}

static bool uptime_goes_on(void)
{
    double first, second, idle;

    CHECK(file_get("/proc/uptime", text, sizeof text) > 0);
    CHECK_EQ(sscanf(text, "%lf %lf", &first, &idle), 2);
    sleep_ms(50);
    CHECK(file_get("/proc/uptime", text, sizeof text) > 0);
    CHECK_EQ(sscanf(text, "%lf %lf", &second, &idle), 2);
    CHECK(second > first && second < first + 10);
    return true;
}

static bool mounts_name_the_root_and_proc(void)
{
    CHECK(file_get("/proc/mounts", text, sizeof text) > 0);
    CHECK(strstr(text, " / "));
    CHECK(strstr(text, " /proc proc "));
    return true;
}

/* Number, parent, device, root, place, options, optional fields, "-", type, source, options. */
static bool mountinfo_tells_the_same_mounts(void)
{
    int id, parent, proc = 0, seen = 0;
    char root[256], place[256], *line, *rest;

    CHECK(file_get("/proc/self/mountinfo", text, sizeof text) > 0);
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        CHECK_EQ(sscanf(line, "%d %d %*u:%*u %255s %255s", &id, &parent, root, place), 4);
        CHECK(id > 0 && parent > 0 && root[0] == '/' && place[0] == '/');
        rest = strstr(line, " - ");
        CHECK(rest);
        proc += !strcmp(place, "/proc") && !strncmp(rest, " - proc ", 8);
        seen++;
    }
    CHECK(seen >= 2);
    CHECK(proc >= 1);
    return true;
}

static bool vmstat_counts_faults(void)
{
    static unsigned char pages[30 * PAGE];
    long before = value_in("/proc/vmstat", "pgfault");

    CHECK(before > 0);
    for (int i = 30; i-- > 0;) // not in order, or one fault may fill several
        ((volatile unsigned char *)pages)[i * PAGE] = 1;
    CHECK(value_in("/proc/vmstat", "pgfault") >= before + 29);
    CHECK(value_in("/proc/vmstat", "pgmajfault") >= 0);
    return true;
}

static bool reading_in_small_pieces_gives_the_same(void)
{
    static char whole[4096], pieces[4096];
    size_t length = 0;
    int fd = open("/proc/mounts", O_RDONLY);

    ssize_t all = file_get("/proc/mounts", whole, sizeof whole);
    for (ssize_t got; (got = read(fd, pieces + length, 7)) > 0 && length < sizeof pieces - 8;)
        length += got;
    close(fd);
    CHECK_EQ(length, all);
    CHECK(memcmp(whole, pieces, length) == 0);
    return true;
}

int main(void)
{
    TEST(self_is_this_process);
    TEST(self_of_a_child_is_the_child);
    TEST(status_agrees_with_the_calls);
    TEST(stat_parses);
    TEST(sleeping_child_is_in_state_s);
    TEST(processes_are_listed);
    TEST(missing_process_is_enoent);
    TEST(cmdline_and_comm_name_the_program);
    TEST(exe_cwd_and_root_are_links);
    TEST(open_descriptors_are_listed);
    TEST(meminfo_adds_up);
    TEST(uptime_goes_on);
    TEST(mounts_name_the_root_and_proc);
    TEST(mountinfo_tells_the_same_mounts);
    TEST(vmstat_counts_faults);
    TEST(reading_in_small_pieces_gives_the_same);
    return tap_done();
}
