#!/bin/sh
# SPDX-License-Identifier: MIT
# The viewer's page, in a browser (tests/e2e/page/run.mjs).
exec node "$(dirname "$0")/page/run.mjs" "$@"
