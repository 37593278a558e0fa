#!/bin/sh
# Is everything here that Gaur is built and run with? If not, install it by name.
#
# Debian and its relatives: apt-get, as root or through sudo. Elsewhere: say what is
# missing and stop. When nothing is missing this takes a few milliseconds, since only
# the presence of files is looked at.
#
#   tools/setup.sh            check, install what is missing
#   tools/setup.sh --check    only say what is missing; status 1 if anything is
set -u

missing=''      # Debian package names
wanted=''       # the same for people: "what (why)"

# lacks PACKAGE WHAT: note that a package is missing, once.
lacks() {
    case " $missing " in
    *" $1 "*) ;;
    *)  missing="$missing $1"
        wanted="$wanted
  $1: $2" ;;
    esac
}

# command_of PACKAGE COMMAND WHAT
command_of() { command -v "$2" >/dev/null 2>&1 || lacks "$1" "$3"; }

# file_of PACKAGE WHAT FILE...: one of the files is there.
file_of() {
    package=$1 what=$2
    shift 2
    for file; do [ -e "$file" ] && return; done
    lacks "$package" "$what"
}

look() {
    command_of make make 'builds everything'
    command_of gcc gcc 'C compiler'
    command_of binutils ld 'assembler and linker'
    command_of musl-tools musl-gcc 'C library for the guest programs'
    command_of python3 python3 'the launcher and the test driver'
    command_of qemu-system-x86 qemu-system-x86_64 'the machine that Gaur runs on'
    command_of qemu-utils qemu-nbd 'serves disks over the network, for the tests'
    command_of spin spin 'checks the models of what CPUs do at once (tests/models)'
    command_of gdb gdb './gaur gdb, and its test'
    PATH=$PATH:/usr/sbin:/sbin command_of e2fsprogs mke2fs 'makes and checks ext2 file systems'
    PATH=$PATH:/usr/sbin:/sbin command_of fdisk sfdisk 'divides disks into partitions, for the tests'
    command_of nodejs node "builds the viewer's page"
    command_of chromium chromium "a browser, for the tests of the viewer's page"
    command_of npm npm "libraries of the viewer's page, by name"
    file_of libc6-dev 'C library headers, for the tests on the host' /usr/include/stdio.h
    file_of linux-libc-dev "Linux's system call numbers and structures" /usr/include/linux/mman.h
    file_of libcmocka-dev 'unit tests on the host' /usr/include/cmocka.h /usr/local/include/cmocka.h
    file_of libwebsockets-dev "serves the viewer's page" /usr/include/libwebsockets.h
    file_of libjansson-dev 'reads what the page says' /usr/include/jansson.h
    # Debian's packages busybox and busybox-static own the same file; only the static one runs in the guest.
    if [ -e /etc/debian_version ]; then
        file_of busybox-static 'shell and tools of the guest' /usr/share/doc/busybox-static
    else
        command_of busybox-static busybox 'shell and tools of the guest; a static binary'
    fi
}

install() {
    as_root=''
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "gaur: these packages are missing, and neither root nor sudo is at hand:$wanted" >&2
            echo "Install them:  apt-get install$missing" >&2
            exit 1
        fi
        as_root=sudo
    fi
    echo "gaur: installing$missing" >&2
    # The lists may be absent or stale: try, refresh, try again.
    apt_install >/dev/null 2>&1 || { $as_root apt-get update -qq >&2 && apt_install >&2; }
}

apt_install() {
    # shellcheck disable=SC2086  # words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

look
[ -n "$missing" ] || exit 0

if [ "${1:-}" = --check ]; then
    echo "gaur: missing (by their Debian names):$wanted" >&2
    exit 1
fi
if [ ! -e /etc/debian_version ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "gaur: please install what is missing, by your system's names for it (these are Debian's):$wanted" >&2
    exit 1
fi

install || { echo "gaur: apt-get could not install$missing" >&2; exit 1; }
missing='' wanted=''
hash -r
look
if [ -n "$missing" ]; then
    echo "gaur: still missing after the installation:$wanted" >&2
    exit 1
fi
