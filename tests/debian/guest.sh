#!/bin/bash
# SPDX-License-Identifier: MIT
# Run each script with its program. The same on Gaur and on Linux, in the root's folder /suite. A line "== NAME" goes before
# what a script prints, "== status N" after it. In the end, on Gaur, what its own check of all memory found.
[ "${SUITE-}" ] || exec env -i SUITE=1 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TZ=UTC /bin/bash "$0"
cd / || exit

run()
{
    echo "== $1"
    shift
    "$@" < /dev/null 2>&1
    printf '\n== status %d\n' $?
}

run bash bash /suite/bash.sh
run coreutils bash /suite/coreutils.sh
run lua lua5.4 /suite/lua.lua
run python python3.11 /suite/python.py
run sqlite sqlite3 -batch :memory: '.read /suite/sqlite.sql'
run glibc-pie /suite/glibc-pie one libm.so.6
run glibc-fixed /suite/glibc-fixed one libm.so.6
run glibc-through-loader /lib64/ld-linux-x86-64.so.2 /suite/glibc-pie one
run musl-pie /suite/musl-pie one
run musl-through-loader /lib/ld-musl-x86_64.so.1 /suite/musl-pie one
run loader-alone /lib64/ld-linux-x86-64.so.2 --list /suite/nothing
for what in verify missing; do
    [ -r /proc/gaur/$what ] && while read -r line; do echo "== $what $line"; done < /proc/gaur/$what
done
echo '== end'
