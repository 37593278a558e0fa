#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's own programs, dynamically linked: bash, coreutils, Lua, Python and SQLite run a script each, and print on Gaur what
they print on Linux, in the same root.

The packages are fetched and unpacked when the test runs, into build/debian/, and kept. What each script printed is in
build/debian/Linux.out and Gaur.out.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
from side_by_side import Unavailable, compare, run_gaur, run_linux, unpack, write  # noqa: E402  (needs the path above)
from harness import TOP, done, skip  # noqa: E402

FOLDER = 'build/debian'
UNPACKED = FOLDER + '/unpacked'     # the packages
ROOT = FOLDER + '/root'             # those, the scripts, and our own programs
SECONDS = 240

# With what they depend on; but libraries of Python's modules that the script does not load.
PACKAGES = '''bash coreutils lua5.4 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib sqlite3
    libacl1 libattr1 libc6 libexpat1 libgcc-s1 libgmp10 libpcre2-8-0 libreadline8 libselinux1 libsqlite3-0 libssl3 libtinfo6
    zlib1g'''.split()

# What no script looks at, and would have to lie in the guest's memory.
LEFT_OUT = ['usr/lib/python3.11/test', 'usr/lib/python3.11/pydoc_data', 'usr/lib/python3.11/lib2to3']

MUSL_LOADER = '/lib/ld-musl-x86_64.so.1'
PROGRAMS = {
    'glibc-pie': ['gcc', '-pie', '-fpie'],
    'glibc-fixed': ['gcc', '-no-pie', '-fno-pie'],
    'musl-pie': ['musl-gcc', '-pie', '-fpie'],
}

def stage():
    """The root for both systems."""
    shutil.rmtree(ROOT, ignore_errors=True)
    shutil.copytree(UNPACKED, ROOT, symlinks=True)
    os.symlink('bash', ROOT + '/bin/sh')
    for name in ('dev/shm', 'proc', 'root', 'tmp'):
        os.makedirs(os.path.join(ROOT, name), exist_ok=True)
    suite = ROOT + '/suite'
    shutil.copytree(HERE + '/scripts', suite)
    shutil.copy(HERE + '/guest.sh', suite)
    write(suite + '/lines', 'a\nb\nc\nd\n')
    shutil.copy(MUSL_LOADER, ROOT + MUSL_LOADER)
    for name, compiler in PROGRAMS.items():
        subprocess.run([*compiler, '-O1', '-w', '-pthread', HERE + '/scripts/dynamic.c', '-o', f'{suite}/{name}', '-ldl'],
                       check=True)
    make_devices()

def make_devices():
    """What programs look for beside the devices: the links that a Debian system has in /dev."""
    for name, target in (('fd', '/proc/self/fd'), ('stdin', 'fd/0'), ('stdout', 'fd/1'), ('stderr', 'fd/2')):
        os.symlink(target, f'{ROOT}/dev/{name}')

def main():
    os.chdir(TOP)
    os.makedirs(FOLDER, exist_ok=True)
    try:
        unpack(FOLDER, PACKAGES, LEFT_OUT)
        stage()
        linux = run_linux(FOLDER, ROOT, SECONDS)
    except Unavailable as why:
        skip("Debian's dynamic programs", why)
        done()
    compare(linux, run_gaur(FOLDER, ROOT, SECONDS), 11)
    done()

main()
