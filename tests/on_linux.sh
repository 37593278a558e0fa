#!/bin/sh
# Run a command in a root on this Linux, in a copy of that root.
#
#   on_linux.sh ROOT COPY COMMAND [ARG...]
#
# The tests cannot reach anything outside: mounts, processes and the network are their own, and the copy, on the folder
# COPY, is in memory and gone afterwards. Where the system refuses that even to root (in a container, say), the
# copy lies in the folder itself, behind chroot. Such a root has no right to mount anything, either.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin

devices='null zero full random urandom tty'

if [ "$1" != --inside ]; then
    own='unshare --mount --pid --net --ipc --uts --fork --kill-child'
    [ "$(id -u)" -eq 0 ] || own="$own --map-root-user"
    if $own true 2>/dev/null; then
        exec $own sh "$0" --inside own "$@"
    elif [ "$(id -u)" -eq 0 ]; then
        exec sh "$0" --inside shared "$@"
    fi
    echo 'on_linux.sh: needs root, or a system that lets users make namespaces' >&2
    exit 77
fi

kind=$2 root=$3 copy=$4
shift 4
if [ "$kind" = own ]; then
    mount -t tmpfs none "$copy"
fi
cp -R -d --preserve=mode,timestamps,links "$root/." "$copy/"
if [ "$kind" = own ]; then
    mount -t proc none "$copy/proc" || true
    for name in $devices; do
        touch "$copy/dev/$name"
        mount --bind "/dev/$name" "$copy/dev/$name"
    done
else
    for name in $devices; do
        cp -a "/dev/$name" "$copy/dev/$name"
    done
fi
exec chroot "$copy" "$@"
