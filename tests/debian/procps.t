#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's procps, psmisc and lsof look at a small family of processes: what they find in /proc on Gaur is what they find on
Linux, column by column. Numbers that are the machine's own are left out, or checked for what they have to be.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
from side_by_side import Unavailable, compare, run_gaur, run_linux, unpack  # noqa: E402  (needs the path above)
from harness import TOP, done, skip  # noqa: E402

FOLDER = 'build/procps'
ROOT = FOLDER + '/root'
SECONDS = 240

PACKAGES = '''procps psmisc lsof bash coreutils sed grep mawk mount ncurses-base
    libacl1 libattr1 libblkid1 libc6 libcap2 libcom-err2 libgcrypt20 libgmp10 libgpg-error0 libgssapi-krb5-2 libk5crypto3
    libkeyutils1 libkrb5-3 libkrb5support0 liblz4-1 liblzma5 libmount1 libncursesw6 libpcre2-8-0 libproc2-0 libselinux1
    libsmartcols1 libssl3 libsystemd0 libtinfo6 libtirpc3 libzstd1'''.split()

def stage():
    """The root for both systems."""
    shutil.rmtree(ROOT, ignore_errors=True)
    shutil.copytree(FOLDER + '/unpacked', ROOT, symlinks=True)
    os.symlink('bash', ROOT + '/bin/sh')
    os.symlink('mawk', ROOT + '/usr/bin/awk')
    for name in ('dev', 'etc', 'proc', 'root', 'tmp', 'suite'):
        os.makedirs(os.path.join(ROOT, name), exist_ok=True)
    with open(ROOT + '/etc/passwd', 'w', encoding='utf-8') as users:
        users.write('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n')
    shutil.copy(HERE + '/procps.sh', ROOT + '/suite/guest.sh')
    subprocess.run(['musl-gcc', '-static', '-O1', '-s', '-pthread', HERE + '/family.c', '-o', ROOT + '/suite/family'],
                   check=True)

def main():
    os.chdir(TOP)
    os.makedirs(FOLDER, exist_ok=True)
    try:
        unpack(FOLDER, PACKAGES)
        stage()
        linux = run_linux(FOLDER, ROOT, SECONDS)
    except Unavailable as why:
        skip("Debian's procps, psmisc and lsof", why)
        done()
    compare(linux, run_gaur(FOLDER, ROOT, SECONDS, '96M'), 15)
    done()

main()
