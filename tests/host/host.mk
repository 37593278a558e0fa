# SPDX-License-Identifier: MIT
#
# host.mk - tests of the kernel's sources on Linux, with sanitizers. Included by the Makefile; also works alone:
#
#   make -f tests/host/host.mk test-host     build and run them all (TAP)
#   host-tests       build them             GAUR_SECONDS=N, GAUR_SEED=N     longer random tests; one run again
#
# test_NAME.c is one program. The memory manager is linked to it as it is, over the machine in machine.c: the headers
# in include/ come before the kernel's. lib/test_NAME.c includes the sources that it tests, and stands alone.

ifeq ($(origin CC),default)
CC := gcc
endif
Q   ?= $(if $(V),,@)
say ?= $(if $(V),@:,@printf '  %-5s %s\n' '$(1)' '$(2)')

HOST_SRC := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
HOST_OUT := build/host

HOST_WARNINGS := -Wall -Wextra
HOST_CFLAGS   := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-strict-aliasing -DDEBUG=1 $(HOST_WARNINGS)
HOST_INCLUDES := -I$(HOST_SRC)/include -I$(HOST_SRC) -Ikernel
HOST_ADDRESS  := -fsanitize=address,undefined -fno-sanitize-recover=all
# gcc says that its thread sanitizer does not know fences; what they order here, the machine's locks order too.
HOST_THREAD   := -fsanitize=thread $(if $(findstring clang,$(CC)),,-Wno-tsan)

# What of the kernel is linked: all of mm, what it stands on that needs no hardware, and the queue of disks.
HOST_KERNEL := $(wildcard kernel/mm/*.c) kernel/lib/tree.c kernel/lib/bitmap.c \
               $(addprefix kernel/sync/,spinlock.c rank.c mutex.c rwlock.c wait.c) \
               $(addprefix kernel/dev/,block.c block_device.c)
HOST_SHARED := $(addprefix $(HOST_SRC)/,arena.c floor.c machine.c support.c swap_device.c strlcpy.c)

HOST_THREADED := test_threads
HOST_PROGRAMS := $(filter-out $(HOST_THREADED),$(patsubst $(HOST_SRC)/%.c,%,$(wildcard $(HOST_SRC)/test_*.c)))
HOST_LIB      := $(patsubst $(HOST_SRC)/lib/%.c,%,$(wildcard $(HOST_SRC)/lib/test_*.c))

HOST_TESTS := $(addprefix $(HOST_OUT)/lib/,$(HOST_LIB)) $(addprefix $(HOST_OUT)/,$(HOST_PROGRAMS)) \
              $(addprefix $(HOST_OUT)/,$(HOST_THREADED))

.PHONY: test-host host-tests
test-host: host-tests
	$(Q)$(HOST_SRC)/run_all $(HOST_TESTS)

host-tests: $(HOST_TESTS) $(HOST_OUT)/random_without_flush

host_objects = $(patsubst %.c,$(HOST_OUT)/$(1)/%.o,$(HOST_KERNEL) $(HOST_SHARED) $(2))

HOST_ALL_SOURCES = $(HOST_KERNEL) $(HOST_FS) $(HOST_SHARED) $(wildcard $(HOST_SRC)/*.c)
.SECONDARY:

# Other flags make all again.
HOST_STAMP := $(HOST_OUT)/flags
$(shell mkdir -p $(HOST_OUT); echo '$(CC) $(HOST_CFLAGS) $(HOST_ADDRESS) $(HOST_THREAD)' | cmp -s - $(HOST_STAMP) || \
        echo '$(CC) $(HOST_CFLAGS) $(HOST_ADDRESS) $(HOST_THREAD)' > $(HOST_STAMP))

$(HOST_OUT)/address/%.o: %.c $(HOST_STAMP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(HOST_DEFINES) $(HOST_ADDRESS) $(HOST_INCLUDES) -MMD -MP -c -o $@ $<

$(HOST_OUT)/thread/%.o: %.c $(HOST_STAMP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(HOST_THREAD) $(HOST_INCLUDES) -MMD -MP -c -o $@ $<

$(HOST_OUT)/no_flush/%.o: %.c $(HOST_STAMP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(HOST_ADDRESS) -DNO_TLB_FLUSH_FOR_TEST $(HOST_INCLUDES) -MMD -MP -c -o $@ $<

# The random test with a TLB that forgets nothing when it is told to.
$(HOST_OUT)/random_without_flush: $(filter-out %/machine.o,$(call host_objects,address,)) \
        $(addprefix $(HOST_OUT)/,no_flush/$(HOST_SRC)/machine.o \
        $(addprefix address/$(HOST_SRC)/,test_random.o model.o model_steps.o))
	$(call say,LD,$@)
	$(Q)$(CC) $(HOST_ADDRESS) -o $@ $^ -lcmocka -lpthread

$(HOST_OUT)/test_random: $(addprefix $(HOST_OUT)/address/$(HOST_SRC)/,model.o model_steps.o)

# A file system, with the names above it. <linux/stat.h> gives its constants only to kernels where glibc is about.
HOST_FS := $(addprefix kernel/fs/,attributes.c change.c dentry.c directory.c file.c inode.c mount.c nameless.c open.c path.c path_name.c \
             permission.c rename.c shrink.c size_limit.c super_block.c text.c walk.c) $(wildcard kernel/fs/ext2/*.c)
HOST_EXT2 := $(filter test_ext2%,$(HOST_PROGRAMS))
HOST_EXT2_OBJECTS := $(patsubst %.c,$(HOST_OUT)/address/%.o,$(HOST_FS) $(addprefix $(HOST_SRC)/,ext2_support.c ext2_steps.c))
$(HOST_EXT2_OBJECTS) $(patsubst %,$(HOST_OUT)/address/$(HOST_SRC)/%.o,$(HOST_EXT2)): HOST_DEFINES := -D__KERNEL__
$(addprefix $(HOST_OUT)/,$(HOST_EXT2)): $(HOST_EXT2_OBJECTS) $(addprefix $(HOST_OUT)/address/$(HOST_SRC)/,ext2_disk.o ext2_model.o)

# Calls in which another CPU acts.
$(HOST_OUT)/test_race: HOST_LINK := -Wl,--wrap=frame_alloc,--wrap=frame_alloc_zeroed,--wrap=tlb_send_shootdown,--wrap=vspace_create

$(addprefix $(HOST_OUT)/,$(HOST_PROGRAMS)): $(HOST_OUT)/%: $(HOST_OUT)/address/$(HOST_SRC)/%.o \
        $(call host_objects,address,)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOST_ADDRESS) $(HOST_LINK) -o $@ $^ -lcmocka -lpthread

$(addprefix $(HOST_OUT)/,$(HOST_THREADED)): $(HOST_OUT)/%: $(HOST_OUT)/thread/$(HOST_SRC)/%.o \
        $(call host_objects,thread,)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOST_THREAD) -o $@ $^ -lcmocka -lpthread

# test_sched runs on stacks of its own and points GS at its CPUs: not for the sanitizers.
$(HOST_OUT)/lib/%: $(HOST_SRC)/lib/%.c $(HOST_STAMP)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g $(HOST_WARNINGS) $(if $(filter test_sched,$*),,$(HOST_ADDRESS)) -Ikernel -MMD -MP -o $@ $< \
		-lcmocka -lpthread

-include $(patsubst %.c,$(HOST_OUT)/address/%.d,$(HOST_ALL_SOURCES)) $(patsubst %.c,$(HOST_OUT)/thread/%.d,$(HOST_ALL_SOURCES)) \
         $(HOST_OUT)/no_flush/$(HOST_SRC)/machine.d $(addprefix $(HOST_OUT)/lib/,$(addsuffix .d,$(HOST_LIB)))
