// SPDX-License-Identifier: MIT
/*
 * fork_sharers.c - more sharers of one frame than a byte can count, and than two bytes can.
 *
 * All children live at once, each looks at the shared page and one in ten writes it; a count that wrapped would
 * have freed the frame, or let someone take it over, while others still read it. For the larger number one page of a file
 * is mapped again and again, by two processes, since one may not have so many regions.
 */
#include "touch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARERS = 300 };

static unsigned char *page;
static pid_t children[SHARERS];
static int started;
static struct baton go, went;

static void live(int number)
{
    unsigned char byte;

    if (read(go.ends[0], &byte, 1) != 1)
        _exit(9);
    if (page[0] != 's' || page[PAGE - 1] != 's')
        _exit(1);
    if (number % 10 == 0)
        page[0] = number;
    _exit(page[0] == (number % 10 == 0 ? (unsigned char)number : 's') ? 0 : 2);
}

static bool start_all(void)
{
    for (started = 0; started < SHARERS; started++) {
        children[started] = fork();
        if (children[started] == 0)
            live(started);
        if (children[started] < 0)
            return false;
    }
    return true;
}

static int killed;

/* Those that saw something wrong. A child that the kernel has ended for lack of memory is told apart. */
static int end_all(void)
{
    int wrong = 0;

    for (int i = 0; i < started; i++)
        baton_pass(&go);
    for (int i = 0; i < started; i++) {
        int status = child_wait(children[i]);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            killed++;
        else
            wrong += status != 0;
    }
    return wrong;
}

static bool three_hundred_share_one_frame(void)
{
    struct sysinfo info = {0};

    page = pages_map(1);
    CHECK(page && baton_make(&go));
    memset(page, 's', PAGE);
    bool all = start_all();
    int error = errno;
    CHECK_EQ(end_all(), 0);
    CHECK_EQ(page[0], 's');
    page[0] = 'p';
    CHECK_EQ(page[0] + page[1], 'p' + 's');
    baton_drop(&go);
    pages_unmap(page, 1);
    sysinfo(&info);
    bool short_of_memory = killed > 0 || (!all && (error == ENOMEM || error == EAGAIN));
    if (short_of_memory && info.totalram * info.mem_unit < 48UL << 20) {
        diag("%d children, %d of them ended by the kernel", started, killed);
        SKIP("so many processes need more memory than this machine has");
    }
    CHECK(started == SHARERS && killed == 0);
    return true;
}

/* Two processes with so many each: together more than 65,536, and their page tables share nothing. */
enum { MAPPINGS = 33000 };
static int file;

/* Map the file's page that often, next to each other, and touch each. NULL if there is no memory for it. */
static unsigned char *map_often(void)
{
    unsigned char *room = mmap(NULL, MAPPINGS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED)
        return NULL;
    for (size_t i = 0; i < MAPPINGS; i++) {
        unsigned char *at = room + i * PAGE;
        if (mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != at || *(volatile unsigned char *)at != 'f')
            return NULL;
    }
    return room;
}

static bool maps_as_often(void)
{
    unsigned char *room = map_often();

    CHECK(room);
    baton_pass(&went);
    CHECK(baton_wait(&go));
    for (size_t i = 0; i < MAPPINGS; i += 61)
        CHECK_EQ(room[i * PAGE + 1], 'i');
    return true;
}

static bool file_is_whole(void)
{
    char text[5] = "";

    CHECK_EQ(pread(file, text, 4, 0), 4);
    CHECK(!strcmp(text, "file"));
    return true;
}

static bool more_than_65536_mappings_share_one_frame(void)
{
    struct sysinfo info = {0};

    sysinfo(&info);
    if (info.totalram * info.mem_unit < 48UL << 20)
        SKIP("so many regions need more memory than this machine has");
    CHECK(file_put("page", "file", 4, 0600) && (file = open("page", O_RDWR)) >= 0 && baton_make(&go) && baton_make(&went));
    pid_t child = child_start(maps_as_often);
    CHECK(baton_wait(&went));
    unsigned char *room = map_often();
    CHECK(room && file_is_whole());
    munmap(room, MAPPINGS / 2 * PAGE);
    baton_pass(&go);
    CHECK(exited_with(child_wait(child), 0));
    CHECK(room[(MAPPINGS - 1) * PAGE] == 'f' && file_is_whole());
    munmap(room + MAPPINGS / 2 * PAGE, (MAPPINGS - MAPPINGS / 2) * PAGE);
    CHECK(file_is_whole());
    baton_drop(&go);
    baton_drop(&went);
    close(file);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(more_than_65536_mappings_share_one_frame);
    TEST(three_hundred_share_one_frame);
    return tap_done();
}
