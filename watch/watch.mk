# SPDX-License-Identifier: MIT
#
# watch.mk - the host side of the viewer. Included by the Makefile.
#
# It reads the guest's structures with the kernel's own headers, and these differ with assertions (DEBUG) and sanitizers: so there is one
# program for each kind of kernel, in build/watch/release, debug and sanitize.

WATCH_BUILD  := build/watch/$(notdir $(BUILD))
WATCH_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE -fno-strict-aliasing -Wall -Wextra -iquote watch -iquote kernel \
                $(if $(DEBUG)$(SANITIZE),-DDEBUG=1) $(if $(SANITIZE),-DSANITIZE=1 -DSHADOW_OFFSET=$(SHADOW_OFFSET))
WATCH_LIBS   := -lwebsockets -ljansson

# What is the kernel's: its words for numbers.
WATCH_KERNEL  := $(addprefix kernel/mm/,event_name.c fault_name.c frame_kind.c stat.c) kernel/watch_layout.c
WATCH_SOURCES := $(wildcard watch/*.c) $(WATCH_KERNEL)
WATCH_OBJECTS := $(WATCH_SOURCES:%.c=$(WATCH_BUILD)/%.o)

.PHONY: watch watch-program watch-programs watch-page
watch: watch-program $(if $(wildcard watch/web/web.mk),watch-page) ; @:

watch-program: $(WATCH_BUILD)/gaur-watch ; @:

# For the kernels that tests boot.
watch-programs:
	$(Q)$(MAKE) --no-print-directory watch-program
	$(Q)$(MAKE) --no-print-directory DEBUG=1 watch-program

-include watch/web/web.mk

-include $(WATCH_OBJECTS:.o=.d)

# Other flags make all again.
$(shell mkdir -p $(WATCH_BUILD); echo '$(WATCH_CFLAGS) $(WATCH_OBJECTS)' | cmp -s - $(WATCH_BUILD)/flags || \
        echo '$(WATCH_CFLAGS) $(WATCH_OBJECTS)' > $(WATCH_BUILD)/flags)

$(WATCH_BUILD)/%.o: %.c $(WATCH_BUILD)/flags
	@mkdir -p $(@D)
	$(Q)gcc $(WATCH_CFLAGS) -MMD -MP -c $< -o $@

$(WATCH_BUILD)/gaur-watch: $(WATCH_OBJECTS)
	$(call say,LD,$@)
	$(Q)gcc -o $@ $^ $(WATCH_LIBS)

# --- its tests: the same sources, with sanitizers

WATCH_TESTS   := $(patsubst tests/watch/%.c,build/watch/test/%,$(wildcard tests/watch/test_*.c))
WATCH_TESTED  := $(patsubst %.c,build/watch/test/%.o,$(filter-out watch/main.c,$(WATCH_SOURCES)))
WATCH_ADDRESS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: test-watch watch-tests
test-watch: watch-tests
	$(Q)GAUR_WATCH_KERNEL=build/release/gaur.elf tests/host/run_all $(WATCH_TESTS)

watch-tests: $(WATCH_TESTS) ; @:

-include $(WATCH_TESTED:.o=.d) $(WATCH_TESTS:=.d)

$(WATCH_TESTED): build/watch/test/%.o: %.c $(WATCH_BUILD)/flags
	@mkdir -p $(@D)
	$(Q)gcc $(WATCH_CFLAGS) $(WATCH_ADDRESS) -MMD -MP -c $< -o $@

$(WATCH_TESTS): build/watch/test/%: tests/watch/%.c $(WATCH_TESTED)
	$(call say,LD,$@)
	$(Q)gcc $(WATCH_CFLAGS) $(WATCH_ADDRESS) -MMD -MP -MF $@.d $< $(WATCH_TESTED) -o $@ $(WATCH_LIBS) -lcmocka
