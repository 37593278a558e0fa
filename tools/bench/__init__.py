# SPDX-License-Identifier: MIT
"""`./gaur bench`. Reading order: rows (what is measured, and what is wanted), command (options; the order of things),
linux (Debian's kernel), guest (one boot, of either kernel), least (the row that takes many), report (the table), chart (the picture)."""
