// SPDX-License-Identifier: MIT
/*
 * memfd.c - files without a name, their seals, and POSIX shared memory.
 */
#include "gaur.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static int make(unsigned flags)
{
    return memfd_create("test", flags);
}

static bool it_is_a_file_without_a_name(void)
{
    char name[64] = {0}, in[4] = {0};
    struct stat stat;
    int fd = make(MFD_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_nlink == 0 && stat.st_size == 0);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(pread(fd, in, 4, 0), 3);
    CHECK(memcmp(in, "abc", 3) == 0);
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    CHECK(readlink(link, name, sizeof name - 1) > 0);
    CHECK(strcmp(name, "/memfd:test (deleted)") == 0);
    close(fd);
    return true;
}

static bool bad_arguments_are_refused(void)
{
    static char name[300];

    memset(name, 'x', 250);
    CHECK_FAILS(memfd_create(name, 0), EINVAL);
    name[249] = 0;
    int fd = memfd_create(name, 0);
    CHECK(fd >= 0);
    close(fd);
    CHECK_FAILS(memfd_create("x", 0x8000), EINVAL);
    CHECK_FAILS(memfd_create("x", MFD_NOEXEC_SEAL | 0x10), EINVAL);
    CHECK_FAILS(syscall(SYS_memfd_create, 8, 0), EFAULT);
    return true;
}

static bool without_leave_nothing_can_be_sealed(void)
{
    int fd = make(0), null = open("/dev/null", O_RDWR);

    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    CHECK_FAILS(fcntl(null, F_GET_SEALS), EINVAL);
    close(null);
    close(fd);
    return true;
}

static bool sealed_size_stays(void)
{
    int fd = make(MFD_ALLOW_SEALING);

    CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
    CHECK(ftruncate(fd, 5000) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_FAILS(ftruncate(fd, 4999), EPERM);
    CHECK(ftruncate(fd, 6000) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
    CHECK_FAILS(ftruncate(fd, 6001), EPERM);
    CHECK_FAILS(pwrite(fd, "xx", 2, 5999), EPERM);
    CHECK_FAILS(fallocate(fd, 0, 0, 7000), EPERM);
    CHECK_EQ(pwrite(fd, "x", 1, 5999), 1);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    close(fd);
    return true;
}

static bool sealed_content_stays(void)
{
    int fd = make(MFD_ALLOW_SEALING);

    CHECK(ftruncate(fd, PAGE) == 0);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    map[0] = 'a';
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    CHECK(mprotect(map, PAGE, PROT_READ) == 0); // it could still become writable
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    munmap(map, PAGE);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK_FAILS(write(fd, "x", 1), EPERM);
    CHECK_FAILS((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED && map[0] == 'a');
    map[0] = 'b';
    munmap(map, PAGE);
    close(fd);
    return true;
}

static bool future_writes_are_refused_and_present_ones_go_on(void)
{
    int fd = make(MFD_ALLOW_SEALING);

    CHECK(ftruncate(fd, PAGE) == 0);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
    map[0] = 'z';
    CHECK_FAILS(write(fd, "x", 1), EPERM);
    CHECK_FAILS((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    char *again = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(again != MAP_FAILED && again[0] == 'z');
    CHECK_FAILS(mprotect(again, PAGE, PROT_READ | PROT_WRITE), EACCES);
    munmap(again, PAGE);
    munmap(map, PAGE);
    close(fd);
    return true;
}

static bool writable_through_a_child(void)
{
    int fd = make(MFD_ALLOW_SEALING);
    struct baton there, back;

    CHECK(ftruncate(fd, PAGE) == 0 && baton_make(&there) && baton_make(&back));
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid_t pid = fork();
    if (pid == 0) {
        baton_pass(&there);
        baton_wait(&back);
        _exit(0);
    }
    CHECK(baton_wait(&there));
    munmap(map, PAGE);
    CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    baton_pass(&back);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    baton_drop(&there);
    baton_drop(&back);
    close(fd);
    return true;
}

static bool sealed_mode_gets_no_right_to_execute(void)
{
    struct stat stat;
    int fd = make(MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        SKIP("this Linux does not know MFD_NOEXEC_SEAL");
    CHECK(fstat(fd, &stat) == 0);
    CHECK_EQ(stat.st_mode & 0777, 0666);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
    CHECK_FAILS(fchmod(fd, 0777), EPERM);
    CHECK(fchmod(fd, 0600) == 0);
    close(fd);
    return true;
}

static bool shared_memory_has_a_name(void)
{
    char name[32];
    int fd;

    snprintf(name, sizeof name, "/gaur-test-%d", getpid());
    CHECK((fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
    CHECK(ftruncate(fd, 2 * PAGE) == 0);
    char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    close(fd);
    pid_t pid = fork();
    if (pid == 0) {
        int mine = shm_open(name, O_RDWR, 0);
        char *other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mine, 0);
        if (mine < 0 || other == MAP_FAILED)
            _exit(1);
        strcpy(other + PAGE, "hello");
        _exit(0);
    }
    CHECK(exited_with(child_wait(pid), 0));
    CHECK(strcmp(map + PAGE, "hello") == 0);
    CHECK(shm_unlink(name) == 0);
    CHECK_FAILS(shm_open(name, O_RDWR, 0), ENOENT);
    munmap(map, 2 * PAGE);
    return true;
}

int main(void)
{
    TEST(it_is_a_file_without_a_name);
    TEST(bad_arguments_are_refused);
    TEST(without_leave_nothing_can_be_sealed);
    TEST(sealed_size_stays);
    TEST(sealed_content_stays);
    TEST(future_writes_are_refused_and_present_ones_go_on);
    TEST(writable_through_a_child);
    TEST(sealed_mode_gets_no_right_to_execute);
    TEST(shared_memory_has_a_name);
    return tap_done();
}
