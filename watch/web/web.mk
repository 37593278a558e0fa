# SPDX-License-Identifier: MIT
#
# web.mk - the viewer's page, watch/web/dist/index.html. Included by watch/watch.mk; also works alone:
#
#   make -f watch/web/web.mk watch-page | test-watch-page
#
# npm takes the libraries by the names, versions and checksums in package-lock.json; nothing of them is committed.

Q   ?= $(if $(V),,@)
say ?= $(if $(V),@:,@printf '  %-5s %s\n' '$(1)' '$(2)')

WEB         := watch/web
WEB_MODULES := $(WEB)/node_modules/.package-lock.json
WEB_SOURCES := $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/tsconfig.json $(shell find $(WEB)/src -type f)

.PHONY: watch-page test-watch-page
watch-page: $(WEB)/dist/index.html ; @:

$(WEB_MODULES): $(WEB)/package.json $(WEB)/package-lock.json
	$(call say,NPM,$(WEB)/node_modules)
	$(Q)cd $(WEB) && npm ci --silent
	@touch $@

$(WEB)/dist/index.html: $(WEB_MODULES) $(WEB_SOURCES)
	$(call say,VITE,$@)
	$(Q)cd $(WEB) && npm run --silent check && npm run --silent build

# TAP on standard output, nothing else.
test-watch-page: $(WEB_MODULES)
	@cd $(WEB) && npm run --silent test
