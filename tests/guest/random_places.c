// SPDX-License-Identifier: MIT
/*
 * random_places.c - where a program's parts lie differs from start to start, unless that is switched off.
 *
 * The program runs itself again, to say where it lies. Built twice: at a fixed address, and as a static PIE.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#define STARTS 4
#define SETTING "/proc/sys/kernel/randomize_va_space"

struct places {
    unsigned long stack, strings, map, heap, code, persona;
};

extern const char _end[];

static struct places places_here(void)
{
    void *map = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct places places = {
        .stack = (unsigned long)__builtin_frame_address(0) & ~0xfffffUL,
        .strings = getauxval(AT_EXECFN) - getauxval(AT_RANDOM),
        .map = (unsigned long)map,
        .heap = (unsigned long)sbrk(0),
        .code = getauxval(AT_ENTRY),
        .persona = (unsigned)personality(0xffffffff),
    };

    munmap(map, PAGE);
    return places;
}

/* What the program `path`, run by a child with this personality, says. */
static bool places_of(const char *path, unsigned long persona, struct places *places)
{
    char *arguments[] = {(char *)path, (char *)"--places", NULL}, *environment[] = {NULL};
    int ends[2];

    if (pipe(ends) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        if (personality(persona) < 0)
            _exit(121);
        execve(path, arguments, environment);
        _exit(120);
    }
    close(ends[1]);
    bool read_all = read(ends[0], places, sizeof *places) == sizeof *places;
    close(ends[0]);
    return exited_with(child_wait(pid), 0) && read_all;
}

/* Which of the places differ among some starts. */
static bool differing(unsigned long persona, struct places *differ)
{
    struct places first, other;

    memset(differ, 0, sizeof *differ);
    if (!places_of(self_path, persona, &first))
        return false;
    for (int i = 0; i < STARTS; i++) {
        if (!places_of(self_path, persona, &other))
            return false;
        differ->stack |= first.stack ^ other.stack;
        differ->strings |= first.strings ^ other.strings;
        differ->map |= first.map ^ other.map;
        differ->heap |= first.heap ^ other.heap;
        differ->code |= first.code ^ other.code;
    }
    return true;
}

static bool code_moves(void)
{
    return getauxval(AT_ENTRY) >> 40 != 0;
}

static bool places_differ_between_starts(void)
{
    struct places differ;

    CHECK(differing(PER_LINUX, &differ));
    CHECK(differ.stack != 0);
    CHECK(differ.strings != 0);
    CHECK(differ.map != 0);
    CHECK(differ.heap != 0);
    CHECK_EQ(differ.code != 0, code_moves());
    return true;
}

static bool places_are_random_to_the_page(void)
{
    struct places differ;

    CHECK(differing(PER_LINUX, &differ));
    CHECK((differ.map & 0xff000) != 0);
    CHECK((differ.heap & 0xff000) != 0);
    CHECK_EQ(differ.map & (PAGE - 1), 0);
    return true;
}

static bool personality_keeps_them_in_place(void)
{
    struct places differ, none = {0};

    CHECK(differing(ADDR_NO_RANDOMIZE, &differ));
    CHECK(memcmp(&differ, &none, sizeof differ) == 0);
    return true;
}

static bool personality_is_asked_without_being_changed(void)
{
    CHECK_EQ(personality(0xffffffff), PER_LINUX);
    CHECK_EQ(personality(ADDR_NO_RANDOMIZE), PER_LINUX);
    CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
    CHECK_EQ(personality(PER_LINUX), ADDR_NO_RANDOMIZE);
    CHECK_EQ(personality(0xffffffff), PER_LINUX);
    return true;
}

static bool has_no_randomize(void)
{
    CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
    return true;
}

static bool forks_have_no_randomize(void)
{
    CHECK_EQ(personality(ADDR_NO_RANDOMIZE), PER_LINUX);
    CHECK_CHILD(has_no_randomize);
    return true;
}

static bool personality_is_inherited_by_fork_and_exec(void)
{
    struct places places;

    CHECK_CHILD(forks_have_no_randomize);
    CHECK_EQ(personality(0xffffffff), PER_LINUX);
    CHECK(places_of(self_path, ADDR_NO_RANDOMIZE, &places));
    CHECK_EQ(places.persona, ADDR_NO_RANDOMIZE);
    return true;
}

/* The set-uid copy is another user's, so that it runs with other rights than its caller. */
static bool set_uid_programs_do_not_inherit_it(void)
{
    static char program[1 << 20];
    struct places places;
    ssize_t size;
    int fd = open(self_path, O_RDONLY);

    if (geteuid() != 0)
        SKIP("needs root");
    CHECK((size = read(fd, program, sizeof program)) > 0 && (size_t)size < sizeof program);
    close(fd);
    CHECK(scratch_enter());
    CHECK(file_put("setuid", program, size, 0755));
    CHECK(chown("setuid", 1000, 1000) == 0 && chmod("setuid", 04755) == 0);
    CHECK(places_of("./setuid", ADDR_NO_RANDOMIZE, &places));
    CHECK_EQ(places.persona, PER_LINUX);
    return true;
}

static bool set(const char *value)
{
    int fd = open(SETTING, O_WRONLY);
    bool good = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    int error = errno;

    close(fd);
    errno = error;
    return good;
}

static bool setting_is_obeyed(void)
{
    struct places differ, none = {0};
    char before[16], now[16];

    NEEDS_GAUR(); // it is everybody's
    CHECK(file_get(SETTING, before, sizeof before) > 0);
    CHECK(set("0\n"));
    CHECK(differing(PER_LINUX, &differ));
    CHECK(memcmp(&differ, &none, sizeof differ) == 0);
    CHECK(set("1\n"));
    CHECK(differing(PER_LINUX, &differ));
    CHECK(differ.stack != 0 && differ.map != 0);
    CHECK_EQ(differ.heap != 0, code_moves());
    CHECK(file_get(SETTING, now, sizeof now) == 2 && now[0] == '1');
    CHECK(!set("two\n") && errno == EINVAL);
    CHECK(set(before));
    return true;
}

static bool heap_begins_within_a_gib_of_the_program(void)
{
    struct places places;

    if (code_moves())
        SKIP("the heap of a program among mappings begins elsewhere");
    for (int i = 0; i < STARTS; i++) {
        CHECK(places_of(self_path, PER_LINUX, &places));
        CHECK(places.heap >= (unsigned long)_end);
        CHECK(places.heap <= (unsigned long)_end + (1UL << 30) + PAGE);
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        struct places places = places_here();
        return write(1, &places, sizeof places) != sizeof places;
    }
    self_from(argv[0]);
    TEST(places_differ_between_starts);
    TEST(places_are_random_to_the_page);
    TEST(personality_keeps_them_in_place);
    TEST(personality_is_asked_without_being_changed);
    TEST(personality_is_inherited_by_fork_and_exec);
    TEST(set_uid_programs_do_not_inherit_it);
    TEST(setting_is_obeyed);
    TEST(heap_begins_within_a_gib_of_the_program);
    return tap_done();
}
