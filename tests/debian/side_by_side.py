# SPDX-License-Identifier: MIT
"""Programs of Debian's in a root of their own, run on Linux and on Gaur, and compared.

The packages are fetched and unpacked when the test runs, and kept. What the scripts printed is in the folder, in Linux.out
and Gaur.out: a line "== NAME" before each section, and in the end "== verify" and "== missing" (Gaur's) and "== end".
"""

import difflib
import os
import shutil
import subprocess
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *way) for way in (('..', 'e2e'), ('..', '..', 'tools'))]
from debian import Apt, Unavailable, complaint, read, write  # noqa: E402  (needs the path above)
from harness import GAUR, ok  # noqa: E402

# What no script looks at, and would have to lie in the guest's memory.
LEFT_OUT = '''usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/lib/x86_64-linux-gnu/gconv'''.split()

def unpack(folder, packages, left_out=()):
    """Debian's packages, into the folder's `unpacked`."""
    wanted = ' '.join(packages)
    mark, unpacked = folder + '/packages', folder + '/unpacked'
    if os.path.exists(mark) and read(mark) == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    apt = Apt(folder + '/apt', 'deb')
    updated = apt.run('update')
    fetched = apt.run('download', *packages)
    if fetched.returncode:
        raise Unavailable('the packages cannot be fetched: ' + complaint(updated, fetched))
    for name in sorted(os.listdir(apt.packed)):
        done_well = subprocess.run(['dpkg-deb', '-x', os.path.join(apt.packed, name), unpacked], check=False)
        if done_well.returncode:
            raise Unavailable(f'{name} cannot be unpacked')
    for name in [*LEFT_OUT, *left_out]:
        shutil.rmtree(os.path.join(unpacked, name), ignore_errors=True)
    shutil.rmtree(apt.folder)
    write(mark, wanted)

class Run:
    """What the scripts printed on one system."""

    def __init__(self, folder, title, command, seconds):
        self.folder, self.title, self.sections, self.verify, self.missing = folder, title, {}, '', []
        self.ended = False
        with open(f'{folder}/{title}.out', 'wb') as out, open(f'{folder}/{title}.err', 'wb') as errors:
            try:
                subprocess.run([*command, '/bin/bash', '/suite/guest.sh'], stdin=subprocess.DEVNULL, stdout=out,
                               stderr=errors, timeout=seconds + 60, check=False)
            except subprocess.TimeoutExpired:
                pass
        with open(f'{folder}/{title}.out', encoding='utf-8', errors='replace') as out:
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

def run_linux(folder, root, seconds):
    copy = os.path.abspath(folder + '/linux')
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(copy)
    run = Run(folder, 'Linux', ['sh', 'tests/on_linux.sh', os.path.abspath(root), copy], seconds)
    shutil.rmtree(copy, ignore_errors=True)
    if not run.ended:
        raise Unavailable(read(folder + '/Linux.err').strip().split('\n')[-1] or 'the scripts do not run on Linux')
    return run

def run_gaur(folder, root, seconds, memory='192M'):
    return Run(folder, 'Gaur', [GAUR, 'run', '--quiet', '-m', memory, '-c', '2', '--timeout', str(seconds), '--root', root, '--'],
               seconds)

def compare(linux, gaur, least):
    """`least`: how many sections there have to be."""
    for name, wanted in linux.sections.items():
        got = gaur.sections.get(name, [])
        difference = difflib.unified_diff(wanted, got, 'Linux', 'Gaur', n=1, lineterm='')
        ok(got == wanted, f'{name} prints what it prints on Linux', *difference)
    for name in sorted({line.split()[1] for line in gaur.missing}):
        print(f'# programs asked for {name}, which is not there')
    ok(gaur.ended and len(linux.sections) >= least, 'Gaur ran to the end of the scripts', read(gaur.folder + '/Gaur.err')[-2000:])
    ok(gaur.verify == 'verify: ok', "after all that, Gaur's memory is in order", gaur.verify or 'nothing was said')
