#!/bin/sh
# Run BusyBox's tests of some applets. The same on Gaur and on Linux, with the root's folder /suite:
# busybox, .config, testsuite/.
#
#   guest.sh APPLET...
#
# In the end comes a line "END", and on Gaur what its own check of all memory found.
cd /suite/testsuite || exit 1
env -i PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/ SHELL=/bin/sh LANG=C.UTF-8 LC_ALL=C.UTF-8 SKIP_INTERNET_TESTS=y \
    ./runtest "$@"
[ -r /proc/gaur/verify ] && sed '$s/^/VERIFY: /' /proc/gaur/verify
echo END
