// SPDX-License-Identifier: MIT
/*
 * cpuinfo.c - /proc/cpuinfo: one block per CPU. All are of one kind; the one that reads tells about each.
 *
 * Numbers: Intel SDM volume 2, CPUID. Names of features: Linux's.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/time.h"
#include "lib/string.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"

/* Names of the bits of leaf 1, edx and ecx, of leaf 7 and of the extended one, from bit 0 on; "-": reserved, or not for user programs. */
static const char leaf1_edx[] = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse "
                                "sse2 ss ht tm ia64 pbe";
static const char leaf1_ecx[] = "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 "
                                "x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor";
static const char leaf7_ebx[] = "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm - - - - - - rdseed adx smap - - clflushopt "
                                "clwb - - - - sha_ni";
static const char extended1_edx[] = "- - - - - - - - - - - syscall - - - - - - - - nx - - - - - pdpe1gb rdtscp - lm";

static void put_flags(struct text *text, uint32_t bits, const char *names)
{
    for (; *names; bits >>= 1) {
        const char *end = strchr(names, ' ');
        size_t length = end ? (size_t)(end - names) : strlen(names);

        if ((bits & 1) && *names != '-') {
            text_puts(text, " ");
            text_write(text, names, length);
        }
        names += length + (names[length] == ' ');
    }
}

static void put_vendor(struct text *text)
{
    struct cpuid_result leaf0 = cpuid(0, 0);
    uint32_t words[3] = {leaf0.ebx, leaf0.edx, leaf0.ecx};

    text_puts(text, "vendor_id\t: ");
    text_write(text, (const char *)words, sizeof(words));
    text_puts(text, "\n");
}

/* Family and model have an extended part, which counts from family 15 on (model: from 6 on). */
static void put_model(struct text *text)
{
    uint32_t signature = cpuid(1, 0).eax;
    uint32_t family = signature >> 8 & 15, model = signature >> 4 & 15;

    if (family >= 6)
        model += (signature >> 16 & 15) << 4;
    if (family == 15)
        family += signature >> 20 & 255;
    text_printf(text, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
}

static void put_cpu(struct text *text, unsigned cpu)
{
    uint64_t khz = tsc_frequency() / 1000;
    char brand[49];

    cpu_brand(brand, sizeof(brand));
    text_printf(text, "processor\t: %u\n", cpu);
    put_vendor(text);
    put_model(text);
    text_printf(text, "model name\t: %s\nstepping\t: %u\n", brand, cpuid(1, 0).eax & 15);
    text_printf(text, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
    text_printf(text, "physical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n", cpu);
    text_printf(text, "apicid\t\t: %u\ninitial apicid\t: %u\n", cpus[cpu].lapic_id, cpus[cpu].lapic_id);
    text_printf(text, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", cpuid(0, 0).eax);
    text_puts(text, "flags\t\t:");
    put_flags(text, cpuid(1, 0).edx, leaf1_edx);
    put_flags(text, cpuid(0x80000001, 0).edx, extended1_edx);
    put_flags(text, cpuid(1, 0).ecx, leaf1_ecx);
    put_flags(text, cpuid(7, 0).ebx, leaf7_ebx);
    text_printf(text, "\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
    text_puts(text, "clflush size\t: 64\ncache_alignment\t: 64\n");
    text_printf(text, "address sizes\t: %u bits physical, 48 bits virtual\n\n", cpuid(0x80000008, 0).eax & 255);
}

int show_cpuinfo(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        put_cpu(text, cpu);
    return 0;
}
