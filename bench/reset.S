// SPDX-License-Identifier: MIT
/*
 * reset.S - in place of a kernel: tells on the second serial port what the time-stamp counter says at a kernel's first
 * instruction, "firmware HEX", and ends the machine. So the firmware's share of a boot is known.
 *
 * QEMU starts it by its PVH note, in protected mode, as it starts Gaur.
 */
#define COM2            0x2f8
#define DEBUG_EXIT      0xf4    // isa-debug-exit, see tools/launcher/machine.py
#define XEN_ELFNOTE_PHYS32_ENTRY 18

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long first_instruction

    .text
    .code32
    .globl first_instruction
first_instruction:
    rdtsc
    movl %eax, %ebx             // EDI:EBX, the counter
    movl %edx, %edi
    movl $word, %esi
    movl $word_end - word, %ecx
    movw $COM2, %dx
    rep outsb
    movl $16, %ecx
digit:
    movl %edi, %eax
    shrl $28, %eax
    movb digits(%eax), %al
    outb %al, %dx
    shldl $4, %ebx, %edi
    shll $4, %ebx
    loop digit
    movb $'\n', %al
    outb %al, %dx
    movw $DEBUG_EXIT, %dx
    outb %al, %dx
halt:
    hlt
    jmp halt

word:
    .ascii "firmware 0x"
word_end:
digits:
    .ascii "0123456789abcdef"

    .section .note.GNU-stack, "", @progbits
