// SPDX-License-Identifier: MIT
/*
 * mark.h - marks for `gaur profile`, which counts what the kernel does between two of them.
 *
 * A mark is a no-op whose displacement nobody else uses: without the profiler it does nothing, on any system.
 */
#ifndef MARK_H
#define MARK_H

#define MARK(number) __asm__ volatile("nopl 0x67617500 + " #number "(%%rax)" ::: "memory")

/* A region that is to be profiled; there may be many, one after the other. */
#define MARK_BEGIN() MARK(1)
#define MARK_END()   MARK(2)

/* For the first process: around the program's whole life. */
#define MARK_PROGRAM_BEGIN() MARK(3)
#define MARK_PROGRAM_END()   MARK(4)

#endif
