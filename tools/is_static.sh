#!/bin/sh
# Does an ELF program run without a dynamic loader?    tools/is_static.sh FILE
[ -r "$1" ] && ! readelf -lW "$1" 2>/dev/null | grep -q INTERP
