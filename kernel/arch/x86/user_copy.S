// SPDX-License-Identifier: MIT
/*
 * user_copy.S - copying to and from user memory.
 *
 * stac lets this code past SMAP, clac shuts it again. FAULTS_AT names an instruction that may fault on a user address,
 * and where to go on when the fault cannot be resolved (exception_table.c).
 */
#include <asm/errno.h>

.macro FAULTS_AT instruction, fixup
    .pushsection .exceptions, "a"
    .balign 4
    .long \instruction - .
    .long \fixup - .
    .popsection
.endm

    .text

/* size_t user_copy_raw(void *dst, const void *src, size_t n) */
    .globl user_copy_raw
user_copy_raw:
    stac
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
3:  movq %rcx, %rax
    clac
    ret
4:  leaq (%rdx, %rcx, 8), %rcx  // the word may lie across the end of a mapping: up to there byte by byte
    jmp 2b
    FAULTS_AT 1b, 4b
    FAULTS_AT 2b, 3b

/* size_t user_zero_raw(void *dst, size_t n) */
    .globl user_zero_raw
user_zero_raw:
    stac
    xorl %eax, %eax
    movq %rsi, %rcx
    shrq $3, %rcx
    andl $7, %esi
1:  rep stosq
    movl %esi, %ecx
2:  rep stosb
3:  movq %rcx, %rax
    clac
    ret
4:  leaq (%rsi, %rcx, 8), %rcx
    jmp 2b
    FAULTS_AT 1b, 4b
    FAULTS_AT 2b, 3b

/* int64_t user_strncpy_raw(char *dst, const char *src, size_t size) */
    .globl user_strncpy_raw
user_strncpy_raw:
    stac
    movq %rdx, %rcx
    jrcxz 3f
1:  lodsb
    stosb
    testb %al, %al
    jz 3f
    decq %rcx
    jnz 1b
3:  movq %rdx, %rax
    subq %rcx, %rax
    clac
    ret
4:  movq $-EFAULT, %rax
    clac
    ret
    FAULTS_AT 1b, 4b

/* int user_fetch_u32(const uint32_t *src, uint32_t *value), and its like */
    .globl user_fetch_u32
user_fetch_u32:
    stac
1:  movl (%rdi), %eax
    clac
    movl %eax, (%rsi)
    xorl %eax, %eax
    ret
    FAULTS_AT 1b, word_fault

    .globl user_fetch_u64
user_fetch_u64:
    stac
1:  movq (%rdi), %rax
    clac
    movq %rax, (%rsi)
    xorl %eax, %eax
    ret
    FAULTS_AT 1b, word_fault

    .globl user_store_u32
user_store_u32:
    stac
1:  movl %esi, (%rdi)
    clac
    xorl %eax, %eax
    ret
    FAULTS_AT 1b, word_fault

    .globl user_store_u64
user_store_u64:
    stac
1:  movq %rsi, (%rdi)
    clac
    xorl %eax, %eax
    ret
    FAULTS_AT 1b, word_fault

/* int user_cmpxchg_u32(uint32_t *word, uint32_t expected, uint32_t desired, uint32_t *found) */
    .globl user_cmpxchg_u32
user_cmpxchg_u32:
    stac
    movl %esi, %eax
1:  lock cmpxchgl %edx, (%rdi)
    clac
    movl %eax, (%rcx)
    xorl %eax, %eax
    ret
    FAULTS_AT 1b, word_fault

word_fault:
    clac
    movl $-EFAULT, %eax
    ret

    .section .note.GNU-stack, "", @progbits
