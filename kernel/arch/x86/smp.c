// SPDX-License-Identifier: MIT
/*
 * smp.c - starting the other CPUs, and the interrupts between CPUs. Source: Intel SDM volume 3, 9.4 and 11.6.
 */
#include "arch/x86/smp.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot_memory.h"
#include "arch/x86/fpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/paging.h"
#include "arch/x86/pte.h"
#include "arch/x86/time.h"
#include "arch/x86/tlb.h"
#include "arch/x86/trampoline.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define LOW_MEMORY_END   0xa0000
#define TRAMPOLINE_PAGES 4 // code, then three tables that map it where it lies
#define INIT_SETTLE_NS   100000
#define ANSWER_NS        2000000
#define ANSWER_LAST_NS   500000000

static paddr_t trampoline; // constant after smp_prepare; 0: none
static _Atomic bool halting;

/* What the CPU that is being started needs. One at a time, by the first CPU. */
static struct {
    struct cpu *cpu;
    void *ist;
    void (*entry)(void);
    _Atomic uint64_t tsc; // what its counter was, on the way
} starting;

void smp_prepare(void)
{
    if (acpi_info()->cpu_count > 1)
        trampoline = boot_memory_take_low(TRAMPOLINE_PAGES, LOW_MEMORY_END);
}

unsigned smp_cpus_present(void)
{
    return trampoline ? acpi_info()->cpu_count : 1;
}

static void __noreturn start_here(void *unused)
{
    struct cpu *cpu = starting.cpu;
    void (*entry)(void) = starting.entry;

    (void)unused;
    cpu_init_features();
    paging_load(paging_kernel_root());
    descriptors_init_cpu(cpu, starting.ist);
    trap_init_cpu();
    fpu_init();
    irq_init_cpu();
    starting.tsc = read_tsc();
    cpu->online = true; // from here on the first CPU may start the next
    entry();
    __builtin_unreachable();
}

static void put(unsigned offset, const void *value, size_t size)
{
    memcpy((char *)P2V(trampoline) + offset, value, size);
}

static void put64(unsigned offset, uint64_t value)
{
    put(offset, &value, sizeof(value));
}

/* Tables until the kernel's own are loaded: the lowest 2 MiB where they lie, and the kernel's half. */
static paddr_t build_tables(void)
{
    paddr_t root = trampoline + PAGE_SIZE, pdpt = root + PAGE_SIZE, pd = pdpt + PAGE_SIZE;
    const uint64_t flags = PTE_BIT_PRESENT | PTE_BIT_WRITABLE;

    memset(P2V(root), 0, 3 * PAGE_SIZE);
    paging_copy_kernel_half(P2V(root));
    *(uint64_t *)P2V(root) = pdpt | flags;
    *(uint64_t *)P2V(pdpt) = pd | flags;
    *(uint64_t *)P2V(pd) = flags | PTE_BIT_LARGE;
    return root;
}

static void build_trampoline(void *stack_top)
{
    struct cpu *first = &cpus[0];
    uint16_t limit = 4 * 8 - 1, selector = SEL_KERNEL_CODE;
    uint32_t gdt = (uint32_t)trampoline + TRAMPOLINE_GDT;
    uint32_t code = (uint32_t)trampoline + (uint32_t)(trampoline_64 - trampoline_start);

    static_assert(SEL_KERNEL_DATA < 4 * 8, "the first four descriptors do");
    memcpy(P2V(trampoline), trampoline_start, (size_t)(trampoline_end - trampoline_start));
    put(TRAMPOLINE_GDT, first->gdt, 4 * 8);
    put(TRAMPOLINE_GDT_POINTER, &limit, sizeof(limit));
    put(TRAMPOLINE_GDT_POINTER + 2, &gdt, sizeof(gdt));
    put(TRAMPOLINE_JUMP, &code, sizeof(code));
    put(TRAMPOLINE_JUMP + 4, &selector, sizeof(selector));
    put64(TRAMPOLINE_ROOT, build_tables());
    put64(TRAMPOLINE_STACK, (uint64_t)stack_top);
    put64(TRAMPOLINE_ENTRY, (uint64_t)start_here);
    put64(TRAMPOLINE_ARGUMENT, 0);
}

static bool wait_online(const struct cpu *cpu, uint64_t ns)
{
    uint64_t deadline = clock_ns() + ns;

    while (!cpu->online && clock_ns() < deadline)
        cpu_relax();
    return cpu->online;
}

/* The new CPU read its counter between `before` and now. */
static void compare_counters(unsigned number, uint64_t before)
{
    uint64_t theirs = starting.tsc, after = read_tsc();

    if (theirs - before <= after - before)
        return;
    printk(LOG_WARNING "CPU %u counts time otherwise than CPU 0; programs ask the kernel for it", number);
    clock_distrust();
}

int smp_start_cpu(unsigned number, void *stack_top, void *ist, void (*entry)(void))
{
    struct cpu *cpu = &cpus[number];
    uint32_t id = acpi_info()->lapic_ids[number];
    unsigned page = (unsigned)PGNUM(trampoline);

    uint64_t before = read_tsc();

    ASSERT(number == cpu_count && number < smp_cpus_present());
    starting.cpu = cpu;
    cpu->tss.rsp0 = (uint64_t)stack_top;
    starting.ist = ist;
    starting.entry = entry;
    build_trampoline(stack_top);
    lapic_send_init(id);
    wait_online(cpu, INIT_SETTLE_NS);
    lapic_send_startup(id, page);
    if (!wait_online(cpu, ANSWER_NS)) {
        lapic_send_startup(id, page); // the manual says: once more
        if (!wait_online(cpu, ANSWER_LAST_NS))
            return -EIO;
    }
    compare_counters(number, before);
    cpu_count++;
    return 0;
}

void smp_send_reschedule(unsigned cpu)
{
    lapic_send(cpus[cpu].lapic_id, T_RESCHEDULE);
}

void tlb_send_shootdown(uint64_t targets)
{
    uint64_t bits = targets & ~(1ull << cpu_id());

    for (unsigned i = 0; bits; i++, bits >>= 1) {
        if (bits & 1)
            lapic_send(cpus[i].lapic_id, T_SHOOTDOWN);
    }
}

void smp_halt_others(void)
{
    halting = true;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (cpus[i].online && &cpus[i] != this_cpu())
            lapic_send_nmi(cpus[i].lapic_id);
    }
}

bool smp_halt_requested(void)
{
    return halting;
}
