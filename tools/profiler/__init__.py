# SPDX-License-Identifier: MIT
"""`./gaur profile`. Reading order: command (options; the order of things), plugin.c (the counting, inside QEMU), symbols
(from addresses to functions and lines)."""
