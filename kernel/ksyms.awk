# SPDX-License-Identifier: MIT
#
# ksyms.awk - from `nm -n` of a linked kernel to the assembly of its symbol table (arch/x86/backtrace.c reads it).
#
# Addresses are the kernel's, in order; their low 32 bits are the offset from KERNBASE. The table stays in memory, so of each
# function there is the distance from the one before, in as few bytes as it takes, and the name.

BEGIN { count = 0 }

$2 ~ /^[tT]$/ && $3 !~ /^image_/ && $3 !~ /^\./ {
    if (substr($1, 9) == last)
        next # one name per address
    last = substr($1, 9)
    address[count] = last
    name[count++] = $3
}

END {
    print "    .section .ksyms, \"a\", @progbits"
    print "    .balign 4"
    print "    .globl ksyms, ksym_count"
    print "ksym_count: .long " count
    print "ksyms:"
    address[-1] = "0"
    for (i = 0; i < count; i++) {
        print "    .uleb128 0x" address[i] " - 0x" address[i - 1]
        print "    .asciz \"" name[i] "\""
    }
    print "    .section .note.GNU-stack, \"\", @progbits"
}
