// SPDX-License-Identifier: MIT
/*
 * fork_sharers.c - more sharers of one frame than a byte can count.
 *
 * All children live at once, each looks at the shared page and one in ten writes it; a count that wrapped would
 * have freed the frame, or let someone take it over, while others still read it.
 */
#include "touch.h"

#include <signal.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARERS = 300 };

static unsigned char *page;
static pid_t children[SHARERS];
static int started;
static struct baton go;

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

int main(void)
{
    TEST(three_hundred_share_one_frame);
    return tap_done();
}
