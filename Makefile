# Gaur. `make help` lists what can be made.
#
#   DEBUG=1    the kernel with assertions, in build/debug (else build/release)
#   SANITIZE=1 the kernel with assertions and sanitizers, in build/sanitize
#   CC=clang   another compiler for the kernel
#   V=1        show whole commands
#   ARGS=...   options and program for `make run` and `make gdb`
#   SECONDS=, SEED=    how long `make soak` runs, and with which choices
#   ONLY=...   the tests to run, by parts of their names
#   ROWS=...   the rows of the benchmark to run, by the beginnings of their names

ifeq ($(origin CC),default)
CC := gcc
endif

BUILD     := build/$(if $(SANITIZE),sanitize,$(if $(DEBUG),debug,release))
USERBUILD := build/user
USERCC    := musl-gcc
USERFLAGS := -static -O2 -g -Wall -Wextra
PYTHON    := PYTHONPYCACHEPREFIX=build/pycache $(firstword $(wildcard /usr/bin/python3) python3)

# $(call say,CC,file) is a recipe's short line, which `make -s` leaves out; $(Q) hides the long one.
Q   := $(if $(V),,@)
say  = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf '  %-5s %s\n' '$(1)' '$(2)')

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all kernel debug sanitize user root run test bench profile soak gdb setup clean help compile_commands.json

all: kernel root ; @:

-include kernel/kernel.mk
-include tests/host/host.mk
-include tests/guest/guest.mk
-include bench/bench.mk
-include tests/soak/soak.mk
-include tests/grid/grid.mk
-include watch/watch.mk
-include user/lessons/lessons.mk

kernel: $(BUILD)/gaur.elf ; @:

debug: root
	$(Q)$(MAKE) --no-print-directory DEBUG=1 kernel

sanitize: root
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 kernel

# --- programs for the guest, and its root

USER_PROGRAMS := $(patsubst user/%.c,$(USERBUILD)/%,$(wildcard user/*.c))

user: $(USER_PROGRAMS) ; @:

$(USERBUILD)/%: user/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(USERFLAGS) $< -o $@

$(USERBUILD)/init: user/mark.h

root: build/root.cpio ; @:

build/root.cpio: $(USERBUILD)/init $(shell find user/root -type f) tools/stage_root.sh tools/pack_root.py \
                 $(shell command -v busybox)
	$(call say,ROOT,$@)
	$(Q)tools/stage_root.sh build/root $(USERBUILD)/init
	$(Q)$(PYTHON) tools/pack_root.py build/root $@

# --- the profiler's plugin for QEMU

build/profile/plugin.so: tools/profiler/plugin.c tools/profiler/plugin.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden $< -o $@

# --- what a person types

run:
	@./gaur run $(if $(SANITIZE),--sanitize,$(if $(DEBUG),--debug)) $(ARGS)

soak:
	@./gaur soak $(if $(SANITIZE),--sanitize) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

gdb:
	@./gaur gdb $(ARGS)

bench:
	@./gaur bench $(ARGS) $(ROWS)

profile:
	@./gaur profile $(ARGS) $(ROWS)

test: setup
	@$(PYTHON) tests/run $(ONLY)

setup:
	@sh tools/setup.sh

# For editors: how each source file of the kernel and of the programs is compiled.
compile_commands.json:
	$(call say,JSON,$@)
	$(Q)$(MAKE) --no-print-directory -Bnk V=1 kernel user | $(PYTHON) tools/compile_commands.py > $@.new
	$(Q)mv $@.new $@

clean:
	rm -rf build compile_commands.json

help:
	@echo 'make           the kernel (build/release/gaur.elf), the programs for the guest and its root'
	@echo 'make run       boot it, with a shell; ARGS="-m 64M -- ls /" gives options and a program'
	@echo 'make test      all tests; the last line counts them. ONLY="word..." picks some'
	@echo 'make bench     what operations cost, beside Linux. ROWS="fork cow" picks some; ARGS=--gaur-only'
	@echo 'make soak      random mixtures of everything, with all checks on; SECONDS=1800, SEED=...'
	@echo 'make profile   what the kernel does, by function: ROWS="fork_tiny", or ARGS="-- PROGRAM"'
	@echo 'make watch     the viewer and its page; ./gaur watch shows it, with a guest'
	@echo 'make gdb       boot under the debugger'
	@echo 'make kernel    the kernel alone; with DEBUG=1 the one with assertions, in build/debug'
	@echo 'make debug     the kernel with assertions, and the root'
	@echo 'make sanitize  the kernel with assertions and sanitizers, and the root'
	@echo 'make user      the programs for the guest;  make root: its root, build/root.cpio'
	@echo 'make setup     install what is needed to build and run (Debian)'
	@echo 'make compile_commands.json    for editors'
	@echo 'make clean     remove all that was made'
	@echo
	@echo 'Variables: DEBUG=1, SANITIZE=1, CC=clang, V=1, ARGS, ONLY, ROWS; see the top of the Makefile.'

print-guest-tests:
	@echo $(GUEST_TESTS)
.PHONY: print-guest-tests
