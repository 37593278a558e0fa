#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The grid of arguments: what the calls of the mmap family answer to each, on this Linux and on Gaur, line by line.

known.txt has the lines that may differ, each with a reason; ten at most.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from harness import TOP, done, gaur, ok, skip  # noqa: E402  (needs the path above)

PROGRAM = os.path.join(TOP, 'build', 'user', 'grid')
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'known.txt')
MOST = 10

def answers(text):
    """Case -> answer."""
    pairs = (line.rpartition(' = ') for line in text.splitlines() if ' = ' in line)
    return {case: answer for case, _, answer in pairs}

def known():
    """Cases that may differ."""
    with open(KNOWN, encoding='utf-8') as file:
        return {line.split(': ', 1)[0] for line in file if line.strip() and not line.startswith('#')}

linux = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=300, check=False)
ok(linux.returncode == 0, 'the grid runs on Linux', linux.stderr)
result = gaur('run', '--quiet', '--timeout', '400', '--', PROGRAM, seconds=450)
ok(result.status == 0, 'the grid runs on Gaur', result.notes())
there, here, allowed = answers(linux.stdout), answers(result.text()), known()
ok(len(here) > 20000 and here.keys() == there.keys(), f'all {len(there)} cases were tried on both',
   sorted(here.keys() ^ there.keys())[:10])
release = tuple(int(part) for part in os.uname().release.split('-')[0].split('.')[:2])
NAME = 'every answer is the one that Linux gives'
different = [f'{case}: Linux {there[case]}, Gaur {here.get(case)}' for case in there
             if here.get(case) != there[case] and case not in allowed]
if different and release < (6, 17):
    skip(NAME, f'{len(different)} differ, but this Linux is older than 6.17, which checks in another order')
else:
    ok(not different, NAME, f'{len(different)} differ', *different[:20])
ok(len(allowed) <= MOST, f'at most {MOST} differences are known')
done()
