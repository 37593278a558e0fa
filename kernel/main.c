// SPDX-License-Identifier: MIT
/*
 * main.c - the table of contents: what starts, in what order.
 *
 * The order is forced: each line needs the ones above it. Nothing sleeps before the scheduler runs, so what may sleep
 * (drivers that wait, files, the first program) is left to a thread of its own, and this one becomes the idle thread.
 */
#include "arch/x86/backtrace.h"
#include "arch/x86/boot_info.h"
#include "arch/x86/boot_memory.h"
#include "arch/x86/early_console.h"
#include "arch/x86/fpu.h"
#include "arch/x86/image.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging.h"
#include "arch/x86/power.h"
#include "arch/x86/smp.h"
#include "arch/x86/time.h"
#include "arch/x86/trap.h"
#include "dev/drivers.h"
#include "fs/devfs.h"
#include "fs/initramfs.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "mm/core_map.h"
#include "mm/event.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/kasan_report.h"
#include "mm/kstack.h"
#include "mm/magazine.h"
#include "mm/node.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vspace.h"
#include "mm/watch.h"
#include "proc/exec_layout.h"
#include "proc/process.h"
#include "sync/log_lock.h"
#include "sync/sched.h"
#include "sync/timer.h"
#include "sys/procfs/procfs.h"
#include "sys/socket.h"

void kernel_main(paddr_t start_info) __noreturn; // called by boot.S

/* Interrupt stacks of the first CPU; the others get theirs from kalloc. */
static char first_ist[IST_STACKS * IST_STACK_SIZE] __aligned(16);

static void panic_stop(const char *message)
{
    (void)message;
    machine_fail();
}

/* Faults are caught and messages are seen. */
static void start_processor(void)
{
    descriptors_init_cpu(&cpus[0], first_ist);
    cpus[0].online = true;
    trap_init_cpu();
    log_set_output(early_console_write);
    panic_set_begin(smp_halt_others);
    panic_set_backtrace(backtrace_print);
    panic_set_end(panic_stop);
    cpu_init_features();
    fpu_init();
}

/* The machine: memory, interrupts, time. */
static void start_machine(paddr_t start_info)
{
    boot_info_init(start_info);
    boot_memory_init();
    paging_init();
    irq_init();
    time_init();
    log_set_clock(clock_ns);
    smp_prepare();
}

/* Threads and memory for all that follows. */
static void start_core(void)
{
    sched_init_cpu(boot_stack_top);
    log_lock_init();
    timer_set_handler(timer_interrupt);
    core_map_init();
    paging_set_page_source(kalloc);
    kasan_report_init();
    slab_init();
    tlb_init();
    vspace_init();
}

/* What a CPU started by start_other_cpus does. */
static void cpu_main(void)
{
    sched_init_cpu((void *)this_cpu()->tss.rsp0);
    sched_idle();
}

static void start_other_cpus(void)
{
    for (unsigned cpu = 1; cpu < smp_cpus_present(); cpu++) {
        void *stack = kstack_alloc();
        struct core_map_entry *ist = frame_alloc_run(FRAME_STACK, 1);

        static_assert(IST_STACKS * IST_STACK_SIZE == 2 * PAGE_SIZE, "a run of order 1 holds them");
        if (!stack || !ist || smp_start_cpu(cpu, stack, page2kva(ist), cpu_main) != 0) {
            printk(LOG_WARNING "CPU %u does not start; going on with %u", cpu, cpu_count);
            return; // what it got stays with it: it may wake up late
        }
    }
}

/* The value of an argument that is a number, with K or M behind it for so many times 1024; `otherwise` without one. */
static uint64_t number_option(const char *key, uint64_t otherwise)
{
    char text[12] = "";
    const char *p = text;
    uint64_t n = 0;

    if (!boot_option(key, text, sizeof text))
        return otherwise;
    for (; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return n << (*p == 'M' ? 20 : *p == 'K' ? 10 : 0);
}

/* The kernel's arguments; docs/layout.md tells them. */
static void read_arguments(void)
{
    static const char *const known[] = {"quiet", "init=", "norandmaps", "fail=", "tsc=unstable", "root=", "ro", "rw",
                                        "virtio_mmio.device=", "watch", "watch="};

    if (boot_flag("quiet"))
        log_set_output(NULL);
    if (boot_flag("tsc=unstable"))
        clock_distrust();
    if (boot_flag("norandmaps"))
        exec_layout_set_randomize(0);
    if (boot_flag("watch") || number_option("watch", UINT64_MAX) != UINT64_MAX)
        watch_start(number_option("watch", EVENT_RING_BYTES), smp_cpus_present());
    fail_arm(NULL, number_option("fail", 0), false); // the N-th allocation from here on fails, whoever asks for it
    boot_options_check(known, ARRAY_SIZE(known));
}

/* Files and the first program. Runs as a thread, since all of this may sleep. */
static void start_system(void *unused)
{
    static char init[128] = "/sbin/init"; // outlives this thread

    (void)unused;
    drivers_init();
    initramfs_unpack();
    devfs_mount_on_root();
    boot_option("init", init, sizeof init);
    proc_start_init(init);
}

void kernel_main(paddr_t start_info)
{
    time_init_early();
    start_processor();
    drivers_init_early();
    printk("Gaur for x86-64");
    start_machine(start_info);
    start_core();
    read_arguments();
    printk("%lu KiB of memory, %lu KiB free, %u CPU%s", boot_memory_usable() >> 10,
           frames_by_kind(FRAME_FREE) * PAGE_SIZE >> 10, smp_cpus_present(), smp_cpus_present() == 1 ? "" : "s");
    proc_init();
    vfs_init();
    procfs_init();
    socket_calls_init();
    start_other_cpus();
    kalloc_share(cpu_count);
    node_share(cpu_count);
    if (cpu_count > 1)
        magazines_start(cpu_count);
    struct kthread *boot = sched_spawn_kernel(start_system, NULL, "boot");
    if (!boot)
        panic("too little memory: no thread can be made");
    sched_idle();
}
