// SPDX-License-Identifier: MIT
/*
 * grid.c - what the calls of the mmap family answer to a grid of arguments, most of them wrong.
 *
 * Every case runs in a child of its own, over the same layout, and prints one line; grid.t compares what Linux and Gaur print. Sizes
 * stay below what a kernel might refuse for want of memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* From BASE: 4 pages anonymous rw, 2 of hole, 2 anonymous r, 2 of a shared file rw, 2 of a file opened for reading, r; hole. */
#define BASE 0x20000000UL
#define HOLE (BASE + 4 * PAGE)
#define READONLY (BASE + 6 * PAGE)
#define SHARED (BASE + 8 * PAGE)
#define READFILE (BASE + 10 * PAGE)
#define FREE 0x30000000UL // nothing is near
#define TOP 0x7ffffffff000UL
#define KERNEL 0xffff800000000000UL
#define UNKNOWN_FLAG 0x200000UL // to mmap of any file

static int writable, readable, closed = 999;

static void map_fixed(unsigned long at, size_t pages, int prot, int flags, int fd)
{
    if (mmap((void *)at, pages * PAGE, prot, flags | MAP_FIXED, fd, 0) != (void *)at) {
        perror("layout");
        exit(2);
    }
}

static void make_layout(void)
{
    char name[] = "/tmp/gridXXXXXX";

    writable = mkstemp(name);
    readable = open(name, O_RDONLY);
    unlink(name);
    if (writable < 0 || readable < 0 || ftruncate(writable, 2 * PAGE) < 0) {
        perror("file");
        exit(2);
    }
    map_fixed(BASE, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    map_fixed(READONLY, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    map_fixed(SHARED, 2, PROT_READ | PROT_WRITE, MAP_SHARED, writable);
    map_fixed(READFILE, 2, PROT_READ, MAP_SHARED, readable);
}

static const char *error_name(long result)
{
    static char other[32];

    if (result >= 0 || result < -4095)
        return "ok";
    switch (-result) {
    case EINVAL: return "EINVAL";
    case ENOMEM: return "ENOMEM";
    case EFAULT: return "EFAULT";
    case EACCES: return "EACCES";
    case EEXIST: return "EEXIST";
    case EPERM: return "EPERM";
    case EBADF: return "EBADF";
    case EAGAIN: return "EAGAIN";
    case EBUSY: return "EBUSY";
    case EOVERFLOW: return "EOVERFLOW";
    case ENODEV: return "ENODEV";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case ENOSYS: return "ENOSYS";
    }
    snprintf(other, sizeof other, "errno %ld", -result);
    return other;
}

static unsigned long cases;

/* One case: `count` arguments of the system call, in a child. */
static void try(const char *name, long number, unsigned count, const unsigned long *a)
{
    unsigned long v[6] = {0};
    int status;

    memcpy(v, a, count * sizeof *a);
    cases++;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        long result = syscall(number, v[0], v[1], v[2], v[3], v[4], v[5]);
        if (result == -1)
            result = -errno;
        char line[200];
        int length = snprintf(line, sizeof line, "%s(", name);
        for (unsigned i = 0; i < count; i++)
            length += snprintf(line + length, sizeof line - length, "%s%#lx", i ? ", " : "", v[i]);
        length += snprintf(line + length, sizeof line - length, ") = %s\n", error_name(result));
        _exit(write(1, line, length) != length);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        printf("%s(%#lx, %#lx, ...) ended with status %#x\n", name, v[0], v[1], child < 0 ? -1 : status);
}

static const unsigned long addresses[] = {0,        PAGE,   BASE,   BASE + 1,     BASE + PAGE, BASE + 3 * PAGE, HOLE, READONLY,
                                          SHARED,   READFILE, FREE, TOP,          0x800000000000UL, KERNEL, -PAGE, -1UL};
static const unsigned long sizes[] = {0, 1, PAGE, 2 * PAGE, 4 * PAGE, 6 * PAGE, 12 * PAGE, 0x800000000000UL, -PAGE, -1UL};

/* A call of (address, size, one of `third`). */
static void grid3(const char *name, long number, const unsigned long *third, size_t thirds)
{
    for (size_t i = 0; i < COUNT(addresses); i++)
        for (size_t j = 0; j < COUNT(sizes); j++) {
            if (addresses[i] < TOP && sizes[j] > 12 * PAGE && sizes[j] <= -PAGE && addresses[i] + sizes[j] > addresses[i])
                continue; // all of the address space, this program included
            for (size_t k = 0; k < (thirds ? thirds : 1); k++) {
                unsigned long a[3] = {addresses[i], sizes[j], thirds ? third[k] : 0};
                try(name, number, thirds ? 3 : 2, a);
            }
        }
}

#define GRID(call, ...)                                           \
    do {                                                          \
        static const unsigned long third[] = {__VA_ARGS__};       \
        grid3(#call, SYS_##call, third, COUNT(third));            \
    } while (0)

static void protect_and_advise(void)
{
    grid3("munmap", SYS_munmap, NULL, 0);
    GRID(mprotect, 0, 1, 3, 4, 7, 8, 0x10, 0x01000000, 0x02000001, 0x03000000);
    GRID(madvise, MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK,
         MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, 22, 23, 7, 99, -1UL);
    GRID(msync, 0, MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_ASYNC | MS_SYNC, 8);
    GRID(mlock2, 0, 1, 2);
    grid3("mlock", SYS_mlock, NULL, 0);
    grid3("munlock", SYS_munlock, NULL, 0);
    for (unsigned long flags = 0; flags < 16; flags++)
        try("mlockall", SYS_mlockall, 1, &flags);
}

static void residence(void)
{
    static unsigned char vector[64];
    const unsigned long vectors[] = {(unsigned long)vector, 0, KERNEL};

    for (size_t i = 0; i < COUNT(addresses); i++)
        for (size_t j = 0; j < COUNT(sizes); j++)
            for (size_t k = 0; k < COUNT(vectors); k++) {
                if (k == 0 && sizes[j] > 12 * PAGE)
                    continue;
                unsigned long a[3] = {addresses[i], sizes[j], vectors[k]};
                try("mincore", SYS_mincore, 3, a);
            }
}

static void remaps(void)
{
    static const unsigned long from[] = {BASE, BASE + 1, BASE + 2 * PAGE, HOLE, READONLY, SHARED, FREE, KERNEL};
    static const unsigned long old[] = {0, PAGE, 2 * PAGE, 5 * PAGE, -PAGE};
    static const unsigned long now[] = {0, 1, PAGE, 2 * PAGE, 20 * PAGE, -PAGE, -1UL};
    static const unsigned long to[] = {0, FREE, FREE + 1, BASE, READONLY, TOP, KERNEL};

    for (size_t i = 0; i < COUNT(from); i++)
        for (size_t j = 0; j < COUNT(old); j++)
            for (size_t k = 0; k < COUNT(now); k++)
                for (unsigned long flags = 0; flags < 9; flags++)
                    for (size_t l = 0; l < (flags & 6 ? COUNT(to) : 1); l++) {
                        unsigned long a[5] = {from[i], old[j], now[k], flags, to[l]};
                        try("mremap", SYS_mremap, 5, a);
                    }
}

static void maps(void)
{
    static const unsigned long at[] = {0, 1, BASE, FREE, TOP, TOP - PAGE, KERNEL};
    static const unsigned long length[] = {0, 1, 3 * PAGE, 0x800000000000UL, -PAGE, -1UL};
    static const unsigned long prots[] = {0, 1, 3, 7};
    static const unsigned long flags[] = {0, MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_FIXED, MAP_PRIVATE | MAP_FIXED,
                                          MAP_PRIVATE | MAP_FIXED_NOREPLACE, MAP_SHARED | MAP_FIXED_NOREPLACE,
                                          MAP_PRIVATE | MAP_GROWSDOWN, MAP_SHARED | MAP_GROWSDOWN, 4, 0x0f,
                                          MAP_PRIVATE | MAP_LOCKED, MAP_SHARED_VALIDATE | UNKNOWN_FLAG, MAP_PRIVATE | MAP_32BIT,
                                          MAP_SHARED | MAP_32BIT | MAP_LOCKED, MAP_PRIVATE | MAP_HUGETLB, MAP_SHARED | MAP_HUGETLB};
    const int files[] = {-1, writable, readable, closed};
    static const unsigned long offsets[] = {0, 1, PAGE, -PAGE, 0x7ffffffffffff000UL};

    for (size_t i = 0; i < COUNT(at); i++)
        for (size_t j = 0; j < COUNT(length); j++)
            for (size_t k = 0; k < COUNT(prots); k++)
                for (size_t l = 0; l < COUNT(flags); l++) {
                    unsigned long a[6] = {at[i], length[j], prots[k], flags[l] | MAP_ANONYMOUS, -1UL, 0};
                    try("mmap", SYS_mmap, 6, a);
                }
    for (size_t i = 0; i < COUNT(length); i++)
        for (size_t j = 0; j < COUNT(files); j++)
            for (size_t k = 0; k < COUNT(offsets); k++)
                for (size_t l = 0; l < COUNT(flags); l++)
                    for (size_t m = 0; m < COUNT(prots); m++) {
                        unsigned long a[6] = {FREE, length[i], prots[m], flags[l], (unsigned long)files[j], offsets[k]};
                        try("mmap", SYS_mmap, 6, a);
                    }
}

/* As somebody who may not do everything, on any system. */
static void drop_privileges(void)
{
    const struct rlimit locked = {64 * 1024, 64 * 1024};

    if (setrlimit(RLIMIT_MEMLOCK, &locked) < 0 || (getuid() == 0 && setuid(65534) < 0)) {
        perror("privileges");
        exit(2);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_layout();
    drop_privileges();
    protect_and_advise();
    residence();
    remaps();
    maps();
    printf("%lu cases\n", cases);
    return 0;
}
