# SPDX-License-Identifier: MIT
#
# grid.mk - the grid of arguments: one static program. Included by the top Makefile, after tests/guest/guest.mk.
#
#   grid-program          build/user/grid

GRID_SRC := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

.PHONY: grid-program
grid-program: $(USERBUILD)/grid

$(USERBUILD)/grid: $(GRID_SRC)/grid.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) -static -s -o $@ $<
