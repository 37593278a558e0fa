# SPDX-License-Identifier: MIT
#
# guest.mk - the guest tests: static programs that run on Gaur and, to check themselves, on Linux.
#
#   guest-tests           build them all
#   GUEST_SUITE           the runner          GUEST_TESTS     what it runs, in order
#
# One program per property: NAME.c is the program NAME, linked with the harness. Included by the top Makefile;
# `make -f tests/guest/guest.mk` works too.

USERBUILD ?= build/user
MUSL_CC   ?= musl-gcc
MUSL_LIB  ?= $(patsubst %/rcrt1.o,%,$(firstword $(wildcard $(addsuffix /rcrt1.o, \
	/usr/lib/x86_64-linux-musl /usr/lib/musl/lib /usr/lib))))

# Short lines, as the top Makefile has them.
ifeq ($(origin say),undefined)
Q   := $(if $(V),,@)
say  = $(if $(V),@:,@printf '  %-5s %s\n' '$(1)' '$(2)')
endif

GUEST_SRC := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
GUEST_OUT := $(USERBUILD)/guest

GUEST_CFLAGS ?= -std=gnu11 -O2 -g0 -Wall -Wextra -Werror -D_GNU_SOURCE

GUEST_PROGRAMS := \
	faults \
	stack brk mmap munmap mprotect mremap madvise mlock huge_pages file_holes map_model demand_zero no_execute tlb tlb_idle \
	fork_cow fork_readonly fork_shared fork_sharers fork_race usercopy kernel_pointers \
	fork_wait thread_limit vfork exec exec_auxv random_places exec_loader threads thread_locks thread_cancel futex clone3 vdso exec_script exec_hostile kill_groups \
	signal_basic signal_mask signal_restart signal_stack signal_faults signal_timer signal_registers fpu \
	file_open file_io file_stat directories links permissions devices descriptors pipes poll_select \
	epoll epoll_nested epoll_race eventfd timerfd signalfd posix_timer cpu_timers file_locks file_limit flock openat2 file_copy splice xattr sched_policy pidfd \
	sockets socket_names socket_rights memfd shm sem msg process_vm commit smaps swap swap_file swap_files \
	pty pty_close pty_lines pty_session \
	clocks system_info procfs proc_process proc_bad_input proc_maps missing_calls events fail_sweep

# The mistakes that others shipped, as far as no program above has them (docs/testing.md), and memory that runs out.
GUEST_PROGRAMS += fork_against fault_race unmap_race zeroed unresolvable out_of_memory fail_sweep_files fail_again fail_again_memory

# These are built twice: at a fixed address (ET_EXEC) and position-independent (static PIE).
GUEST_PIES  := $(if $(MUSL_LIB),$(addprefix $(GUEST_OUT)/,exec_auxv_pie random_places_pie))
# These with glibc as well, if its static library is there.
GUEST_GLIBC := $(if $(wildcard /usr/lib/x86_64-linux-gnu/libc.a),$(addprefix $(GUEST_OUT)/,threads_glibc thread_locks_glibc thread_cancel_glibc vdso_glibc pty_glibc pty_close_glibc))
GUEST_TESTS := $(addprefix $(GUEST_OUT)/,$(GUEST_PROGRAMS)) $(GUEST_PIES) $(GUEST_GLIBC)
GUEST_SUITE := $(GUEST_OUT)/suite
GUEST_LIB   := $(addprefix $(GUEST_OUT)/obj/,tap.o gaur.o touch.o)

.PHONY: guest-tests guest-check
guest-tests: $(GUEST_SUITE) $(GUEST_TESTS)

# On this Linux: are the tests themselves right?
guest-check: guest-tests
	$(Q)$(GUEST_SUITE) --linux $(GUEST_TESTS)

.SECONDARY: $(GUEST_LIB) $(patsubst %,$(GUEST_OUT)/obj/%.o,$(GUEST_PROGRAMS) suite)

# Programs of more than one file.
$(addprefix $(GUEST_OUT)/,fail_sweep fail_sweep_files fail_again fail_again_memory): $(GUEST_OUT)/obj/sweep.o
$(GUEST_OUT)/pty $(GUEST_OUT)/pty_close $(GUEST_OUT)/pty_lines $(GUEST_OUT)/pty_session: $(GUEST_OUT)/obj/terminal.o
$(GUEST_OUT)/pty_glibc $(GUEST_OUT)/pty_close_glibc: $(addprefix $(GUEST_SRC)/,terminal.c terminal.h)
$(GUEST_OUT)/faults: $(GUEST_OUT)/obj/faults_rows.o
$(GUEST_OUT)/fpu $(GUEST_OUT)/signal_registers: $(GUEST_OUT)/obj/vectors.o

$(GUEST_OUT)/obj/%.o: $(GUEST_SRC)/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(GUEST_OUT)/%: $(GUEST_OUT)/obj/%.o $(GUEST_LIB)
	$(call say,LD,$@)
	$(Q)$(MUSL_CC) -static -s -o $@ $(filter %.o,$^)

# musl-gcc has no -static-pie of its own; spelled out.
$(GUEST_PIES): $(GUEST_OUT)/%_pie: $(GUEST_SRC)/%.c $(addprefix $(GUEST_SRC)/,tap.c tap.h)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) -fPIE -static -nostartfiles -s -Wl,-pie,--no-dynamic-linker,-z,text -o $@ \
		$(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(filter %.c,$^) $(MUSL_LIB)/crtn.o

$(GUEST_GLIBC): $(GUEST_OUT)/%_glibc: $(GUEST_SRC)/%.c $(addprefix $(GUEST_SRC)/,tap.c gaur.c touch.c tap.h gaur.h touch.h in_threads.h)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(GUEST_CFLAGS) -static -pthread -s -o $@ $(filter %.c,$^)

-include $(wildcard $(GUEST_OUT)/obj/*.d)
