# SPDX-License-Identifier: MIT
#
# lessons.mk - the programs of the lessons, which `./gaur watch` puts into the guest's folder /lessons. Included by the Makefile.
#
# Their files lie in the guest's memory: small is good.

LESSON_BUILD := $(USERBUILD)/lessons
LESSON_FLAGS := -std=gnu11 -static -Os -Wall -Wextra -Werror -D_GNU_SOURCE -ffunction-sections
LESSON_LINK  := -s -Wl,--gc-sections,-z,noseparate-code
LESSON_LIB   := $(patsubst user/%.c,$(USERBUILD)/obj/%.o,$(wildcard user/lessons/lib/*.c))
LESSONS      := $(patsubst user/%.c,$(USERBUILD)/%,$(wildcard user/lessons/*.c))

.PHONY: lessons
lessons: $(LESSONS) ; @:

$(LESSON_LIB): $(USERBUILD)/obj/%.o: user/%.c user/lessons/lib/lesson.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(LESSON_FLAGS) -c $< -o $@

$(LESSONS): $(USERBUILD)/%: user/%.c user/lessons/lib/lesson.h $(LESSON_LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(LESSON_FLAGS) $(LESSON_LINK) $< $(LESSON_LIB) -o $@
