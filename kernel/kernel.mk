# SPDX-License-Identifier: MIT
#
# kernel.mk - builds $(BUILD)/gaur.elf. Included by the Makefile; also works alone:
#
#   make -f kernel/kernel.mk BUILD=build/release [CC=clang] [DEBUG=1] [SANITIZE=1] [V=1]

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build/$(if $(SANITIZE),sanitize,$(if $(DEBUG),debug,release))
LD    := ld
NM    := nm
Q     ?= $(if $(V),,@)
say   ?= $(if $(V),@:,@printf '  %-5s %s\n' '$(1)' '$(2)')

.PHONY: kernel.default
kernel.default: $(BUILD)/gaur.elf

# Undefined behaviour ends in kernel/lib/sanitizer/ubsan.c, and does not return; accesses to memory that nobody has, beside it
# in kasan.c. The shadow of address / 8 lies at this offset.
SHADOW_OFFSET   := 0xdffffc0000000000
KERNEL_SANITIZE := -DSANITIZE=1 -DSHADOW_OFFSET=$(SHADOW_OFFSET) -fsanitize=undefined -fno-sanitize-recover=undefined
ADDRESS_GCC     := -fasan-shadow-offset=$(SHADOW_OFFSET) -fsanitize-address-use-after-scope \
                   $(addprefix --param asan-,stack=1 globals=1 instrument-allocas=0 instrumentation-with-call-threshold=10000)
ADDRESS_CLANG   := $(addprefix -mllvm -asan-,mapping-offset=$(SHADOW_OFFSET) stack=1 use-after-scope=1 globals=1 \
                     instrument-dynamic-allocas=0 instrumentation-with-call-threshold=10000)
KERNEL_ADDRESS  := -fsanitize=kernel-address -fsanitize-recover=kernel-address \
                   $(if $(findstring clang,$(CC)),$(ADDRESS_CLANG),$(ADDRESS_GCC))
# What touches memory that nobody has because that is its task.
KERNEL_NO_ADDRESS := kernel/lib/sanitizer/% kernel/arch/x86/sanitizer/% kernel/arch/x86/backtrace.c \
                     kernel/mm/sanitizer/% kernel/mm/slab.c kernel/mm/magazine.c

# -fpie: every reference is relative to RIP, as the high half is out of reach for 32-bit absolute addresses.
# -falign-..., -malign-data: padding would be 13 KB of memory, and instructions in every loop's way.
# -mgeneral-regs-only: the FPU's registers belong to the user. No red zone: interrupts use the stack below us.
KERNEL_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fpie -fvisibility=hidden -mno-red-zone -mgeneral-regs-only \
                 -mcmodel=small -fno-stack-protector -fno-omit-frame-pointer -fno-strict-aliasing \
                 -fno-asynchronous-unwind-tables -fcf-protection=none -falign-functions=4 -falign-jumps=1 -falign-loops=1 \
                 $(if $(findstring clang,$(CC)),,-malign-data=abi) \
                 -Wall -Wextra -Ikernel \
                 $(if $(DEBUG)$(SANITIZE),-DDEBUG=1) $(if $(SANITIZE),$(KERNEL_SANITIZE))
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=sha1

VDSO_FOLDER    := kernel/arch/x86/vdso
# What is called thousands of times a second is compiled for speed, the rest for size: it stays in memory as well.
KERNEL_FAST := kernel/arch/% kernel/lib/string.c kernel/lib/tree.c kernel/mm/% kernel/sync/% kernel/trap.c \
               $(addprefix kernel/proc/,child.c deferred.c exit.c family.c fork.c fs_context.c futex.c \
                 handlers.c pid.c process.c signal.c signal_send.c signal_take.c thread.c wait.c) \
               $(addprefix kernel/fs/,file.c file_table.c pipe.c inode.c dentry.c walk.c tmpfs.c mount.c poll.c) \
               $(addprefix kernel/sys/,buffer.c descriptor.c identity.c memory.c poll.c process.c rw.c table.c wait.c)

# Of those folders what is called seldom, or waits for disks anyway.
KERNEL_SMALL := $(addprefix kernel/mm/,clock.c commit.c core_map.c event.c event_name.c fault_name.c frame_kind.c huge.c madvise.c measure.c mlock.c mremap.c page_cache_clean.c page_cache_fill.c page_cache_swap.c \
                  populate.c reclaim.c remote.c swap.c swap_off.c swap_slots.c unmap_file.c \
                  huge_policy.c page_cache_shrink.c verify.c watch.c) \
                $(addprefix kernel/arch/x86/,acpi.c backtrace.c boot_%.c cpu.c ioapic.c paging.c power.c reference_clock.c rtc.c smp.c trap_frame.c \
                  trap_init.c) \
                kernel/sync/alarm.c kernel/sync/kthread.c kernel/fs/mount.c

KERNEL_SOURCES := $(sort $(filter-out $(VDSO_FOLDER)/%,$(shell find kernel -name '*.c' -o -name '*.S')))
# What only a kernel with sanitizers has lies in folders of that name.
KERNEL_SOURCES := $(if $(SANITIZE),$(KERNEL_SOURCES),$(foreach source,$(KERNEL_SOURCES),$(if $(findstring /sanitizer/,$(source)),,$(source))))
KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(BUILD)/%.o)

-include $(KERNEL_OBJECTS:.o=.d)

# Objects of another compiler or other flags are stale: a change of this file's content makes all again.
KERNEL_STAMP := $(BUILD)/kernel/flags
$(shell mkdir -p $(BUILD)/kernel; echo '$(CC) $(KERNEL_CFLAGS) $(if $(SANITIZE),$(KERNEL_ADDRESS) $(KERNEL_NO_ADDRESS)) $(KERNEL_FAST) $(KERNEL_SMALL) $(KERNEL_LDFLAGS)' | cmp -s - $(KERNEL_STAMP) || \
        echo '$(CC) $(KERNEL_CFLAGS) $(if $(SANITIZE),$(KERNEL_ADDRESS) $(KERNEL_NO_ADDRESS)) $(KERNEL_FAST) $(KERNEL_SMALL) $(KERNEL_LDFLAGS)' > $(KERNEL_STAMP))

address_flags = $(if $(SANITIZE),$(if $(filter $(KERNEL_NO_ADDRESS),$<),,$(KERNEL_ADDRESS)))

$(BUILD)/kernel/%.c.o: kernel/%.c $(KERNEL_STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(if $(filter-out $(KERNEL_SMALL),$(filter $(KERNEL_FAST),$<)),,-Os) $(address_flags) -include arch/x86/hidden.h -MMD -MP -c $< -o $@

$(BUILD)/kernel/%.S.o: kernel/%.S $(KERNEL_STAMP)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/kernel/kernel.ld: kernel/kernel.ld kernel/arch/x86/layout.h $(KERNEL_STAMP)
	$(Q)$(CC) -E -P -x c -D__ASSEMBLER__ $(filter -D%,$(KERNEL_CFLAGS)) -Ikernel $< -o $@

# The vDSO is a shared object of its own, for user mode; the kernel's image holds it as bytes.
VDSO_CFLAGS  := -std=gnu11 -O2 -ffreestanding -fpic -fno-stack-protector -fasynchronous-unwind-tables \
                -fcf-protection=none -Wall -Wextra -Ikernel
VDSO_LDFLAGS := -shared -soname linux-vdso.so.1 -Bsymbolic --hash-style=both --build-id=none --eh-frame-hdr \
                -z max-page-size=4096 -z noexecstack -s

$(BUILD)/kernel/vdso.o: $(VDSO_FOLDER)/vdso.c $(KERNEL_STAMP)
	$(call say,CC,$<)
	$(Q)$(CC) $(VDSO_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/kernel/vdso.so: $(BUILD)/kernel/vdso.o $(VDSO_FOLDER)/vdso.ld
	$(Q)$(LD) $(VDSO_LDFLAGS) -T $(VDSO_FOLDER)/vdso.ld $< -o $@

-include $(BUILD)/kernel/vdso.d
$(BUILD)/kernel/arch/x86/vdso_image.S.o: $(BUILD)/kernel/vdso.so
$(BUILD)/kernel/arch/x86/vdso_image.S.o: KERNEL_CFLAGS += -DVDSO_FILE='"$(BUILD)/kernel/vdso.so"'

# The list of objects, so that a source that was removed makes a new link.
$(shell echo '$(KERNEL_OBJECTS)' | cmp -s - $(BUILD)/kernel/objects || \
        echo '$(KERNEL_OBJECTS)' > $(BUILD)/kernel/objects)

# The first link has an empty symbol table; the second one that of the first, whose functions lie at the same places.
$(BUILD)/kernel/ksyms0.S: kernel/ksyms.awk $(KERNEL_STAMP)
	$(Q)awk -f $< < /dev/null > $@

$(BUILD)/kernel/pass1.elf: $(KERNEL_OBJECTS) $(BUILD)/kernel/objects $(BUILD)/kernel/kernel.ld $(BUILD)/kernel/ksyms0.o
	$(Q)$(LD) $(KERNEL_LDFLAGS) -T $(BUILD)/kernel/kernel.ld $(KERNEL_OBJECTS) $(BUILD)/kernel/ksyms0.o -o $@

$(BUILD)/kernel/ksyms.S: $(BUILD)/kernel/pass1.elf kernel/ksyms.awk
	$(Q)$(NM) -n $< | awk -f kernel/ksyms.awk > $@

$(BUILD)/kernel/ksyms0.o $(BUILD)/kernel/ksyms.o: %.o: %.S
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@

$(BUILD)/gaur.elf: $(BUILD)/kernel/ksyms.o
	$(call say,LD,$@)
	$(Q)$(LD) $(KERNEL_LDFLAGS) -T $(BUILD)/kernel/kernel.ld $(KERNEL_OBJECTS) $< -o $@
