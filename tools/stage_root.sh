#!/bin/sh
# Lay out the guest's root in a folder: BusyBox with a link for each of its tools, our init, a minimal /etc.
#
#   tools/stage_root.sh FOLDER INIT
set -eu

root=$1 init=$2
new=$root.$$        # two builds at once do not meet
here=$(dirname "$0")
busybox=$(command -v busybox)

if ! "$here/is_static.sh" "$busybox"; then
    echo "stage_root: $busybox is not a static program; install busybox-static" >&2
    exit 1
fi

rm -rf "$new"
mkdir -p "$new"
cd "$new"
mkdir -p bin sbin usr/bin usr/sbin etc proc dev sys root tmp
chmod 1777 tmp
chmod 700 root
cd "$OLDPWD"

cp "$busybox" "$new/bin/busybox"
cp "$init" "$new/sbin/init"
cp -R "$here/../user/root/." "$new/"
chmod 755 "$new/bin/busybox" "$new/sbin/init"

"$busybox" --list-full | while read -r tool; do
    case $tool in
    */*) [ -e "$new/$tool" ] || ln -s /bin/busybox "$new/$tool" ;;
    esac
done

rm -rf "$root"
mv "$new" "$root"
