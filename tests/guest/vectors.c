// SPDX-License-Identifier: MIT
/*
 * vectors.c - the vector registers as one block of memory: load all, do something, store all, compare.
 */
#include "vectors.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char loaded[16][32] __attribute__((aligned(32)));
static unsigned char stored[16][32] __attribute__((aligned(32)));

#define EACH(operation)                                                                        \
    operation(0) operation(1) operation(2) operation(3) operation(4) operation(5) operation(6) \
    operation(7) operation(8) operation(9) operation(10) operation(11) operation(12)           \
    operation(13) operation(14) operation(15)
#define LOAD16(n)  "movdqa " #n "*32(%[from]), %%xmm" #n "\n"
#define STORE16(n) "movdqa %%xmm" #n ", " #n "*32(%[to])\n"
#define LOAD32(n)  "vmovdqa " #n "*32(%[from]), %%ymm" #n "\n"
#define STORE32(n) "vmovdqa %%ymm" #n ", " #n "*32(%[to])\n"
#define CLOBBERED                                                                                               \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13", "xmm14", "xmm15", "memory", "cc", "rcx", "r11"

/* The system call stands between loading and storing; `rounds` of a loop stand for it when there is none. */
#define AROUND_CALL(load, store)                                                                       \
    __asm__ volatile(EACH(load) "syscall\n" EACH(store)                                                \
                     : "+a"(result)                                                                    \
                     : [from] "r"(loaded), [to] "r"(stored), "D"(first), "S"(second)                   \
                     : CLOBBERED)
#define AROUND_LOOP(load, store)                                                                       \
    __asm__ volatile(EACH(load) "1: dec %[rounds]\n jnz 1b\n" EACH(store)                              \
                     : [rounds] "+r"(rounds)                                                           \
                     : [from] "r"(loaded), [to] "r"(stored)                                            \
                     : CLOBBERED)

bool vectors_wide(void)
{
    static int answer = -1;
    unsigned a, b, c, d, low, high;

    if (answer >= 0)
        return answer;
    answer = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX)) {
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        answer = (low & 6) == 6;
    }
    return answer;
}

static void prepare(unsigned char seed)
{
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 32; j++)
            loaded[i][j] = seed + i * 7 + j;
    }
    memset(stored, 0, sizeof stored);
}

static bool same(void)
{
    size_t width = vectors_wide() ? 32 : 16;

    for (int i = 0; i < 16; i++) {
        if (memcmp(loaded[i], stored[i], width) != 0) {
            diag("vector register %d has changed", i);
            return false;
        }
    }
    return true;
}

static long around_call(long number, long first, long second)
{
    long result = number;

    if (vectors_wide())
        AROUND_CALL(LOAD32, STORE32);
    else
        AROUND_CALL(LOAD16, STORE16);
    return result;
}

void vectors_fill(unsigned char seed)
{
    static unsigned char other[32] __attribute__((aligned(32)));
    const unsigned char *from = other;

    memset(other, seed, sizeof other);
#define FILL16(n) "movdqa (%[from]), %%xmm" #n "\n"
#define FILL32(n) "vmovdqa (%[from]), %%ymm" #n "\n"
    if (vectors_wide())
        __asm__ volatile(EACH(FILL32) : : [from] "r"(from) : CLOBBERED);
    else
        __asm__ volatile(EACH(FILL16) : : [from] "r"(from) : CLOBBERED);
}

bool vectors_survive_kill(unsigned char seed, int signo)
{
    prepare(seed);
    return around_call(SYS_kill, getpid(), signo) == 0 && same();
}

bool vectors_survive_spin(unsigned char seed, unsigned long rounds)
{
    prepare(seed);
    if (vectors_wide())
        AROUND_LOOP(LOAD32, STORE32);
    else
        AROUND_LOOP(LOAD16, STORE16);
    return same();
}

bool vectors_survive_fork(unsigned char seed)
{
    prepare(seed);
    long pid = around_call(SYS_fork, 0, 0);
    bool good = same();
    if (pid == 0)
        _exit(good ? 0 : 1);
    return exited_with(child_wait(pid), 0) && good;
}
