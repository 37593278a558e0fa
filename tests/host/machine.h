// SPDX-License-Identifier: MIT
/*
 * machine.h - the hardware under the memory manager in host tests: memory, CPUs, and an MMU with a TLB, in software.
 *
 * The MMU is as suspicious as real ones may be: each CPU remembers every translation, and every path to a leaf node,
 * until it is told to forget. So a flush that is missing shows as wrong data.
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include "arch/x86/trap.h"
#include "lib/types.h"
#include "mm/fault.h"
#include "mm/vspace.h"

/* Physical memory, as the loader would tell it. Frames that nobody else gives back to kalloc. */
#define MACHINE_HOLE 0x9f000    // [hole, 1 MiB) is the firmware's
#define MACHINE_INITRD 0x800000 // an initial RAM disk, reserved
#define MACHINE_INITRD_SIZE (3 * PAGE_SIZE)

/* Map fresh memory exactly there, or end the test. */
void arena_map(void *at, size_t size);

/* Memory, core_map, kalloc, slab, vspaces: what the kernel's boot does; with so many bytes, or ARENA_SIZE. => once */
void machine_boot_with(uint64_t memory);
void machine_boot(void);

/* This thread is that CPU from now on. */
void machine_set_cpu(unsigned cpu);

/* This thread is a CPU, and there are others at work: waiting for them is no mistake. => with a thread of its own each */
void machine_join_thread(unsigned cpu);
bool machine_is_threaded(void);

/*
 * One access of one byte by the program (or, without PF_U, by the kernel for it) in the space that is loaded on this CPU.
 * What the MMU refuses is handed to vspace_fault, and tried again.
 *
 * access: PF_W, PF_I, PF_U as the CPU would report them. *value is stored, or gets what was read.
 * => FAULT_RESOLVED when it was done; what vspace_fault said when not. *fault, unless NULL: the last fault, or zero
 */
enum fault_outcome machine_access(struct vspace *space, vaddr_t va, uint32_t access, uint8_t *value, struct fault *fault);

/* The same without handling faults. => true when done; else *code is what the CPU would report */
bool mmu_access(vaddr_t va, uint32_t access, uint8_t *value, uint32_t *code);

/* The space whose memory usercopy.h means: the one loaded by machine_load on this CPU. */
void machine_load(struct vspace *space);
struct vspace *machine_loaded(void);

/* This CPU has nothing to do until the next machine_load. => machine_loaded */
void machine_idle(void);

/* Panics end the process unless this is set. */
extern void (*machine_on_panic)(const char *message);

/* A thread that sleeps while there are no others ends the test, unless this is set: it does what others would. */
extern void (*machine_on_sleep)(void);

/* What clock_ns says. */
extern uint64_t machine_clock;

#endif
