// SPDX-License-Identifier: MIT
/*
 * shm.c - System V shared memory: keys, ids, who is attached, when a segment goes, who may what.
 */
#include "gaur.h"

#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shmid_ds state;

static int attached_to(int id)
{
    return shmctl(id, IPC_STAT, &state) < 0 ? -1 : (int)state.shm_nattch;
}

/* A key that nobody else has. */
static key_t some_key(void)
{
    return 0x47000000 + getpid();
}

static bool segment_is_shared_after_fork(void)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);

    CHECK(id >= 0);
    char *map = shmat(id, NULL, 0);
    CHECK(map != (void *)-1);
    CHECK_EQ(attached_to(id), 1);
    pid_t pid = fork();
    if (pid == 0) {
        if (attached_to(id) != 2)
            _exit(1);
        strcpy(map + PAGE, "child");
        _exit(0);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(strcmp(map + PAGE, "child") == 0);
    CHECK_EQ(attached_to(id), 1);
    CHECK(state.shm_cpid == getpid() && state.shm_segsz == 2 * PAGE && (state.shm_perm.mode & 0777) == 0600);
    CHECK(state.shm_atime != 0 && state.shm_ctime != 0);
    CHECK(shmdt(map) == 0);
    CHECK_EQ(attached_to(id), 0);
    CHECK(state.shm_dtime != 0 && state.shm_lpid == getpid());
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    CHECK_FAILS(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0, EINVAL);
    return true;
}

static bool key_finds_the_segment(void)
{
    int id = shmget(some_key(), 100, IPC_CREAT | IPC_EXCL | 0600);

    CHECK(id >= 0);
    CHECK_EQ(shmget(some_key(), 0, 0), id);
    CHECK_EQ(shmget(some_key(), 100, IPC_CREAT | 0600), id);
    CHECK_FAILS(shmget(some_key(), 100, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_FAILS(shmget(some_key(), 101, 0), EINVAL);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    CHECK_FAILS(shmget(some_key(), 100, 0), ENOENT);
    CHECK_FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_FAILS(shmget(some_key(), 0, IPC_CREAT | 0600), EINVAL);
    return true;
}

static bool removed_segment_lives_until_its_last_detach(void)
{
    int id = shmget(some_key(), PAGE, IPC_CREAT | 0600);
    char *map = shmat(id, NULL, 0), *again;

    CHECK(map != (void *)-1);
    map[0] = 'x';
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    CHECK_FAILS(shmget(some_key(), PAGE, 0), ENOENT);
    CHECK_EQ(attached_to(id), 1);
    CHECK(state.shm_perm.mode & 01000);
    again = shmat(id, NULL, SHM_RDONLY);
    CHECK(again != (void *)-1 && again[0] == 'x');
    CHECK(shmdt(map) == 0 && shmdt(again) == 0);
    CHECK_FAILS(attached_to(id), EINVAL);
    return true;
}

static bool addresses_are_taken_as_asked(void)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    char *room = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(room != MAP_FAILED);
    CHECK_FAILS((long)shmat(id, room, 0), EINVAL);
    CHECK(shmat(id, room, SHM_REMAP) == room);
    CHECK(shmdt(room) == 0);
    CHECK_FAILS((long)shmat(id, room + 1, 0), EINVAL);
    CHECK(shmat(id, room + 1, SHM_RND) == room);
    CHECK_FAILS(shmdt(room + PAGE), EINVAL);
    CHECK_FAILS(shmdt(room + 1), EINVAL);
    CHECK(munmap(room, PAGE) == 0);
    CHECK_EQ(attached_to(id), 1);
    CHECK(shmdt(room) == 0); // what is left of it
    CHECK_EQ(attached_to(id), 0);
    CHECK_FAILS(shmdt(room), EINVAL);
    CHECK_FAILS((long)shmat(id, NULL, SHM_REMAP), EINVAL);
    CHECK_FAILS((long)shmat(-1, NULL, 0), EINVAL);
    munmap(room, 8 * PAGE);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    return true;
}

static bool read_only_stays_read_only(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    char *map = shmat(id, NULL, SHM_RDONLY);

    CHECK(map != (void *)-1);
    CHECK_FAILS(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
    CHECK(shmdt(map) == 0 && shmctl(id, IPC_RMID, NULL) == 0);
    return true;
}

static int strangers_id;

static bool as_stranger(void)
{
    if (setgid(12345) != 0 || setuid(12345) != 0)
        return true;
    CHECK_FAILS((long)shmat(strangers_id, NULL, 0), EACCES);
    CHECK(shmat(strangers_id, NULL, SHM_RDONLY) != (void *)-1);
    CHECK_FAILS(shmget(some_key(), 0, 0600), ENOENT);
    CHECK_FAILS(shmctl(strangers_id, IPC_RMID, NULL), EPERM);
    CHECK(shmctl(strangers_id, IPC_STAT, &state) == 0);
    CHECK_FAILS(shmctl(strangers_id, IPC_SET, &state), EPERM);
    return true;
}

static bool rights_are_those_of_the_mode(void)
{
    strangers_id = shmget(IPC_PRIVATE, PAGE, 0644);
    CHECK_CHILD(as_stranger);
    CHECK(shmctl(strangers_id, IPC_STAT, &state) == 0);
    state.shm_perm.mode = 0600;
    CHECK(shmctl(strangers_id, IPC_SET, &state) == 0);
    CHECK(shmctl(strangers_id, IPC_STAT, &state) == 0 && (state.shm_perm.mode & 0777) == 0600);
    CHECK(shmctl(strangers_id, IPC_RMID, NULL) == 0);
    return true;
}

static bool proc_lists_segments(void)
{
    static char text[16384];
    char line[64];
    int id = shmget(some_key(), 12345, IPC_CREAT | 0640);

    CHECK(file_get("/proc/sysvipc/shm", text, sizeof text) > 0);
    CHECK(strncmp(text, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
                        "atime      dtime      ctime                   rss                  swap\n", 170) == 0);
    snprintf(line, sizeof line, "\n%10d %10d   640 %21d %5d ", some_key(), id, 12345, getpid());
    CHECK(strstr(text, line) != NULL);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    return true;
}

static bool bad_commands_are_refused(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);

    CHECK_FAILS(shmctl(id, 99, NULL), EINVAL);
    CHECK_FAILS(shmctl(-1, IPC_STAT, &state), EINVAL);
    CHECK_FAILS(syscall(SYS_shmctl, id, IPC_STAT, 8), EFAULT);
    CHECK_FAILS(syscall(SYS_shmctl, id, IPC_SET, 8), EFAULT);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    CHECK_FAILS(shmctl(id, IPC_RMID, NULL), EINVAL);
    return true;
}

static bool segments_leave_no_frame_behind(void)
{
    static struct frames before;

    own_memory_touch();
    CHECK(segment_is_shared_after_fork());
    CHECK(!on_gaur() || frames_settle(&before));
    CHECK(segment_is_shared_after_fork());
    CHECK(removed_segment_lives_until_its_last_detach());
    CHECK(!on_gaur() || frames_are_back(&before));
    return true;
}

int main(void)
{
    TEST(segment_is_shared_after_fork);
    TEST(key_finds_the_segment);
    TEST(removed_segment_lives_until_its_last_detach);
    TEST(addresses_are_taken_as_asked);
    TEST(read_only_stays_read_only);
    TEST(rights_are_those_of_the_mode);
    TEST(proc_lists_segments);
    TEST(bad_commands_are_refused);
    TEST(segments_leave_no_frame_behind);
    return tap_done();
}
