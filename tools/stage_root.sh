#!/bin/sh
# Lay out the guest's root in a folder: BusyBox with a link for each of its tools, our init, a minimal /etc.
#
#   tools/stage_root.sh FOLDER INIT
set -eu

root=$1 init=$2
here=$(dirname "$0")
busybox=$(command -v busybox)

if ! "$here/is_static.sh" "$busybox"; then
    echo "stage_root: $busybox is not a static program; install busybox-static" >&2
    exit 1
fi

rm -rf "$root.new"
mkdir -p "$root.new"
cd "$root.new"
mkdir -p bin sbin usr/bin usr/sbin etc proc dev sys root tmp
chmod 1777 tmp
chmod 700 root
cd "$OLDPWD"

cp "$busybox" "$root.new/bin/busybox"
cp "$init" "$root.new/sbin/init"
cp -R "$here/../user/root/." "$root.new/"
chmod 755 "$root.new/bin/busybox" "$root.new/sbin/init"

"$busybox" --list-full | while read -r tool; do
    case $tool in
    */*) [ -e "$root.new/$tool" ] || ln -s /bin/busybox "$root.new/$tool" ;;
    esac
done

rm -rf "$root"
mv "$root.new" "$root"
