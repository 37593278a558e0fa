// SPDX-License-Identifier: MIT
/*
 * fpu.c - saving and restoring x87, SSE and AVX registers. Source: Intel SDM volume 1, chapter 13.
 */
#include "arch/x86/fpu.h"

#include "arch/x86/cpuid.h"
#include "lib/string.h"

#define FEATURE_X87_SSE    3ull
#define FEATURE_AVX        4ull
#define LEGACY_CONTROL     0 // FCW
#define LEGACY_MXCSR       24
#define LEGACY_MXCSR_MASK  28
#define HEADER             512
#define HEADER_SIZE        64
#define FCW_INITIAL        0x37f // all exceptions masked, extended precision
#define MXCSR_INITIAL      0x1f80
#define MXCSR_MASK_DEFAULT 0xffbf

/* The same on all CPUs; set by the first. */
static uint64_t features;
static size_t state_size;
static bool has_xsaveopt;
static uint32_t mxcsr_mask;

static void set_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* MXCSR bits that this CPU has (SDM volume 1, 11.6.6). */
static uint32_t read_mxcsr_mask(void)
{
    static uint8_t image[512] __aligned(16);
    uint32_t mask;

    __asm__ volatile("fxsave %0" : "=m"(image));
    memcpy(&mask, image + LEGACY_MXCSR_MASK, sizeof(mask));
    return mask ? mask : MXCSR_MASK_DEFAULT;
}

void fpu_init(void)
{
    uint64_t wanted = FEATURE_X87_SSE;

    if (cpuid(1, 0).ecx & CPUID_1_ECX_AVX)
        wanted |= FEATURE_AVX;
    set_xcr0(wanted);
    __asm__ volatile("fninit");
    if (features)
        return;
    features = wanted;
    state_size = cpuid(0xd, 0).ebx; // for what XCR0 has on
    has_xsaveopt = cpuid(0xd, 1).eax & CPUID_D1_EAX_XSAVEOPT;
    mxcsr_mask = read_mxcsr_mask();
}

size_t fpu_state_size(void)
{
    return state_size;
}

uint64_t fpu_features(void)
{
    return features;
}

void fpu_save(void *state)
{
    if (has_xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(state), "a"((uint32_t)features), "d"(0) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" : : "r"(state), "a"((uint32_t)features), "d"(0) : "memory");
}

void fpu_restore(const void *state)
{
    __asm__ volatile("xrstor64 (%0)" : : "r"(state), "a"((uint32_t)features), "d"(0) : "memory");
}

/* No component present: xrstor then sets each to its initial values, but MXCSR, which it always reads. */
void fpu_initial(void *state)
{
    uint16_t control = FCW_INITIAL;
    uint32_t mxcsr = MXCSR_INITIAL;

    memset(state, 0, state_size);
    memcpy((char *)state + LEGACY_CONTROL, &control, sizeof(control));
    memcpy((char *)state + LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
}

uint32_t fpu_pending_exceptions(bool sse)
{
    uint16_t control, status;
    uint32_t mxcsr;

    if (sse) {
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        return mxcsr & ~(mxcsr >> 7) & 0x3f;
    }
    __asm__ volatile("fnstcw %0" : "=m"(control));
    __asm__ volatile("fnstsw %0" : "=m"(status));
    return status & ~(uint32_t)control & 0x3f;
}

void fpu_sanitize(void *state)
{
    char *bytes = state;
    uint64_t present;
    uint32_t mxcsr;

    memcpy(&present, bytes + HEADER, sizeof(present));
    present &= features;
    memset(bytes + HEADER, 0, HEADER_SIZE);
    memcpy(bytes + HEADER, &present, sizeof(present));
    memcpy(&mxcsr, bytes + LEGACY_MXCSR, sizeof(mxcsr));
    mxcsr &= mxcsr_mask;
    memcpy(bytes + LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
}
