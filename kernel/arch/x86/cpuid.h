// SPDX-License-Identifier: MIT
/*
 * cpuid.h - asking the processor about itself. Leaves and bits: Intel SDM volume 2, CPUID.
 */
#ifndef GAUR_ARCH_CPUID_H
#define GAUR_ARCH_CPUID_H

#include "lib/types.h"

#define CPUID_1_EBX_APIC_ID_SHIFT 24
#define CPUID_1_ECX_AVX           (1u << 28)
#define CPUID_1_ECX_RDRAND        (1u << 30)
#define CPUID_7_EBX_RDSEED        (1u << 18)
#define CPUID_7_ECX_UMIP          (1u << 2)
#define CPUID_D1_EAX_XSAVEOPT     (1u << 0)

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

/* => all zero for a leaf that this processor does not have */
static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;

    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf & 0x80000000), "c"(0));
    if (leaf > r.eax)
        return (struct cpuid_result){0};
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

#endif
