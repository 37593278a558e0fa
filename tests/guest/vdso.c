// SPDX-License-Identifier: MIT
/*
 * vdso.c - clocks and the CPU's number without a system call: the vDSO, and that it never disagrees with the calls.
 *
 * The functions are looked up as a C library does: by the symbols and versions of the image at AT_SYSINFO_EHDR.
 */
#include "tap.h"
#include "touch.h"

#include <elf.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define ASKERS 4

static int (*vdso_gettime)(clockid_t, struct timespec *);
static int (*vdso_getres)(clockid_t, struct timespec *);
static int (*vdso_timeofday)(struct timeval *, void *);
static time_t (*vdso_time)(time_t *);
static long (*vdso_getcpu)(unsigned *, unsigned *, void *);

static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI};
#define CLOCKS (sizeof clocks / sizeof *clocks)

static const char *image(void)
{
    return (const char *)getauxval(AT_SYSINFO_EHDR);
}

static const void *segment(unsigned type)
{
    const Elf64_Ehdr *header = (const void *)image();
    const Elf64_Phdr *program = (const void *)(image() + header->e_phoff);

    for (int i = 0; i < header->e_phnum; i++) {
        if (program[i].p_type == type)
            return image() + program[i].p_offset;
    }
    return NULL;
}

static const void *dynamic(long tag)
{
    for (const Elf64_Dyn *entry = segment(PT_DYNAMIC); entry && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == tag)
            return image() + entry->d_un.d_ptr;
    }
    return NULL;
}

/* The name of a symbol's version. */
static const char *version_of(unsigned index)
{
    const char *strings = dynamic(DT_STRTAB);
    const Elf64_Versym *versions = dynamic(DT_VERSYM);
    const Elf64_Verdef *definition = dynamic(DT_VERDEF);

    for (;;) {
        if (definition->vd_ndx == (versions[index] & 0x7fff))
            return strings + ((const Elf64_Verdaux *)((const char *)definition + definition->vd_aux))->vda_name;
        if (!definition->vd_next)
            return "";
        definition = (const void *)((const char *)definition + definition->vd_next);
    }
}

static void *look_up(const char *name)
{
    const Elf32_Word *hash = dynamic(DT_HASH);
    const Elf64_Sym *symbols = dynamic(DT_SYMTAB);
    const char *strings = dynamic(DT_STRTAB);

    for (unsigned i = 0; hash && i < hash[1]; i++) {
        if (symbols[i].st_shndx != SHN_UNDEF && !strcmp(strings + symbols[i].st_name, name) &&
            !strcmp(version_of(i), "LINUX_2.6"))
            return (void *)(image() + symbols[i].st_value);
    }
    return NULL;
}

static bool image_is_elf_and_named(void)
{
    const Elf64_Dyn *entry = segment(PT_DYNAMIC);

    CHECK(image() && !memcmp(image(), ELFMAG, SELFMAG));
    CHECK_EQ(((const Elf64_Ehdr *)image())->e_type, ET_DYN);
    CHECK(entry);
    while (entry->d_tag != DT_SONAME && entry->d_tag != DT_NULL)
        entry++;
    CHECK_EQ(entry->d_tag, DT_SONAME);
    CHECK(!strcmp((const char *)dynamic(DT_STRTAB) + entry->d_un.d_val, "linux-vdso.so.1"));
    return true;
}

static bool functions_are_found_by_name_and_version(void)
{
    CHECK((vdso_gettime = look_up("__vdso_clock_gettime")));
    CHECK((vdso_getres = look_up("__vdso_clock_getres")));
    CHECK((vdso_timeofday = look_up("__vdso_gettimeofday")));
    CHECK((vdso_time = look_up("__vdso_time")));
    CHECK((vdso_getcpu = look_up("__vdso_getcpu")));
    CHECK(look_up("clock_gettime") && look_up("getcpu") && !look_up("nonsense"));
    return true;
}

/* The range of a region in /proc/self/maps by its name, and its rights. */
static bool region(const char *name, unsigned long *start, unsigned long *end, char *rights)
{
    static char maps[8192];

    if (file_get("/proc/self/maps", maps, sizeof maps) < 0)
        return false;
    for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, name))
            return sscanf(line, "%lx-%lx %4s", start, end, rights) == 3;
    }
    return false;
}

static bool maps_show_image_and_data(void)
{
    unsigned long start, end;
    char rights[8];

    CHECK(region("[vdso]", &start, &end, rights));
    CHECK_EQ(start, (unsigned long)image());
    CHECK(!strcmp(rights, "r-xp"));
    CHECK(region("[vvar]", &start, &end, rights));
    CHECK(!strcmp(rights, "r--p"));
    return true;
}

static long long ns(const struct timespec *time)
{
    return time->tv_sec * 1000000000LL + time->tv_nsec;
}

static long long by_call(clockid_t clock)
{
    struct timespec time;

    return syscall(SYS_clock_gettime, clock, &time) ? -1 : ns(&time);
}

static long long by_vdso(clockid_t clock)
{
    struct timespec time;

    return vdso_gettime(clock, &time) ? -1 : ns(&time);
}

static bool clocks_agree_with_the_system_call(void)
{
    for (size_t i = 0; i < CLOCKS; i++) {
        for (int round = 0; round < ROUNDS; round++) {
            long long before = by_call(clocks[i]), between = by_vdso(clocks[i]), after = by_call(clocks[i]);
            CHECK(before >= 0 && before <= between && between <= after);
        }
    }
    return true;
}

static bool coarse_clocks_tell_a_time_that_has_been(void)
{
    long long coarse = by_vdso(CLOCK_MONOTONIC_COARSE);

    CHECK(coarse > 0 && coarse <= by_call(CLOCK_MONOTONIC));
    coarse = by_vdso(CLOCK_REALTIME_COARSE);
    CHECK(coarse > 0 && coarse <= by_call(CLOCK_REALTIME));
    return true;
}

static bool other_clocks_are_passed_on(void)
{
    struct timespec time;

    CHECK(by_vdso(CLOCK_PROCESS_CPUTIME_ID) > 0);
    CHECK(by_vdso(CLOCK_THREAD_CPUTIME_ID) > 0);
    for (clockid_t clock = -20; clock < 70; clock++) {
        bool good = syscall(SYS_clock_gettime, clock, &time) == 0;
        int wanted = good ? 0 : -errno;
        CHECK_EQ(vdso_gettime(clock, &time), wanted);
    }
    CHECK_EQ(vdso_gettime(1000000, &time), -EINVAL);
    CHECK_EQ(vdso_getres(1000000, &time), -EINVAL);
    return true;
}

static bool resolutions_are_the_calls(void)
{
    for (size_t i = 0; i < CLOCKS; i++) {
        struct timespec by_call, here;
        CHECK(syscall(SYS_clock_getres, clocks[i], &by_call) == 0);
        CHECK_EQ(vdso_getres(clocks[i], &here), 0);
        CHECK_EQ(ns(&here), ns(&by_call));
        CHECK_EQ(vdso_getres(clocks[i], NULL), 0);
    }
    return true;
}

static bool time_of_day_is_the_same_clock(void)
{
    struct timeval now;
    int zone[2] = {7, 7};

    for (int round = 0; round < ROUNDS; round++) {
        long long before = by_call(CLOCK_REALTIME) / 1000;
        CHECK_EQ(vdso_timeofday(&now, NULL), 0);
        long long between = now.tv_sec * 1000000LL + now.tv_usec;
        CHECK(before <= between && between <= by_call(CLOCK_REALTIME) / 1000);
    }
    CHECK_EQ(vdso_timeofday(NULL, zone), 0);
    CHECK_EQ(zone[0], 0);
    CHECK_EQ(zone[1], 0);
    return true;
}

/* Linux tells the second of its last tick. */
static bool seconds_are_those_of_the_clock(void)
{
    time_t stored, before = by_call(CLOCK_REALTIME) / 1000000000, told = vdso_time(&stored);

    CHECK(told >= before - 1 && told <= by_call(CLOCK_REALTIME) / 1000000000);
    CHECK_EQ(stored, told);
    CHECK(vdso_time(NULL) >= told);
    return true;
}

static bool cpu_is_the_one_we_are_bound_to(void)
{
    cpu_set_t all, one;
    unsigned cpu, node, asked;

    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
        CHECK_EQ(vdso_getcpu(&cpu, &node, NULL), 0);
        CHECK_EQ(cpu, i);
        CHECK_EQ(node, 0);
        CHECK(syscall(SYS_getcpu, &asked, NULL, NULL) == 0);
        CHECK_EQ(asked, i);
        CHECK_EQ(vdso_getcpu(NULL, NULL, NULL), 0);
    }
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    return true;
}

static _Atomic long long *latest; // time that somebody has seen; shared

/* Whatever others have seen is past, whichever way they asked. */
static bool ask_many_times(void)
{
    for (int round = 0; round < 5 * ROUNDS; round++) {
        long long seen = *latest, now = round & 1 ? by_call(CLOCK_MONOTONIC) : by_vdso(CLOCK_MONOTONIC);
        CHECK(now >= seen);
        while (seen < now && !atomic_compare_exchange_weak(latest, &seen, now))
            continue;
    }
    return true;
}

static bool time_goes_forward_on_all_cpus_together(void)
{
    pid_t askers[ASKERS];

    latest = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(latest != MAP_FAILED);
    for (int i = 0; i < ASKERS; i++)
        askers[i] = child_start(ask_many_times);
    bool good = true;
    for (int i = 0; i < ASKERS; i++)
        good &= exited_with(child_wait(askers[i]), 0);
    CHECK(good);
    return true;
}

static bool clock_that_is_set_is_told(void)
{
    struct timespec set = {.tv_sec = 2000000000};

    NEEDS_GAUR(); // it is everybody's clock
    long long before = by_call(CLOCK_REALTIME), monotonic = by_call(CLOCK_MONOTONIC);
    CHECK(clock_settime(CLOCK_REALTIME, &set) == 0);
    long long told = by_vdso(CLOCK_REALTIME);
    set.tv_sec = before / 1000000000;
    set.tv_nsec = before % 1000000000;
    CHECK(clock_settime(CLOCK_REALTIME, &set) == 0);
    CHECK(told >= 2000000000LL * 1000000000 && told < 2000001000LL * 1000000000);
    CHECK(by_vdso(CLOCK_REALTIME) < told);
    CHECK(by_vdso(CLOCK_MONOTONIC) >= monotonic);
    return true;
}

static bool nobody_writes_the_data(void)
{
    unsigned long start, end;
    char rights[8];

    CHECK(region("[vvar]", &start, &end, rights));
    CHECK(touch_refused(TOUCH_WRITE, (void *)start, SEGV_ACCERR));
    CHECK_EQ(kernel_touch(TOUCH_WRITE, (void *)start), EFAULT);
    CHECK_FAILS(mprotect((void *)start, PAGE, PROT_READ | PROT_WRITE), EACCES);
    return true;
}

static bool write_into_image(void)
{
    char *page = (char *)image();

    CHECK(touch_refused(TOUCH_WRITE, page, SEGV_ACCERR));
    if (mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 && !on_gaur())
        return true; // newer ones do not let anybody
    page[EI_PAD] = 0x77;
    CHECK(by_vdso(CLOCK_MONOTONIC) > 0);
    return true;
}

static bool who_writes_the_image_gets_a_copy(void)
{
    CHECK_CHILD(write_into_image);
    CHECK_EQ(image()[EI_PAD], 0);
    return true;
}

static bool unmap_both(void)
{
    unsigned long start, end;
    char rights[8];

    CHECK(region("[vvar]", &start, &end, rights));
    CHECK(munmap((void *)start, end - start) == 0);
    CHECK(region("[vdso]", &start, &end, rights));
    CHECK(munmap((void *)start, end - start) == 0);
    CHECK(!region("[vdso]", &start, &end, rights));
    CHECK(touch_refused(TOUCH_READ, image(), SEGV_MAPERR));
    CHECK(by_call(CLOCK_MONOTONIC) > 0);
    return true;
}

static bool both_can_be_unmapped(void)
{
    CHECK_CHILD(unmap_both);
    CHECK(by_vdso(CLOCK_MONOTONIC) > 0);
    return true;
}

int main(void)
{
    TEST(image_is_elf_and_named);
    TEST(functions_are_found_by_name_and_version);
    if (!vdso_getcpu)
        return tap_done();
    TEST(maps_show_image_and_data);
    TEST(clocks_agree_with_the_system_call);
    TEST(coarse_clocks_tell_a_time_that_has_been);
    TEST(other_clocks_are_passed_on);
    TEST(resolutions_are_the_calls);
    TEST(time_of_day_is_the_same_clock);
    TEST(seconds_are_those_of_the_clock);
    TEST(cpu_is_the_one_we_are_bound_to);
    TEST(time_goes_forward_on_all_cpus_together);
    TEST(clock_that_is_set_is_told);
    TEST(nobody_writes_the_data);
    TEST(who_writes_the_image_gets_a_copy);
    TEST(both_can_be_unmapped);
    return tap_done();
}
