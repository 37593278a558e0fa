# SPDX-License-Identifier: MIT
#
# bench.mk - the benchmark's programs: the rows (micro), the first process and the stub that stands in for a kernel.
# Included by the Makefile.

BENCH_OUT    := $(USERBUILD)/bench
BENCH_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Iuser
BENCH_ROWS   := $(patsubst bench/%.c,$(BENCH_OUT)/%.o,$(filter-out bench/init.c,$(wildcard bench/*.c)))

.PHONY: bench-programs
bench-programs: $(USERBUILD)/micro $(BENCH_OUT)/init $(BENCH_OUT)/reset ; @:

$(BENCH_OUT)/%.o: bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(BENCH_CFLAGS) -MMD -MP -c $< -o $@

$(USERBUILD)/micro: $(BENCH_ROWS)
	$(call say,LD,$@)
	$(Q)$(USERCC) -static $^ -o $@

$(BENCH_OUT)/init: $(BENCH_OUT)/init.o
	$(call say,LD,$@)
	$(Q)$(USERCC) -static -Wl,-e,first_instruction $^ -o $@

$(BENCH_OUT)/reset: bench/reset.S
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)gcc -m32 -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=0x100000 -Wl,-e,first_instruction $< -o $@

-include $(wildcard $(BENCH_OUT)/*.d)
