/* SPDX-License-Identifier: MIT
 *
 * vdso_image.S - the vDSO's bytes in the kernel's image; vdso/vdso.c is what they are made from.
 */

    .section .rodata
    .globl vdso_image, vdso_image_end
    .balign 16
vdso_image:
    .incbin VDSO_FILE
vdso_image_end:
    .if vdso_image_end - vdso_image > 4096
    .error "the vDSO is larger than its page"
    .endif
