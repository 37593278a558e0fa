#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's own programs, dynamically linked: bash, coreutils, Lua, Python and SQLite run a script each, and print on Gaur what
they print on Linux, in the same root.

The packages are fetched and unpacked when the test runs, into build/debian/, and kept. What each script printed is in
build/debian/Linux.out and Gaur.out.
"""

import difflib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'e2e'), os.path.join(HERE, '..', '..', 'tools')]
from debian import Apt, Unavailable, complaint, read, write  # noqa: E402  (needs the path above)
from harness import GAUR, TOP, done, ok, skip  # noqa: E402

FOLDER = 'build/debian'
UNPACKED = FOLDER + '/unpacked'     # the packages
ROOT = FOLDER + '/root'             # those, the scripts, and our own programs
SECONDS = 240

# With what they depend on; but libraries of Python's modules that the script does not load.
PACKAGES = '''bash coreutils lua5.4 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib sqlite3
    libacl1 libattr1 libc6 libexpat1 libgcc-s1 libgmp10 libpcre2-8-0 libreadline8 libselinux1 libsqlite3-0 libssl3 libtinfo6
    zlib1g'''.split()

# What no script looks at, and would have to lie in the guest's memory.
LEFT_OUT = '''usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/lib/x86_64-linux-gnu/gconv
    usr/lib/python3.11/test usr/lib/python3.11/pydoc_data usr/lib/python3.11/lib2to3'''.split()

MUSL_LOADER = '/lib/ld-musl-x86_64.so.1'
PROGRAMS = {
    'glibc-pie': ['gcc', '-pie', '-fpie'],
    'glibc-fixed': ['gcc', '-no-pie', '-fno-pie'],
    'musl-pie': ['musl-gcc', '-pie', '-fpie'],
}

def unpack():
    """Debian's packages, into UNPACKED."""
    wanted = ' '.join(PACKAGES)
    mark = FOLDER + '/packages'
    if os.path.exists(mark) and read(mark) == wanted:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    apt = Apt(FOLDER + '/apt', 'deb')
    updated = apt.run('update')
    fetched = apt.run('download', *PACKAGES)
    if fetched.returncode:
        raise Unavailable('the packages cannot be fetched: ' + complaint(updated, fetched))
    for name in sorted(os.listdir(apt.packed)):
        done_well = subprocess.run(['dpkg-deb', '-x', os.path.join(apt.packed, name), UNPACKED], check=False)
        if done_well.returncode:
            raise Unavailable(f'{name} cannot be unpacked')
    for name in LEFT_OUT:
        shutil.rmtree(os.path.join(UNPACKED, name), ignore_errors=True)
    shutil.rmtree(apt.folder)
    write(mark, wanted)

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

class Run:
    """What the scripts printed on one system."""

    def __init__(self, title, command):
        self.title, self.sections, self.verify, self.missing = title, {}, '', []
        self.ended = False
        with open(f'{FOLDER}/{title}.out', 'wb') as out, open(f'{FOLDER}/{title}.err', 'wb') as errors:
            try:
                subprocess.run([*command, '/bin/bash', '/suite/guest.sh'], stdin=subprocess.DEVNULL, stdout=out,
                               stderr=errors, timeout=SECONDS + 60, check=False)
            except subprocess.TimeoutExpired:
                pass
        with open(f'{FOLDER}/{title}.out', encoding='utf-8', errors='replace') as out:
            self.read(out)

    def read(self, out):
        lines = []
        for line in out.read().split('\n'):
            word, _, rest = line.removeprefix('== ').partition(' ')
            if not line.startswith('== '):
                lines.append(line)
            elif word == 'status':
                lines.append(line)
            elif word == 'verify':
                self.verify = rest
            elif word == 'missing':
                self.missing.append(rest)
            elif word == 'end':
                self.ended = True
            else:
                lines = self.sections[word] = []

def run_linux():
    copy = os.path.abspath(FOLDER + '/linux')
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(copy)
    run = Run('Linux', ['sh', 'tests/on_linux.sh', os.path.abspath(ROOT), copy])
    shutil.rmtree(copy, ignore_errors=True)
    if not run.ended:
        raise Unavailable(read(FOLDER + '/Linux.err').strip().split('\n')[-1] or 'the scripts do not run on Linux')
    return run

def run_gaur():
    return Run('Gaur', [GAUR, 'run', '--quiet', '-m', '192M', '-c', '2', '--timeout', str(SECONDS), '--root', ROOT, '--'])

def compare(linux, gaur):
    for name, wanted in linux.sections.items():
        got = gaur.sections.get(name, [])
        difference = difflib.unified_diff(wanted, got, 'Linux', 'Gaur', n=1, lineterm='')
        ok(got == wanted, f'{name} prints what it prints on Linux', *difference)
    for name in sorted({line.split()[1] for line in gaur.missing}):
        print(f'# programs asked for {name}, which is not there')
    ok(gaur.ended and len(linux.sections) >= 11, 'Gaur ran to the end of the scripts', read(FOLDER + '/Gaur.err')[-2000:])
    ok(gaur.verify == 'verify: ok', "after all that, Gaur's memory is in order", gaur.verify or 'nothing was said')

def main():
    os.chdir(TOP)
    os.makedirs(FOLDER, exist_ok=True)
    try:
        unpack()
        stage()
        linux = run_linux()
    except Unavailable as why:
        skip("Debian's dynamic programs", why)
        done()
    compare(linux, run_gaur())
    done()

main()
