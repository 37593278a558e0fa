# SPDX-License-Identifier: MIT
#
# ksyms.awk - from `nm -n` of a linked kernel to the assembly of its symbol table (arch/x86/backtrace.c reads it).
#
# Addresses are the kernel's, in order; their low 32 bits are the offset from KERNBASE. The table stays in memory, so of each
# function there is the distance from the one before, in as few bytes as it takes, and the name. Most words of a name are in others,
# too: those that save most have codes from 128 on, and stand in ksym_words. What the compiler appends (.constprop.0) is left away.

BEGIN { count = 0; WORDS = 128 }

$2 ~ /^[tT]$/ && $3 !~ /^image_/ && $3 !~ /^\./ {
    if (substr($1, 9) == last)
        next # one name per address
    last = substr($1, 9)
    address[count] = last
    name[count] = $3
    sub(/\..*/, "", name[count])
    count_words(name[count++])
}

# The words of a name, each with the underline behind it, are words[1 .. the result].
function split_words(text, found) {
    found = 0
    while (match(text, /^[^_]*_/)) {
        words[++found] = substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
    }
    if (text != "")
        words[++found] = text
    return found
}

function count_words(text, i) {
    for (i = split_words(text); i > 0; i--)
        uses[words[i]]++
}

# Give the word that saves most the next code. => false: none saves anything
function choose_word(word, best, gain, most) {
    most = 0
    for (word in uses) {
        gain = uses[word] * (length(word) - 1) - length(word) - 1
        if (!(word in code) && (gain > most || (gain == most && gain > 0 && word < best))) {
            most = gain
            best = word
        }
    }
    if (most > 0) {
        chosen[codes] = best
        code[best] = sprintf("\\%o", 128 + codes++)
    }
    return most > 0
}

function encoded(text, i, found, result) {
    found = split_words(text)
    for (i = 1; i <= found; i++)
        result = result (words[i] in code ? code[words[i]] : words[i])
    return result
}

END {
    codes = 0
    while (codes < WORDS && choose_word())
        ;
    print "    .section .ksyms, \"a\", @progbits"
    print "    .balign 4"
    print "    .globl ksyms, ksym_count, ksym_words"
    print "ksym_count: .long " count
    print "ksyms:"
    address[-1] = "0"
    for (i = 0; i < count; i++) {
        print "    .uleb128 0x" address[i] " - 0x" address[i - 1]
        print "    .asciz \"" encoded(name[i]) "\""
    }
    print "ksym_words:"
    for (i = 0; i < codes; i++)
        print "    .asciz \"" chosen[i] "\""
    print "    .section .note.GNU-stack, \"\", @progbits"
}
