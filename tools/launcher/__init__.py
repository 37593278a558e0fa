# SPDX-License-Identifier: MIT
"""The launcher. Reading order: cli (commands and options), run (one boot from start to end), machine
(QEMU's command line), root (what is laid into the guest), pump (the program's input and output), gdb."""
