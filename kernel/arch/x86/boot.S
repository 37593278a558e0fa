// SPDX-License-Identifier: MIT
/*
 * boot.S - the first instructions: from the loader's 32-bit state to C at the kernel's addresses.
 *
 * The loader (QEMU's -kernel, or any that knows PVH) finds the entry in the Xen note, and starts it in protected mode
 * without paging, EBX holding the physical address of hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h).
 * We map the first GiB twice, at 0 and at KERNBASE, in 2 MiB pages; paging_init builds the real tables.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/layout.h"
#include "arch/x86/msr.h"

#define PHYSICAL(symbol) ((symbol) - KERNBASE)
#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define TABLE_FLAGS 0x3  // present, writable
#define LARGE_FLAGS 0x83 // present, writable, 2 MiB

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PHYSICAL(boot_entry)

    .section .text.boot, "ax", @progbits
    .code32
    .globl boot_entry
boot_entry:
    cld
    movl %ebx, %esi             // start info, kept until C

    movl $PHYSICAL(boot_pdpt) + TABLE_FLAGS, %eax
    movl %eax, PHYSICAL(boot_pml4)
    movl %eax, PHYSICAL(boot_pml4) + 8 * ((KERNBASE >> 39) & 511)
    movl $PHYSICAL(boot_pd) + TABLE_FLAGS, PHYSICAL(boot_pdpt)
    movl $PHYSICAL(boot_pd), %edi
    movl $LARGE_FLAGS, %eax
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    cmpl $0x40000000 + LARGE_FLAGS, %eax
    jne 1b

#ifdef SANITIZE
    // One page for all of the shadow, until paging_init maps it in earnest.
    movl $PHYSICAL(boot_shadow_pdpt) + TABLE_FLAGS, PHYSICAL(boot_pml4) + 8 * ((((KERNBASE >> 3) + SHADOW_OFFSET) >> 39) & 511)
    movl $PHYSICAL(boot_shadow_pd) + TABLE_FLAGS, PHYSICAL(boot_shadow_pdpt)
    movl $512, %ecx
2:  movl $PHYSICAL(boot_shadow_pt) + TABLE_FLAGS, PHYSICAL(boot_shadow_pd) - 8(, %ecx, 8)
    movl $PHYSICAL(boot_shadow) + TABLE_FLAGS, PHYSICAL(boot_shadow_pt) - 8(, %ecx, 8)
    decl %ecx
    jnz 2b
#endif

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    lgdt PHYSICAL(boot_gdt_pointer)
    ljmp $SEL_KERNEL_CODE, $PHYSICAL(boot_entry64)

    .code64
boot_entry64:
    movabsq $boot_high, %rax
    jmp *%rax
boot_high:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl $SEL_KERNEL_DATA, %eax
    movl %eax, %ss
    leaq boot_stack_top(%rip), %rsp
    xorl %ebp, %ebp             // ends every backtrace
    movl %esi, %edi
    call kernel_main
    ud2

    .section .rodata, "a", @progbits
    .balign 8
boot_gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff    // SEL_KERNEL_CODE
    .quad 0x00cf93000000ffff    // SEL_KERNEL_DATA
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long PHYSICAL(boot_gdt)

/* The first writable page follows the read-only data: an overflow of this stack meets a page that it cannot write. */
    .section .data.boot_stack, "aw", @progbits
    .balign 4096
    .globl boot_stack_bottom, boot_stack_top
boot_stack_bottom:
    .skip KSTACK_SIZE
boot_stack_top:

/* Behind the image's end: given to kalloc after paging_init. */
    .section .boot, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
boot_pd:
    .skip 4096
#ifdef SANITIZE
boot_shadow_pdpt:
    .skip 4096
boot_shadow_pd:
    .skip 4096
boot_shadow_pt:
    .skip 4096
boot_shadow:
    .skip 4096
#endif

    .section .note.GNU-stack, "", @progbits
