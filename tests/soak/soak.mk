# SPDX-License-Identifier: MIT
#
# soak.mk - the soak: one static program, of the mixtures here and the guest tests' harness. Included by the top Makefile,
# after tests/guest/guest.mk.
#
#   soak-program          build/user/soak/soak

SOAK_SRC := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
SOAK_OUT := $(USERBUILD)/soak
SOAK_OBJ := $(patsubst $(SOAK_SRC)/%.c,$(SOAK_OUT)/obj/%.o,$(wildcard $(SOAK_SRC)/*.c))

.PHONY: soak-program
soak-program: $(SOAK_OUT)/soak

$(SOAK_OUT)/obj/%.o: $(SOAK_SRC)/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(GUEST_CFLAGS) -I$(GUEST_SRC) -MMD -MP -c -o $@ $<

$(SOAK_OUT)/soak: $(SOAK_OBJ) $(GUEST_LIB)
	$(call say,LD,$@)
	$(Q)$(MUSL_CC) -static -s -o $@ $(filter %.o,$^)

-include $(wildcard $(SOAK_OUT)/obj/*.d)
