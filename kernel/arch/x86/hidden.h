// SPDX-License-Identifier: MIT
/*
 * hidden.h - included before every C source by the compiler's command line (kernel.mk).
 *
 * All symbols, also those that are only declared, lie in one image: their addresses are computed from RIP, and not
 * loaded from a table as position-independent code would otherwise do. (-fvisibility covers definitions only.)
 */
#pragma GCC visibility push(hidden)
